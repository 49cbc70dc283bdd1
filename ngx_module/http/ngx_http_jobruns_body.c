/*
 * The body: gathered, parsed, checked against the schema, and turned into
 * the fingerprint by which a retry is known as the same request.
 *
 * The bytes themselves are never changed: proxy_pass sends what the client
 * sent.
 */

#include "ngx_http_jobruns.h"

#include "jr_body.h"
#include "jr_canonical.h"


static ngx_int_t ngx_http_jobruns_gather(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_jobruns_read_temp(ngx_http_request_t *r,
    ngx_buf_t *b, u_char *dst);
static ngx_int_t ngx_http_jobruns_check_body(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *body);
static ngx_int_t ngx_http_jobruns_take_job_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, const jr_value_t *value);
static ngx_int_t ngx_http_jobruns_describe(ngx_http_request_t *r,
    ngx_uint_t empty, jr_json_error_t *err, jr_report_t *report,
    const char **code, ngx_str_t *message, ngx_str_t *audit);
static ngx_int_t ngx_http_jobruns_invalid(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, const char *code, ngx_str_t *message);
static ngx_int_t ngx_http_jobruns_fingerprint(ngx_http_jobruns_attempt_t *a,
    const jr_value_t *value, ngx_str_t *body);
static ngx_int_t ngx_http_jobruns_hash_token(ngx_http_jobruns_attempt_t *a);


void
ngx_http_jobruns_body_handler(ngx_http_request_t *r)
{
    ngx_str_t                    body;
    ngx_http_jobruns_ctx_t      *ctx;
    ngx_http_jobruns_attempt_t  *a;

    ctx = ngx_http_jobruns_get_ctx(r);
    a = ctx->attempt;

    if (ngx_http_jobruns_gather(r, &body) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    switch (ngx_http_jobruns_check_body(r, a, &body)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        /* refused and finalized */
        return;

    default:
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (ngx_http_jobruns_hash_token(a) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_jobruns_admit(r, a);
}


/*
 * The body in one piece: the one buffer it is in, or a copy in the request's
 * pool.  Its size is bounded by client_max_body_size, which is at most 16m
 * beside `jobruns on`.
 */

static ngx_int_t
ngx_http_jobruns_gather(ngx_http_request_t *r, ngx_str_t *body)
{
    u_char       *p;
    off_t         size;
    ngx_buf_t    *b;
    ngx_chain_t  *cl, *bufs;

    bufs = r->request_body ? r->request_body->bufs : NULL;
    size = 0;

    for (cl = bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    body->len = (size_t) size;
    body->data = (u_char *) "";

    if (size == 0) {
        return NGX_OK;
    }

    if (bufs->next == NULL && !bufs->buf->in_file) {
        body->data = bufs->buf->pos;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, body->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    for (cl = bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (b->in_file) {
            if (ngx_http_jobruns_read_temp(r, b, p) != NGX_OK) {
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


/* NGX_DECLINED: refused */

static ngx_int_t
ngx_http_jobruns_check_body(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *body)
{
    unsigned           flags;
    ngx_int_t          rc;
    ngx_str_t          message;
    const char        *code;
    jr_schema_t       *schema;
    jr_status_e        status;
    jr_json_error_t    err;
    const jr_value_t  *value;

    /* 17 KB of which a valid body needs a few bytes: too much to be allocated
       for each request, and read to its end before anybody else has one */

    static jr_report_t  report;

    schema = a->conf->schema;

    flags = JR_SCHEMA_GATEWAY
            | (a->conf->reject_unknown ? JR_SCHEMA_REJECT_UNKNOWN : 0);

    value = NULL;

    status = jr_body_check(schema, (char *) body->data, body->len, flags,
                           &err, &report, &value);

    switch (status) {

    case JR_OK:
        rc = NGX_OK;
        break;

    case JR_INVALID:
        rc = ngx_http_jobruns_describe(r, body->len == 0, &err, &report,
                                       &code, &message, &a->audit_message);
        break;

    default:
        rc = NGX_ERROR;
    }

    if (rc == NGX_OK && status == JR_INVALID) {
        rc = ngx_http_jobruns_invalid(r, a, code, &message);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_jobruns_take_job_key(r, a, value);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_jobruns_fingerprint(a, value, body);
    }

    /* the request may be gone, the configuration is not */

    jr_body_done(schema);

    return rc;
}


/* for the audit record; not there in a dry run of an invalid body */

static ngx_int_t
ngx_http_jobruns_take_job_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, const jr_value_t *value)
{
    u_char            *p;
    const jr_value_t  *key;

    key = jr_object_get(value, "jobKey", 6);

    if (!jr_is_string(key)) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, jr_string_len(key) + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, jr_string(key), jr_string_len(key));

    a->job_key.data = (char *) p;
    a->job_key.len = jr_string_len(key);

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


/*
 * Refuses, or in a dry run only says that it would.  A body that came behind
 * its header leaves nobody to hold the request: after NGX_DECLINED it may be
 * freed.
 */

static ngx_int_t
ngx_http_jobruns_invalid(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a,
    const char *code, ngx_str_t *message)
{
    if (a->conf->enable == jobruns_dry_run) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "jobruns: dry run, would refuse: %V", message);

        if (a->dry_run_message.len == 0) {
            a->dry_run_message = *message;
        }

        return NGX_OK;
    }

    ngx_http_jobruns_refuse(r, a, JR_OUTCOME_INVALID, NGX_HTTP_BAD_REQUEST,
                            code, message);

    return NGX_DECLINED;
}


/*
 * Same request: same version and family of the path, should-update-recent,
 * and body as canonical JSON.  A body that is no JSON (dry run) counts by its
 * bytes, marked so that it is never equal to one that is.
 */

static ngx_int_t
ngx_http_jobruns_fingerprint(ngx_http_jobruns_attempt_t *a,
    const jr_value_t *value, ngx_str_t *body)
{
    jr_str_t     parts[5];
    jr_digest_t  md;
    jr_status_e  rc;

    rc = value ? jr_canonical_digest(value, &md)
               : jr_digest(body->data, body->len, &md);
    if (rc != JR_OK) {
        return NGX_ERROR;
    }

    parts[0] = a->path.version;
    parts[1] = a->path.family;
    parts[2] = a->update_recent ? (jr_str_t) jr_str("true")
                                : (jr_str_t) jr_str("false");
    parts[3] = value ? (jr_str_t) jr_str("json") : (jr_str_t) jr_str("raw");
    parts[4].data = (char *) md.bytes;
    parts[4].len = JR_DIGEST_LEN;

    if (jr_digest_parts(parts, 5, &md) != JR_OK) {
        return NGX_ERROR;
    }

    a->fingerprint[0] = '1';
    a->fingerprint[1] = ':';
    jr_digest_hex(&md, (char *) a->fingerprint + 2);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_hash_token(ngx_http_jobruns_attempt_t *a)
{
    if (a->token.data == NULL) {
        return NGX_OK;
    }

    return jr_key_token(a->tenant, a->principal, a->path.platform,
                        a->path.workspace, a->token, (char *) a->token_hash)
           == JR_OK ? NGX_OK : NGX_ERROR;
}
