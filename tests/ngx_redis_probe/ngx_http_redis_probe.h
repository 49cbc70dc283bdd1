/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the probe share.
 */

#ifndef NGX_HTTP_REDIS_PROBE_H_INCLUDED
#define NGX_HTTP_REDIS_PROBE_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_redis.h"


#define NGX_HTTP_REDIS_PROBE_MAX   20000
#define NGX_HTTP_REDIS_PROBE_ARGS  64


typedef struct {
    ngx_redis_server_t        *server;
} ngx_http_redis_probe_loc_conf_t;


typedef struct {
    ngx_array_t                scripts;    /* ngx_redis_script_t * */
} ngx_http_redis_probe_main_conf_t;


typedef struct ngx_http_redis_probe_ctx_s  ngx_http_redis_probe_ctx_t;


/* malloc()ed, freed in its handler, by a cancel step, or with the request */
typedef struct {
    ngx_redis_op_t              op;
    ngx_http_redis_probe_ctx_t *ctx;
    ngx_uint_t                  number;
    ngx_msec_t                  start;
} ngx_http_redis_probe_op_t;


typedef struct {
    ngx_uint_t                  number;
    ngx_str_t                   line;
} ngx_http_redis_probe_then_t;


struct ngx_http_redis_probe_ctx_s {
    ngx_http_request_t         *request;
    ngx_http_redis_probe_op_t **ops;
    ngx_uint_t                  nops;
    ngx_uint_t                  pending;
    ngx_array_t                 then;
    ngx_chain_t                *out;
    ngx_chain_t               **last;
    off_t                       size;
    unsigned                    in_step:1;
};


/* ngx_http_redis_probe_module.c: adds to the answer, and sends it */
void ngx_http_redis_probe_say(ngx_http_redis_probe_ctx_t *ctx, u_char *text,
    size_t len);
void ngx_http_redis_probe_end(ngx_http_redis_probe_ctx_t *ctx);

/* ngx_http_redis_probe_step.c: takes a step; ends an operation */
ngx_int_t ngx_http_redis_probe_step(ngx_http_redis_probe_ctx_t *ctx,
    ngx_str_t *line);
void ngx_http_redis_probe_cancel(ngx_http_redis_probe_ctx_t *ctx,
    ngx_uint_t number);


extern ngx_module_t  ngx_http_redis_probe_module;


#endif /* NGX_HTTP_REDIS_PROBE_H_INCLUDED */
