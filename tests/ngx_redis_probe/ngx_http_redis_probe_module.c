/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A test-only module: makes the Redis client of ngx_module/redis/ do what the
 * body of a request says, and answers what became of it.
 *
 *     location /r { redis_probe unix:/tmp/redis.sock timeout=200ms db=3; }
 *     location /c { redis_probe cluster 127.0.0.1:7000 127.0.0.1:7001; }
 *
 * A body has one step in each line; the steps are taken in one turn:
 *
 *     [*N] cmd ARG ...              submits a command (N times)
 *     [*N] eval NAME NKEYS ARG ...  runs the script of redis_probe_script
 *     cancel N                      cancels the N-th operation (from 1)
 *     on N cmd|eval|cancel ...      the same, when the handler of the N-th
 *                                   operation is called
 *
 * "%XX" in an argument is a byte, "@N" is N bytes "x".  Answered, a line for
 * each operation, in the order in which they ended:
 *
 *     N rc STATUS sent=0|1 ms=MILLISECONDS REPLY
 *
 * where rc is ok, declined or error, and a cancelled operation has none.
 * Each operation is in memory of its own, freed in its handler, so that a
 * sanitizer sees the client touch what is no longer its own.
 */

#include "ngx_http_redis_probe.h"

#if (NGX_REDIS_TOPOLOGY)
#include "ngx_redis_topology_select.h"
#endif


static ngx_int_t ngx_http_redis_probe_handler(ngx_http_request_t *r);
static void ngx_http_redis_probe_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_redis_probe_read(ngx_http_request_t *r,
    ngx_str_t *body);
