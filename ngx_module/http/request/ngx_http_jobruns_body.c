/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The body: gathered, parsed, checked against the schema, and turned into
 * the fingerprint by which a retry is known as the same request.
 *
 * The bytes themselves are never changed: proxy_pass sends what the client
 * sent.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_answer.h"
#include "ngx_http_jobruns_body.h"
#include "ngx_http_jobruns_body_thread.h"
#include "ngx_http_jobruns_identity.h"
#include "ngx_http_jobruns_verify.h"


static size_t ngx_http_jobruns_body_length(ngx_http_request_t *r);
static ngx_int_t ngx_http_jobruns_gather(ngx_http_request_t *r, size_t len,
    ngx_str_t *body, u_char **copy);
static ngx_int_t ngx_http_jobruns_read_temp(ngx_http_request_t *r,
    ngx_buf_t *b, u_char *dst);
static ngx_int_t ngx_http_jobruns_take_job_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_body_t *body);
static ngx_int_t ngx_http_jobruns_describe(ngx_http_request_t *r,
    ngx_uint_t empty, jr_json_error_t *err, jr_report_t *report,
    const char **code, ngx_str_t *message, ngx_str_t *audit);
static ngx_int_t ngx_http_jobruns_invalid(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, const char *code, ngx_str_t *message);
static ngx_int_t ngx_http_jobruns_fingerprint(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_body_t *body);
static ngx_int_t ngx_http_jobruns_hash_token(ngx_http_jobruns_attempt_t *a);


ngx_int_t
ngx_http_jobruns_body_check(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    u_char                     *copy;
    ngx_int_t                   rc;
    ngx_str_t                   text;
    const jr_signature_body_t  *signature;

    /* 18 KB of which a valid body needs a few bytes: too much to be allocated
       for each request, and taken over before anybody else has one */

    static jr_body_t  body;

    a->check.len = ngx_http_jobruns_body_length(r);
    a->check.flags = JR_SCHEMA_GATEWAY | (a->conf->reject_unknown
                                          ? JR_SCHEMA_REJECT_UNKNOWN : 0);

    rc = ngx_http_jobruns_verify_length(r, a);

    if (rc != NGX_OK) {
        return rc;
    }

#if (NGX_THREADS)

    if (a->check.len > NGX_HTTP_JOBRUNS_BODY_INLINE) {
        return ngx_http_jobruns_body_thread_check(r, a);
    }

#endif

    if (ngx_http_jobruns_gather(r, a->check.len, &text, &copy) != NGX_OK) {
        return NGX_ERROR;
    }

    signature = ngx_http_jobruns_verify_body(a);

    if (signature == NULL
        || jr_signature_body(signature, (char *) text.data, text.len,
                             &a->check.unsigned_body)
           == JR_AUTH_OK
        || a->conf->auth.mode == jobruns_auth_dry_run)
    {
        jr_body_read(a->conf->schema, NULL, (char *) text.data, text.len,
                     a->check.flags, a->conf->enable == jobruns_dry_run,
                     &body);
    }

    ngx_free(copy);

    a->check.found = &body;

    return NGX_OK;
}


