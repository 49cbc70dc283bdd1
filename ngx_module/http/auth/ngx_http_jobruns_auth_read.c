/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads the files of a store into one set of keys.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_auth_read.h"


static ngx_int_t ngx_http_jobruns_auth_read_file(
    ngx_http_jobruns_auth_load_t *load, ngx_str_t *path,
    ngx_http_jobruns_auth_stamp_t *stamp);
static ngx_int_t ngx_http_jobruns_auth_read_text(
    ngx_http_jobruns_auth_load_t *load, ngx_str_t *path, ngx_fd_t fd,
    ngx_file_info_t *fi);
static void ngx_http_jobruns_auth_read_stamp(ngx_file_info_t *fi,
    ngx_http_jobruns_auth_stamp_t *stamp);
static void ngx_http_jobruns_auth_read_say(ngx_http_jobruns_auth_load_t *load,
    ngx_str_t *path, ngx_err_t err, const char *what);


void
ngx_http_jobruns_auth_read_files(ngx_http_jobruns_auth_load_t *load)
{
    ngx_str_t   *path;
    ngx_uint_t   i;

    load->again = 0;
    load->error[0] = '\0';
    load->keys = jr_auth_keys_create(load->kind);

    if (load->keys == NULL) {
        load->again = 1;
        ngx_http_jobruns_auth_read_say(load, load->files->elts, 0,
                                       "no memory for its keys");
        return;
    }

    path = load->files->elts;

    for (i = 0; i < load->files->nelts; i++) {
        if (ngx_http_jobruns_auth_read_file(load, &path[i], &load->stamps[i])
            != NGX_OK)
        {
            break;
        }
    }

    if (i == load->files->nelts
        && jr_auth_keys_seal(load->keys, load->error) == JR_OK)
    {
        return;
    }

    jr_auth_keys_free(load->keys);
    load->keys = NULL;
}


static ngx_int_t
ngx_http_jobruns_auth_read_file(ngx_http_jobruns_auth_load_t *load,
    ngx_str_t *path, ngx_http_jobruns_auth_stamp_t *stamp)
{
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    /* a FIFO that nobody writes to is not waited for */

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        load->again = 1;
        ngx_http_jobruns_auth_read_say(load, path, ngx_errno,
                                       "cannot be opened");
        return NGX_ERROR;
    }

    /* before it is read: what changes meanwhile is read again */

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)) {
        ngx_memzero(stamp, sizeof(ngx_http_jobruns_auth_stamp_t));
        load->again = 1;
        ngx_http_jobruns_auth_read_say(load, path, 0, "is not a regular file");
        rc = NGX_ERROR;

    } else {
        ngx_http_jobruns_auth_read_stamp(&fi, stamp);
        rc = ngx_http_jobruns_auth_read_text(load, path, fd, &fi);
    }

    (void) ngx_close_file(fd);

    return rc;
}


static ngx_int_t
ngx_http_jobruns_auth_read_text(ngx_http_jobruns_auth_load_t *load,
    ngx_str_t *path, ngx_fd_t fd, ngx_file_info_t *fi)
{
    char         *text;
    size_t        len, size;
    ssize_t       n;
    jr_status_e   rc;

    if (ngx_file_size(fi) > JR_AUTH_KEYS_FILE) {
        ngx_http_jobruns_auth_read_say(load, path, 0, "has more than 16 MB");
        return NGX_ERROR;
    }

    /* a byte more shows whether it grows */

    size = (size_t) ngx_file_size(fi) + 1;
    text = malloc(size);

    if (text == NULL) {
        load->again = 1;
        ngx_http_jobruns_auth_read_say(load, path, 0, "no memory to read it");
        return NGX_ERROR;
    }

    len = 0;

    do {
        n = ngx_read_fd(fd, text + len, size - len);
        len += n > 0 ? (size_t) n : 0;
    } while (n > 0 && len < size);

    if (n == -1 || len == size) {
        load->again = 1;
        ngx_http_jobruns_auth_read_say(load, path, n == -1 ? ngx_errno : 0,
                                       n == -1 ? "cannot be read"
                                       : "grows while it is read; write a new "
                                         "file and rename it");
        free(text);
        return NGX_ERROR;
    }

    rc = jr_auth_keys_add(load->keys, (char *) path->data,
                          (jr_str_t) { len, text }, load->error);
    free(text);

    load->again = (rc == JR_NO_MEMORY);

    return rc == JR_OK ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_jobruns_auth_read_stamp(ngx_file_info_t *fi,
    ngx_http_jobruns_auth_stamp_t *stamp)
{
    stamp->dev = fi->st_dev;
    stamp->ino = fi->st_ino;
    stamp->size = fi->st_size;
    stamp->modified = fi->st_mtim;
    stamp->changed = fi->st_ctim;
}


ngx_int_t
ngx_http_jobruns_auth_read_same(ngx_str_t *path,
    const ngx_http_jobruns_auth_stamp_t *stamp)
{
    ngx_file_info_t  fi;

    /* seconds alone would miss the second of two changes in one of them */

    return ngx_file_info(path->data, &fi) != NGX_FILE_ERROR
           && fi.st_dev == stamp->dev && fi.st_ino == stamp->ino
           && fi.st_size == stamp->size
           && fi.st_mtim.tv_sec == stamp->modified.tv_sec
           && fi.st_mtim.tv_nsec == stamp->modified.tv_nsec
           && fi.st_ctim.tv_sec == stamp->changed.tv_sec
           && fi.st_ctim.tv_nsec == stamp->changed.tv_nsec
           ? NGX_OK : NGX_DECLINED;
}


/* with a NUL, as the texts of core/ */

static void
ngx_http_jobruns_auth_read_say(ngx_http_jobruns_auth_load_t *load,
    ngx_str_t *path, ngx_err_t err, const char *what)
{
    u_char  *p, *last;

    p = (u_char *) load->error;
    last = p + sizeof(load->error) - 1;

    p = ngx_slprintf(p, last, "\"%V\": %s", path, what);

    if (err) {
        p = ngx_slprintf(p, last, ": ");
        p = ngx_strerror(err, p, last - p);
    }

    *p = '\0';
}
