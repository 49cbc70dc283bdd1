/*
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

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_redis.h"

#if (NGX_REDIS_TOPOLOGY)
#include "ngx_redis_topology_select.h"
#endif


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


static ngx_int_t ngx_http_redis_probe_handler(ngx_http_request_t *r);
static void ngx_http_redis_probe_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_redis_probe_read(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_redis_probe_step(ngx_http_redis_probe_ctx_t *ctx,
    ngx_str_t *line);
static ngx_int_t ngx_http_redis_probe_start(ngx_http_redis_probe_ctx_t *ctx,
    ngx_str_t *words, ngx_uint_t n);
static ngx_uint_t ngx_http_redis_probe_words(ngx_http_redis_probe_ctx_t *ctx,
    ngx_str_t *line, ngx_str_t *words);
static ngx_redis_script_t *ngx_http_redis_probe_find(
    ngx_http_redis_probe_ctx_t *ctx, ngx_str_t *name);
static void ngx_http_redis_probe_cancel(ngx_http_redis_probe_ctx_t *ctx,
    ngx_uint_t number);
static void ngx_http_redis_probe_on_reply(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static u_char *ngx_http_redis_probe_dump(u_char *p, u_char *last,
    redisReply *reply);
static void ngx_http_redis_probe_say(ngx_http_redis_probe_ctx_t *ctx,
    u_char *text, size_t len);
static void ngx_http_redis_probe_end(ngx_http_redis_probe_ctx_t *ctx);
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


static ngx_int_t
ngx_http_redis_probe_step(ngx_http_redis_probe_ctx_t *ctx, ngx_str_t *line)
{
    u_char                       *p, *last;
    ngx_int_t                     times;
    ngx_str_t                     words[NGX_HTTP_REDIS_PROBE_ARGS];
    ngx_uint_t                    n;
    ngx_http_redis_probe_then_t  *then;

    last = line->data + line->len;
    p = line->data;
    times = 1;

    if (line->len && *p == '*') {
        p = ngx_strlchr(p, last, ' ');
        if (p == NULL) {
            return NGX_ERROR;
        }

        times = ngx_atoi(line->data + 1, p - line->data - 1);
        line->data = p + 1;
        line->len = last - line->data;
    }

    if (line->len > 3 && ngx_strncmp(line->data, "on ", 3) == 0) {
        p = ngx_strlchr(line->data + 3, last, ' ');
        then = ngx_array_push(&ctx->then);

        if (p == NULL || then == NULL) {
            return NGX_ERROR;
        }

        then->number = ngx_atoi(line->data + 3, p - line->data - 3);
        then->line.data = p + 1;
        then->line.len = last - p - 1;

        return NGX_OK;
    }

    n = ngx_http_redis_probe_words(ctx, line, words);
    if (n < 2) {
        return NGX_ERROR;
    }

    if (words[0].data[0] == 'c' && words[0].data[1] == 'a') {
        ngx_http_redis_probe_cancel(ctx, ngx_atoi(words[1].data,
                                                  words[1].len));
        return NGX_OK;
    }

    while (times-- > 0) {
        if (ngx_http_redis_probe_start(ctx, words, n) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_redis_probe_start(ngx_http_redis_probe_ctx_t *ctx, ngx_str_t *words,
    ngx_uint_t n)
{
    u_char                            text[128], *p;
    ngx_int_t                         rc;
    ngx_redis_script_t               *script;
    ngx_http_redis_probe_op_t        *op;
    ngx_http_redis_probe_loc_conf_t  *plcf;

    if (ctx->nops == NGX_HTTP_REDIS_PROBE_MAX) {
        return NGX_ERROR;
    }

    plcf = ngx_http_get_module_loc_conf(ctx->request,
                                        ngx_http_redis_probe_module);

    op = ngx_calloc(sizeof(ngx_http_redis_probe_op_t), ngx_cycle->log);
    if (op == NULL) {
        return NGX_ERROR;
    }

    op->ctx = ctx;
    op->number = ++ctx->nops;
    op->start = ngx_current_msec;
    op->op.handler = ngx_http_redis_probe_on_reply;
    op->op.data = op;
    op->op.log = ctx->request->connection->log;

    ctx->ops[op->number] = op;
    ctx->pending++;

    if (words[0].data[0] == 'e') {
        script = ngx_http_redis_probe_find(ctx, &words[1]);
        if (script == NULL || n < 3) {
            return NGX_ERROR;
        }

        rc = ngx_redis_op_eval(plcf->server, &op->op, script,
                               ngx_atoi(words[2].data, words[2].len),
                               n - 3, words + 3);
    } else {
        rc = ngx_redis_op_submit(plcf->server, &op->op, n - 1, words + 1);
    }

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    p = ngx_snprintf(text, sizeof(text), "%ui %s - sent=%ui ms=0 -\n",
                     op->number, rc == NGX_DECLINED ? "declined" : "error",
                     (ngx_uint_t) op->op.sent);

    ngx_http_redis_probe_say(ctx, text, p - text);

    ctx->ops[op->number] = NULL;
    ctx->pending--;
    ngx_free(op);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_redis_probe_words(ngx_http_redis_probe_ctx_t *ctx, ngx_str_t *line,
    ngx_str_t *words)
{
    u_char      *p, *last, *end, *src, *dst;
    ngx_int_t    size;
    ngx_uint_t   n;

    last = line->data + line->len;
    n = 0;

    for (p = line->data;
         p < last && n < NGX_HTTP_REDIS_PROBE_ARGS;
         p = end + 1)
    {
        end = ngx_strlchr(p, last, ' ');
        end = end ? end : last;

        size = (*p == '@') ? ngx_atoi(p + 1, end - p - 1) : end - p;
        if (size == NGX_ERROR) {
            return 0;
        }

        words[n].data = ngx_pnalloc(ctx->request->pool, size + 1);
        if (words[n].data == NULL) {
            return 0;
        }

        words[n].len = size;

        if (*p == '@') {
            ngx_memset(words[n].data, 'x', size);

        } else {
            src = p;
            dst = words[n].data;
            ngx_unescape_uri(&dst, &src, end - p, 0);
            words[n].len = dst - words[n].data;
        }

        n++;
    }

    return n;
}


static ngx_redis_script_t *
ngx_http_redis_probe_find(ngx_http_redis_probe_ctx_t *ctx, ngx_str_t *name)
{
    ngx_uint_t                         i;
    ngx_redis_script_t               **scripts;
    ngx_http_redis_probe_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(ctx->request,
                                         ngx_http_redis_probe_module);
    scripts = pmcf->scripts.elts;

    for (i = 0; i < pmcf->scripts.nelts; i++) {
        if (scripts[i]->name.len == name->len
            && ngx_strncmp(scripts[i]->name.data, name->data, name->len) == 0)
        {
            return scripts[i];
        }
    }

    return NULL;
}


static void
ngx_http_redis_probe_cancel(ngx_http_redis_probe_ctx_t *ctx,
    ngx_uint_t number)
{
    ngx_http_redis_probe_op_t  *op;

    if (number > ctx->nops || ctx->ops[number] == NULL) {
        return;
    }

    op = ctx->ops[number];
    ctx->ops[number] = NULL;

    ngx_redis_op_cancel(&op->op);

    /* once more does nothing */

    ngx_redis_op_cancel(&op->op);

    ngx_free(op);
    ctx->pending--;
}