static void ngx_http_redis_probe_cleanup(void *data);
static void *ngx_http_redis_probe_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_redis_probe_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_redis_probe(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_redis_probe_script(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_http_redis_probe_commands[] = {

    { ngx_string("redis_probe"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_redis_probe,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("redis_probe_script"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_redis_probe_script,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_redis_probe_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_redis_probe_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_redis_probe_create_loc_conf,  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_redis_probe_module = {
    NGX_MODULE_V1,
    &ngx_http_redis_probe_module_ctx,      /* module context */
    ngx_http_redis_probe_commands,         /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_redis_probe_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_read_client_request_body(r, ngx_http_redis_probe_body);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


static void
ngx_http_redis_probe_body(ngx_http_request_t *r)
{
    u_char                      *p, *last, *nl;
    ngx_str_t                    body, line;
    ngx_pool_cleanup_t          *cln;
    ngx_http_redis_probe_ctx_t  *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_redis_probe_ctx_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (ctx == NULL
        || cln == NULL
        || ngx_http_redis_probe_read(r, &body) != NGX_OK
        || ngx_array_init(&ctx->then, r->pool, 4,
                          sizeof(ngx_http_redis_probe_then_t))
           != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ctx->ops = ngx_pcalloc(r->pool, sizeof(ngx_http_redis_probe_op_t *)
                                    * (NGX_HTTP_REDIS_PROBE_MAX + 1));
    if (ctx->ops == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ctx->request = r;
    ctx->last = &ctx->out;

    cln->handler = ngx_http_redis_probe_cleanup;
    cln->data = ctx;

    ctx->in_step = 1;

    last = body.data + body.len;

    for (p = body.data; p < last; p = nl + 1) {
        nl = ngx_strlchr(p, last, '\n');
        nl = nl ? nl : last;

        line.data = p;
        line.len = nl - p;

        if (ngx_http_redis_probe_step(ctx, &line) != NGX_OK) {
            ngx_http_redis_probe_say(ctx, (u_char *) "bad step\n", 9);
            break;
        }
    }

    ctx->in_step = 0;

    r->read_event_handler = ngx_http_test_reading;

    if (ctx->pending == 0) {
        ngx_http_redis_probe_end(ctx);
    }
}


/* The body must be in memory: client_body_buffer_size says how much. */

static ngx_int_t
ngx_http_redis_probe_read(ngx_http_request_t *r, ngx_str_t *body)
{
    u_char       *p;
    ngx_chain_t  *cl;

    body->len = 0;

    if (r->request_body == NULL || r->request_body->temp_file) {
        return NGX_ERROR;
    }

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        body->len += cl->buf->last - cl->buf->pos;
    }

    body->data = ngx_pnalloc(r->pool, body->len + 1);
    if (body->data == NULL) {
        return NGX_ERROR;
    }

    p = body->data;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    return NGX_OK;
}


void
ngx_http_redis_probe_say(ngx_http_redis_probe_ctx_t *ctx, u_char *text,
    size_t len)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_create_temp_buf(ctx->request->pool, len);
    cl = ngx_alloc_chain_link(ctx->request->pool);

    if (b == NULL || cl == NULL) {
        return;
    }

    b->last = ngx_cpymem(b->last, text, len);

    cl->buf = b;
    cl->next = NULL;

    *ctx->last = cl;
    ctx->last = &cl->next;
    ctx->size += len;
}


void
ngx_http_redis_probe_end(ngx_http_redis_probe_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_chain_t         *cl;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ngx_http_redis_probe_say(ctx, (u_char *) "end\n", 4);

    for (cl = ctx->out; cl->next; cl = cl->next) { /* void */ }

    cl->buf->last_buf = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = ctx->size;

    rc = ngx_http_send_header(r);

    if (rc == NGX_OK) {
        rc = ngx_http_output_filter(r, ctx->out);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_redis_probe_cleanup(void *data)
{
    ngx_http_redis_probe_ctx_t *ctx = data;

    ngx_uint_t  i;

    for (i = 1; i <= ctx->nops; i++) {
        ngx_http_redis_probe_cancel(ctx, i);
    }
}


static void *
ngx_http_redis_probe_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_redis_probe_main_conf_t  *pmcf;

    pmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_redis_probe_main_conf_t));
    if (pmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&pmcf->scripts, cf->pool, 4,
                       sizeof(ngx_redis_script_t *))
        != NGX_OK)
    {
        return NULL;
    }

    return pmcf;
}


static void *
ngx_http_redis_probe_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_redis_probe_loc_conf_t));
}


static char *
ngx_http_redis_probe(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_redis_probe_loc_conf_t *plcf = conf;

    u_char                      *eq;
    ngx_str_t                   *value, name, arg;
    ngx_uint_t                   i;
    ngx_redis_conf_t             rc;
    ngx_http_core_loc_conf_t    *clcf;
    const ngx_redis_topology_t  *topology;

    value = cf->args->elts;

    ngx_memzero(&rc, sizeof(ngx_redis_conf_t));

    rc.address = value[1];
    i = 2;

    if (ngx_strcmp(value[1].data, "cluster") == 0) {
        rc.seeds = &value[2];

        for ( /* void */ ; i < cf->args->nelts; i++) {
            if (ngx_strlchr(value[i].data, value[i].data + value[i].len, '='))
            {
                break;
            }
        }

        rc.nseeds = i - 2;
    }

    for ( /* void */ ; i < cf->args->nelts; i++) {
        eq = ngx_strlchr(value[i].data, value[i].data + value[i].len, '=');

        name = value[i];
        ngx_str_null(&arg);

        if (eq) {
            name.len = eq - value[i].data;
            arg.data = eq + 1;
            arg.len = value[i].len - name.len - 1;
        }

#define ngx_http_redis_probe_is(s)                                            \
    (name.len == sizeof(s) - 1 && ngx_strncmp(name.data, s, name.len) == 0)

        if (ngx_http_redis_probe_is("timeout")) {
            rc.timeout = ngx_parse_time(&arg, 0);

        } else if (ngx_http_redis_probe_is("connect_timeout")) {
            rc.connect_timeout = ngx_parse_time(&arg, 0);

        } else if (ngx_http_redis_probe_is("db")) {
            rc.db = (arg.data[0] == '-') ? -1 : ngx_atoi(arg.data, arg.len);

        } else if (ngx_http_redis_probe_is("user")) {
            rc.user = arg;

        } else if (ngx_http_redis_probe_is("password")) {
            rc.password = arg;

#if (NGX_SSL)
        } else if (ngx_http_redis_probe_is("tls")) {
            rc.tls = 1;

        } else if (ngx_http_redis_probe_is("tls_ca")) {
            rc.tls_ca = arg;

        } else if (ngx_http_redis_probe_is("tls_name")) {
            rc.tls_name = arg;

        } else if (ngx_http_redis_probe_is("tls_certificate")) {
            rc.tls_certificate = arg;

        } else if (ngx_http_redis_probe_is("tls_certificate_key")) {
            rc.tls_certificate_key = arg;
#endif

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    topology = NULL;

#if (NGX_REDIS_TOPOLOGY)
    topology = ngx_redis_topology_select(&rc);
#endif

    plcf->server = ngx_redis_server_create(cf, &rc, topology);
    if (plcf->server == NULL) {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_redis_probe_handler;

    return NGX_CONF_OK;
}


static char *
ngx_http_redis_probe_script(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_redis_probe_main_conf_t *pmcf = conf;

    ngx_str_t            *value;
    ngx_redis_script_t  **script;

    value = cf->args->elts;

    script = ngx_array_push(&pmcf->scripts);
    if (script == NULL) {
        return NGX_CONF_ERROR;
    }

    *script = ngx_pcalloc(cf->pool, sizeof(ngx_redis_script_t));
    if (*script == NULL) {
        return NGX_CONF_ERROR;
    }

    (*script)->name = value[1];
    (*script)->text = value[2];

    ngx_redis_op_script_init(*script);

    return NGX_CONF_OK;
}
