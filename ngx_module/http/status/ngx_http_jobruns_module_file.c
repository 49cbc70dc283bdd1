/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Notices that the module's file was replaced while NGINX runs.
 *
 * A reload goes on with the old code: the master has the module open, and
 * dlopen() of a path that is open returns what it is.  After an upgrade of the
 * file NGINX therefore has to be started again, or its binary upgraded (USR2),
 * and until then what runs is not what is installed.
 *
 * The variables belong to the loaded module.  The master sets them once;
 * workers get them by fork(), also those of later configurations.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include <dlfcn.h>

#include "jr_version.h"
#include "ngx_http_jobruns_module_file.h"


/* path is the loader's own, which lives as long as the module */
static const char       *ngx_http_jobruns_module_file_path;
static ngx_file_info_t   ngx_http_jobruns_module_file_loaded;


/* NULL where the module is built into NGINX, whose name may be relative */

static const char *
ngx_http_jobruns_module_file_find(void)
{
    size_t   len;
    Dl_info  info;

    if (dladdr(&ngx_http_jobruns_module_file_path, &info) == 0
        || info.dli_fname == NULL || info.dli_fname[0] != '/')
    {
        return NULL;
    }

    len = ngx_strlen(info.dli_fname);

    if (len < 3 || ngx_strcmp(info.dli_fname + len - 3, ".so") != 0) {
        return NULL;
    }

    return info.dli_fname;
}


void
ngx_http_jobruns_module_file_init(ngx_log_t *log)
{
    const char  *path;

    ngx_log_error(NGX_LOG_INFO, log, 0, "jobruns: gateway " JR_VERSION
                  ", built for " NGINX_VER);

    if (ngx_http_jobruns_module_file_path == NULL) {
        path = ngx_http_jobruns_module_file_find();

        if (path && ngx_file_info(path, &ngx_http_jobruns_module_file_loaded)
                    != NGX_FILE_ERROR)
        {
            ngx_http_jobruns_module_file_path = path;
        }

        return;
    }

    if (ngx_http_jobruns_module_file_changed()) {
        ngx_log_error(NGX_LOG_WARN, log, 0, "jobruns: \"%s\" has changed "
                      "since it was loaded, and version " JR_VERSION " goes "
                      "on running; restart NGINX or upgrade its binary (USR2)",
                      ngx_http_jobruns_module_file_path);
    }
}


ngx_uint_t
ngx_http_jobruns_module_file_changed(void)
{
    ngx_file_info_t         now;
    const ngx_file_info_t  *loaded;

    if (ngx_http_jobruns_module_file_path == NULL) {
        return 0;
    }

    if (ngx_file_info(ngx_http_jobruns_module_file_path, &now)
        == NGX_FILE_ERROR)
    {
        return 1;
    }

    loaded = &ngx_http_jobruns_module_file_loaded;

    return now.st_dev != loaded->st_dev
           || ngx_file_uniq(&now) != ngx_file_uniq(loaded)
           || ngx_file_mtime(&now) != ngx_file_mtime(loaded)
           || ngx_file_size(&now) != ngx_file_size(loaded);
}
