/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads the files of a store into one set of keys.
 */

#ifndef NGX_HTTP_JOBRUNS_AUTH_READ_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUTH_READ_H_INCLUDED

#include "ngx_http_jobruns_auth.h"


/* bytes of what is said of a file */
#define NGX_HTTP_JOBRUNS_AUTH_ERROR  JR_AUTH_KEYS_ERROR


/* by which a file is known to be the one that was read; memset() to 0: it was
   not */
typedef struct {
    dev_t                           dev;
    ino_t                           ino;
    off_t                           size;
    struct timespec                 modified;
    struct timespec                 changed;
} ngx_http_jobruns_auth_stamp_t;


typedef struct {
    jr_auth_keys_kind_e             kind;
    ngx_array_t                    *files;    /* of ngx_str_t; only read */
    ngx_http_jobruns_auth_stamp_t  *stamps;   /* for each file: as it was when
                                                 it was read */
    jr_auth_keys_t                 *keys;     /* NULL: error says why not */
    unsigned                        again:1;  /* it may be read without any
                                                 file being another one */
    char                            error[NGX_HTTP_JOBRUNS_AUTH_ERROR];
} ngx_http_jobruns_auth_load_t;


/*
 * Fills in the rest of load, of which the caller has set kind, files and
 * stamps.  It may be called in a thread: it touches nothing but load.
 */
void ngx_http_jobruns_auth_read_files(ngx_http_jobruns_auth_load_t *load);

/* whether the file at path is the one of that stamp; NGX_DECLINED: it is not,
   or there is none */
ngx_int_t ngx_http_jobruns_auth_read_same(ngx_str_t *path,
    const ngx_http_jobruns_auth_stamp_t *stamp);


#endif /* NGX_HTTP_JOBRUNS_AUTH_READ_H_INCLUDED */
