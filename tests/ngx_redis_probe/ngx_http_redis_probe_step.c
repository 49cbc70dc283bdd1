/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The steps of a request to the probe, and the operations that they submit.
 */

#include "ngx_http_redis_probe.h"


static ngx_int_t ngx_http_redis_probe_start(ngx_http_redis_probe_ctx_t *ctx,
    ngx_str_t *words, ngx_uint_t n);
static ngx_uint_t ngx_http_redis_probe_words(ngx_http_redis_probe_ctx_t *ctx,
    ngx_str_t *line, ngx_str_t *words);
static ngx_redis_script_t *ngx_http_redis_probe_find(
    ngx_http_redis_probe_ctx_t *ctx, ngx_str_t *name);
static void ngx_http_redis_probe_on_reply(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static u_char *ngx_http_redis_probe_dump(u_char *p, u_char *last,
    redisReply *reply);


ngx_int_t
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


void
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