static void
ngx_http_redis_probe_on_reply(ngx_redis_op_t *rop, ngx_redis_status_e status,
    redisReply *reply)
{
    u_char                        text[8192], *p;
    ngx_uint_t                    i, number;
    ngx_http_redis_probe_op_t    *op;
    ngx_http_redis_probe_ctx_t   *ctx;
    ngx_http_redis_probe_then_t  *then;

    op = rop->data;
    ctx = op->ctx;
    number = op->number;

    if (ctx->in_step) {
        ngx_log_error(NGX_LOG_ALERT, ctx->request->connection->log, 0,
                      "redis probe: handler called within submit or cancel");
    }

    p = ngx_snprintf(text, sizeof(text), "%ui ok %s sent=%ui ms=%M ",
                     number, ngx_redis_stats_text(status),
                     (ngx_uint_t) rop->sent, ngx_current_msec - op->start);
    p = ngx_http_redis_probe_dump(p, text + sizeof(text) - 1, reply);
    *p++ = '\n';

    ngx_http_redis_probe_say(ctx, text, p - text);

    ctx->ops[number] = NULL;
    ngx_free(op);

    ctx->in_step = 1;

    for (i = 0; i < ctx->then.nelts; i++) {
        then = (ngx_http_redis_probe_then_t *) ctx->then.elts + i;

        if (then->number == number) {
            (void) ngx_http_redis_probe_step(ctx, &then->line);
        }
    }

    ctx->in_step = 0;

    if (--ctx->pending == 0) {
        ngx_http_redis_probe_end(ctx);
    }
}


static u_char *
ngx_http_redis_probe_dump(u_char *p, u_char *last, redisReply *reply)
{
    size_t  i;

    if (reply == NULL) {
        return ngx_slprintf(p, last, "-");
    }

    switch (reply->type) {

    case REDIS_REPLY_INTEGER:
        return ngx_slprintf(p, last, ":%L", (int64_t) reply->integer);

    case REDIS_REPLY_NIL:
        return ngx_slprintf(p, last, "nil");

    case REDIS_REPLY_ARRAY:
        p = ngx_slprintf(p, last, "[");

        for (i = 0; i < (size_t) reply->elements; i++) {
            p = ngx_slprintf(p, last, i ? "," : "");
            p = ngx_http_redis_probe_dump(p, last, reply->element[i]);
        }

        return ngx_slprintf(p, last, "]");

    default:
        break;
    }

    if ((size_t) reply->len > 512) {
        return ngx_slprintf(p, last, "(%uz bytes)", (size_t) reply->len);
    }

    if (reply->type == REDIS_REPLY_STRING) {
        p = ngx_slprintf(p, last, "\"");

        for (i = 0; i < (size_t) reply->len; i++) {
            p = (reply->str[i] < ' ' || reply->str[i] == '"')
                ? ngx_slprintf(p, last, "%%%02Xd",
                               (int) (u_char) reply->str[i])
                : ngx_slprintf(p, last, "%c", reply->str[i]);
        }

        return ngx_slprintf(p, last, "\"");
    }

    return ngx_slprintf(p, last, "%c%*s",
                        reply->type == REDIS_REPLY_ERROR ? '-' : '+',
                        (size_t) reply->len, reply->str);
}


static void
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


static void
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
