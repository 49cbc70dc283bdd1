/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The setter of directives that take one word, time, size or number.
 */

#ifndef NGX_HTTP_JOBRUNS_VALUES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_VALUES_H_INCLUDED

#include "ngx_http_jobruns.h"


typedef enum {
    jobruns_value_word = 0,     /* one of words */
    jobruns_value_msec,
    jobruns_value_sec,
    jobruns_value_size,
    jobruns_value_number
} ngx_http_jobruns_value_e;


/* the post of a directive: what is accepted, and how a message says that */
typedef struct {
    ngx_http_jobruns_value_e   kind;
    ngx_conf_enum_t           *words;      /* ends with an empty name */
    int64_t                    least;
    int64_t                    most;       /* 0: no bound but NGINX's own */
    const char                *expected;   /* NULL: the words, listed */
} ngx_http_jobruns_value_t;


/* "off" and "on" */
extern ngx_http_jobruns_value_t  ngx_http_jobruns_values_flag;


/*
 * In place of ngx_conf_set_enum_slot(), ngx_conf_set_msec_slot() and so on,
 * whose messages leave out what is accepted.  cmd->post is a
 * ngx_http_jobruns_value_t; the field is of the type that NGINX's setter of
 * that kind expects, one machine word.
 */
char *ngx_http_jobruns_values_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_JOBRUNS_VALUES_H_INCLUDED */
