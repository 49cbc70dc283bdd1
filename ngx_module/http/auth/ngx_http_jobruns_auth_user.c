/* SPDX-License-Identifier: BSD-2-Clause
 *
 * May workers read what the master could?
 *
 * By the modes alone: an access list may allow or forbid more, so that this is
 * a warning.  What counts is what the worker finds when it starts.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_auth_store.h"
#include "ngx_http_jobruns_auth_user.h"

#include <grp.h>


/* of the workers' user; more are not looked at */
#define NGX_HTTP_JOBRUNS_AUTH_GROUPS  256

#define NGX_HTTP_JOBRUNS_AUTH_READ    04
#define NGX_HTTP_JOBRUNS_AUTH_SEARCH  01


typedef struct {
    uid_t       uid;
    ngx_uint_t  n;
    gid_t       groups[NGX_HTTP_JOBRUNS_AUTH_GROUPS];
} ngx_http_jobruns_auth_user_t;


static void ngx_http_jobruns_auth_user_is(ngx_cycle_t *cycle,
    ngx_http_jobruns_auth_user_t *user);
static ngx_uint_t ngx_http_jobruns_auth_user_reads(
    ngx_http_jobruns_auth_user_t *user, ngx_str_t *file);
static ngx_uint_t ngx_http_jobruns_auth_user_may(
    ngx_http_jobruns_auth_user_t *user, const char *path, mode_t what);


void
ngx_http_jobruns_auth_user_check(ngx_array_t *stores, ngx_cycle_t *cycle)
{
    ngx_str_t                       *file;
    ngx_uint_t                       i, k;
    ngx_array_t                     *files;
    ngx_core_conf_t                 *ccf;
    ngx_http_jobruns_auth_user_t     user;
    ngx_http_jobruns_auth_store_t  **store;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    /* workers have another user only if the master may change it */

    if (geteuid() != 0 || ccf->user == 0
        || ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT)
    {
        return;
    }

    ngx_http_jobruns_auth_user_is(cycle, &user);

    store = stores->elts;

    for (i = 0; i < stores->nelts; i++) {
        files = ngx_http_jobruns_auth_store_files(store[i]);
        file = files->elts;

        for (k = 0; k < files->nelts; k++) {

            if (ngx_http_jobruns_auth_user_reads(&user, &file[k])) {
                continue;
            }

            ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                          "the file of keys \"%V\" cannot be read by the "
                          "workers' user \"%s\", and requests will get 503: "
                          "chgrp and chmod it, and its folders", &file[k],
                          ccf->username);
        }
    }
}


/* as ngx_worker_process_init() sets them */

static void
ngx_http_jobruns_auth_user_is(ngx_cycle_t *cycle,
    ngx_http_jobruns_auth_user_t *user)
{
    int               n;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    n = NGX_HTTP_JOBRUNS_AUTH_GROUPS;

    if (getgrouplist(ccf->username, ccf->group, user->groups, &n) == -1) {
        n = NGX_HTTP_JOBRUNS_AUTH_GROUPS;
    }

    user->uid = ccf->user;
    user->n = (ngx_uint_t) n;
}


/* the file, and each folder on the way */

static ngx_uint_t
ngx_http_jobruns_auth_user_reads(ngx_http_jobruns_auth_user_t *user,
    ngx_str_t *file)
{
    size_t  i;
    char    path[NGX_MAX_PATH + 1];

    if (file->len > NGX_MAX_PATH) {
        return 1;
    }

    for (i = 1; i < file->len; i++) {

        if (file->data[i] != '/') {
            continue;
        }

        ngx_memcpy(path, file->data, i);
        path[i] = '\0';

        if (!ngx_http_jobruns_auth_user_may(user, path,
                                            NGX_HTTP_JOBRUNS_AUTH_SEARCH))
        {
            return 0;
        }
    }

    return ngx_http_jobruns_auth_user_may(user, (char *) file->data,
                                          NGX_HTTP_JOBRUNS_AUTH_READ);
}


/* the first class that the user belongs to decides (POSIX.1, 4.7) */

static ngx_uint_t
ngx_http_jobruns_auth_user_may(ngx_http_jobruns_auth_user_t *user,
    const char *path, mode_t what)
{
    ngx_uint_t       i;
    ngx_file_info_t  fi;

    if (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
        return 1;
    }

    if (fi.st_uid == user->uid) {
        return (fi.st_mode >> 6 & what) != 0;
    }

    for (i = 0; i < user->n; i++) {
        if (fi.st_gid == user->groups[i]) {
            return (fi.st_mode >> 3 & what) != 0;
        }
    }

    return (fi.st_mode & what) != 0;
}
