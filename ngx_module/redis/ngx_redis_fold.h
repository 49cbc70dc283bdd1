/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines of error.log that may come in floods: one of each kind at first, then
 * one in ten seconds, which says how many were left out.
 */

#ifndef NGX_REDIS_FOLD_H_INCLUDED
#define NGX_REDIS_FOLD_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>


/* of one kind of line in one worker; zeroed: none was written */
typedef struct {
    ngx_msec_t  time;           /* of the last line */
    ngx_uint_t  skipped;        /* lines since */
    unsigned    logged:1;
} ngx_redis_fold_t;


/*
 * The text of a line: *text is a buffer, and then what is to be logged, with
 * what is not printable replaced, since words of a server may be in it.
 * NGX_DECLINED: the line is left out, and counted.
 */
ngx_int_t ngx_redis_fold_line(ngx_redis_fold_t *fold, ngx_str_t *text,
    const char *fmt, va_list args);


#endif /* NGX_REDIS_FOLD_H_INCLUDED */