ngx_int_t
ngx_http_jobruns_body_take(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t    rc;
    jr_body_t   *body;
    ngx_str_t    message;
    const char  *code;

    body = a->check.found;
    a->check.found = NULL;

    if (a->check.unsigned_body.reason != JR_AUTH_OK) {
        rc = ngx_http_jobruns_verify_other_body(r, a);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (body->status != JR_OK && body->status != JR_INVALID) {
        return NGX_ERROR;
    }

    /* also of a body that is refused: its record names the job */

    if (ngx_http_jobruns_take_job_key(r, a, body) != NGX_OK) {
        return NGX_ERROR;
    }

    if (body->status == JR_INVALID) {

        if (ngx_http_jobruns_describe(r, a->check.len == 0, &body->err,
                                      &body->report, &code, &message,
                                      &a->check.message)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_http_jobruns_invalid(r, a, code, &message);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ngx_http_jobruns_fingerprint(r, a, body) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jobruns_hash_token(a);
}


/* bytes that NGINX has read, wherever they are */

static size_t
ngx_http_jobruns_body_length(ngx_http_request_t *r)
{
    off_t         size;
    ngx_chain_t  *cl;

    size = 0;

    for (cl = r->request_body ? r->request_body->bufs : NULL;
         cl;
         cl = cl->next)
    {
        size += ngx_buf_size(cl->buf);
    }

    return (size_t) size;
}


/*
 * The body in one piece: the one buffer it is in, or *copy, which the caller
 * frees as soon as it is read, however long the request then waits.  Only of a
 * body that is checked here, so that its size is bounded by
 * NGX_HTTP_JOBRUNS_BODY_INLINE, or in an NGINX without threads by 1m.
 */

static ngx_int_t
ngx_http_jobruns_gather(ngx_http_request_t *r, size_t len, ngx_str_t *body,
    u_char **copy)
{
    u_char       *p;
    ngx_buf_t    *b;
    ngx_chain_t  *cl, *bufs;

    bufs = r->request_body ? r->request_body->bufs : NULL;

    *copy = NULL;

    if (bufs == NULL || len == 0) {
        ngx_str_set(body, "");
        return NGX_OK;
    }

    body->len = len;

    if (bufs->next == NULL && !bufs->buf->in_file) {
        body->data = bufs->buf->pos;
        return NGX_OK;
    }

    p = ngx_alloc(len, r->connection->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *copy = p;
    body->data = p;

    for (cl = bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (b->in_file) {
            if (ngx_http_jobruns_read_temp(r, b, p) != NGX_OK) {
                ngx_free(*copy);
                return NGX_ERROR;
            }

        } else if (b->pos != b->last) {
            /* the last buffer of a chunked body is empty, without memory */
            ngx_memcpy(p, b->pos, b->last - b->pos);
        }

        p += ngx_buf_size(b);
    }

    return NGX_OK;
}


/* NGINX has just written this file, so it is read from the page cache */

static ngx_int_t
ngx_http_jobruns_read_temp(ngx_http_request_t *r, ngx_buf_t *b, u_char *dst)
{
    ssize_t  n;
    size_t   size;

    size = (size_t) (b->file_last - b->file_pos);

    n = ngx_read_file(b->file, dst, size, b->file_pos);

    if (n != (ssize_t) size) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      "jobruns: read only %z of %uz bytes of the body from "
                      "\"%V\"", n, size, &b->file->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_take_job_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_body_t *body)
{
    u_char  *p;

    if (body->job_key_len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, body->job_key_len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, body->job_key, body->job_key_len);

    a->check.job_key.data = (char *) p;
    a->check.job_key.len = body->job_key_len;

    return NGX_OK;
}


/* what a refusal of the body says to its client, and, without values, to the
   audit */

static ngx_int_t
ngx_http_jobruns_describe(ngx_http_request_t *r, ngx_uint_t empty,
    jr_json_error_t *err, jr_report_t *report, const char **code,
    ngx_str_t *message, ngx_str_t *audit)
{
    size_t   size;
    u_char  *last;

    size = report->count ? report->len : sizeof(err->text) + 128;

    message->data = ngx_pnalloc(r->pool, size);
    audit->data = ngx_pnalloc(r->pool, size);

    if (message->data == NULL || audit->data == NULL) {
        return NGX_ERROR;
    }

    if (report->count) {
        *code = report->entry[0].missing ? "MissingParameter"
                                         : "InvalidParameter";
        last = ngx_cpymem(message->data, report->text, report->len);
        audit->len = jr_report_redact(report, (char *) audit->data);

    } else if (empty) {
        *code = "CannotParseRequest";
        last = ngx_sprintf(message->data, "The request body is empty.");
        audit->len = ngx_sprintf(audit->data, "The request body is empty.")
                     - audit->data;

    } else {
        *code = "CannotParseRequest";
        last = ngx_snprintf(message->data, size,
                            "The request body is not valid JSON: %s at line "
                            "%uz, column %uz (byte %uz).", err->text,
                            err->line, err->column, err->offset);

        size = jr_report_rule(err->text, ngx_strlen(err->text));
        audit->len = ngx_sprintf(audit->data,
                                 "The request body is not valid JSON: %*s at "
                                 "byte %uz.", size, err->text, err->offset)
                     - audit->data;
    }

    message->len = last - message->data;

    return NGX_OK;
}


/* refuses (NGX_DECLINED), or in a dry run only says that it would */

static ngx_int_t
ngx_http_jobruns_invalid(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a,
    const char *code, ngx_str_t *message)
{
    if (a->conf->enable == jobruns_dry_run) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "jobruns: dry run, would refuse: %V", message);

        if (a->check.dry_run.len == 0) {
            a->check.dry_run = *message;
        }

        return NGX_OK;
    }

    return ngx_http_jobruns_answer_refuse(r, a, JR_OUTCOME_INVALID,
                                          NGX_HTTP_BAD_REQUEST, code, message)
           == NGX_OK ? NGX_DECLINED : NGX_ERROR;
}


/*
 * Same request: same version and family of the path, should-update-recent,
 * and body as canonical JSON.  A body that is no JSON (dry run) counts by its
 * bytes, marked so that it is never equal to one that is.
 */

static ngx_int_t
ngx_http_jobruns_fingerprint(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_body_t *body)
{
    size_t       n;
    jr_str_t     parts[6];
    jr_digest_t  md, seal;

    parts[0] = a->call.path.version;
    parts[1] = a->call.path.family;
    parts[2] = a->call.update_recent ? (jr_str_t) jr_str("true")
                                     : (jr_str_t) jr_str("false");
    parts[3] = body->json ? (jr_str_t) jr_str("json")
                          : (jr_str_t) jr_str("raw");
    parts[4].data = (char *) body->digest.bytes;
    parts[4].len = JR_DIGEST_LEN;

    n = 5;

    if (a->call.principal.len == 0 && a->call.token.data != NULL) {
        /* without a principal others may share the token's scope, so its
           fingerprint says whose it is */

        if (ngx_http_jobruns_identity_seal(r, &seal) != NGX_OK) {
            return NGX_ERROR;
        }

        parts[n].data = (char *) seal.bytes;
        parts[n++].len = JR_DIGEST_LEN;
    }

    if (jr_digest_parts(parts, n, &md) != JR_OK) {
        return NGX_ERROR;
    }

    ngx_memcpy(a->check.fingerprint, md.bytes, JR_DIGEST_LEN);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_hash_token(ngx_http_jobruns_attempt_t *a)
{
    if (a->call.token.data == NULL) {
        return NGX_OK;
    }

    return jr_key_token(a->call.tenant, a->call.principal,
                        a->call.path.platform, a->call.path.workspace,
                        a->call.token, (char *) a->check.token_hash)
           == JR_OK ? NGX_OK : NGX_ERROR;
}
