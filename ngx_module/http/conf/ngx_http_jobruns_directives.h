/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Setters of the directives that are more than a number.  Every refusal
 * names the directive (NGINX does), the value and what is accepted.
 */

#ifndef NGX_HTTP_JOBRUNS_DIRECTIVES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_DIRECTIVES_H_INCLUDED

#include "ngx_http_jobruns.h"


char *ngx_http_jobruns_directives_prefix(ngx_conf_t *cf, void *post,
    void *data);
char *ngx_http_jobruns_directives_schema(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * The secret of least to most bytes in a file (jr_secret_line()), a copy in
 * the pool of the configuration with a NUL byte behind it; what: "password"
 * or "key", for messages.  Warns of a file that everybody may read.
 */
char *ngx_http_jobruns_directives_secret(ngx_conf_t *cf, const char *what,
    ngx_str_t *name, size_t least, size_t most, ngx_str_t *secret);

/* refuses an option behind the first argument that is given twice */
char *ngx_http_jobruns_directives_once(ngx_conf_t *cf);

/* cuts "name=" off an argument; NGX_DECLINED: it begins otherwise */
ngx_int_t ngx_http_jobruns_directives_option(ngx_str_t *arg, const char *name,
    ngx_str_t *value);

/* logs what is expected in place of an argument; returns NGX_CONF_ERROR */
char *ngx_http_jobruns_directives_refuse(ngx_conf_t *cf, ngx_str_t *arg,
    const char *expected);

/* the compiled embedded schema of the cycle; NULL after logging an error */
jr_schema_t *ngx_http_jobruns_directives_embedded(ngx_conf_t *cf);


#endif /* NGX_HTTP_JOBRUNS_DIRECTIVES_H_INCLUDED */
