/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who asks, verified.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_auth.h"
#include "ngx_http_jobruns_auth_store.h"
#include "ngx_http_jobruns_log.h"


static void ngx_http_jobruns_auth_request(ngx_http_request_t *r,
    ngx_uint_t body, jr_signature_request_t *rq);
static jr_auth_reason_e ngx_http_jobruns_auth_read(ngx_http_request_t *r,
    jr_signature_t *s, jr_auth_failure_t *failure);
static ngx_uint_t ngx_http_jobruns_auth_has_body(ngx_http_request_t *r);
static const jr_auth_policy_t *ngx_http_jobruns_auth_policy(
    ngx_http_jobruns_auth_conf_t *conf);
static ngx_int_t ngx_http_jobruns_auth_verify(ngx_http_request_t *r,
    ngx_http_jobruns_auth_t *auth, const jr_signature_t *s,
    const jr_signature_request_t *rq, size_t length);
static ngx_int_t ngx_http_jobruns_auth_copy(ngx_http_request_t *r,
    const char *text, size_t len, ngx_str_t *copy);
static void ngx_http_jobruns_auth_log(ngx_http_request_t *r,
    ngx_http_jobruns_auth_t *auth);


ngx_int_t
ngx_http_jobruns_auth_begin(ngx_http_request_t *r,
    ngx_http_jobruns_auth_conf_t *conf, ngx_uint_t body,
    ngx_http_jobruns_auth_t **result)
{
    jr_signature_t           here, *s;
    jr_auth_failure_t        failure;
    jr_signature_request_t   rq;
    ngx_http_jobruns_auth_t  *auth;

    auth = ngx_pcalloc(r->pool, sizeof(ngx_http_jobruns_auth_t));
    if (auth == NULL) {
        return NGX_ERROR;
    }

    auth->conf = conf;
    *result = auth;

    /* what may have to wait stays where it is read: it points into itself */

    s = &here;

    if (body && r->headers_in.content_length == NULL) {
        s = ngx_palloc(r->pool, sizeof(jr_signature_t));
        if (s == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_http_jobruns_auth_request(r, body, &rq);

    if (ngx_http_jobruns_auth_read(r, s, &failure) != JR_AUTH_OK
        || jr_auth_check(ngx_http_jobruns_auth_policy(conf), s, &rq,
                         ngx_time(), &failure)
           != JR_AUTH_OK)
    {
        return ngx_http_jobruns_auth_fail(r, auth, &failure);
    }

    auth->key_id = s->key_id;
    auth->names = s->names;
    auth->body = s->body;

    if (!s->waits) {
        return ngx_http_jobruns_auth_verify(r, auth, s, &rq, 0);
    }

    if (body && s != &here) {
        auth->signature = s;
        return NGX_AGAIN;
    }

    /* another request, of whose body nothing else is asked, so that none is
       read for it */

    if (ngx_http_jobruns_auth_has_body(r)) {
        (void) jr_auth_reason_fail(&failure, JR_AUTH_NOT_SENT,
                                   "content-length");
        return ngx_http_jobruns_auth_fail(r, auth, &failure);
    }

    return ngx_http_jobruns_auth_verify(r, auth, s, &rq, 0);
}


ngx_int_t
ngx_http_jobruns_auth_length(ngx_http_request_t *r,
    ngx_http_jobruns_auth_t *auth, size_t length)
{
    jr_signature_request_t  rq;

    ngx_http_jobruns_auth_request(r, 1, &rq);

    return ngx_http_jobruns_auth_verify(r, auth, auth->signature, &rq,
                                        length);
}


/* the request as it came in: error_page may have made a GET of it, the request
   line is as it was (of HTTP/2, too: ngx_http_v2_construct_request_line()) */

static void
ngx_http_jobruns_auth_request(ngx_http_request_t *r, ngx_uint_t body,
    jr_signature_request_t *rq)
{
    u_char  *blank;

    blank = ngx_strlchr(r->request_line.data,
                        r->request_line.data + r->request_line.len, ' ');

    rq->method.data = (char *) r->request_line.data;
    rq->method.len = blank ? (size_t) (blank - r->request_line.data) : 0;
    rq->target = ngx_http_jobruns_str(r->unparsed_uri);
    rq->body = body ? 1 : 0;
}


/* HTTP/2's ":authority" is a header "host" by now
   (ngx_http_v2_parse_authority()) */

static jr_auth_reason_e
ngx_http_jobruns_auth_read(ngx_http_request_t *r, jr_signature_t *s,
    jr_auth_failure_t *failure)
{
    ngx_uint_t        i, n;
    jr_str_t          value;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    n = 0;
    value = (jr_str_t) jr_str("");

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (header[i].key.len == sizeof("authorization") - 1
                && ngx_memcmp(header[i].lowcase_key, "authorization",
                              sizeof("authorization") - 1)
                   == 0)
            {
                value = ngx_http_jobruns_str(header[i].value);
                n++;
            }
        }
    }

    if (n > 1) {
        ngx_memzero(failure, sizeof(jr_auth_failure_t));
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "authorization");
    }

    if (jr_signature_read(value, s, failure) != JR_AUTH_OK) {
        return failure->reason;
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            jr_signature_field(s, ngx_http_jobruns_str(header[i].key),
                               ngx_http_jobruns_str(header[i].value));
        }
    }

    return JR_AUTH_OK;
}


/* one without a Content-Length; a stream of HTTP/2 that is not at its end */

static ngx_uint_t
ngx_http_jobruns_auth_has_body(ngx_http_request_t *r)
{
    if (r->headers_in.chunked) {
        return 1;
    }

#if (NGX_HTTP_V2)

    if (r->stream) {
        return !r->stream->in_closed;
    }

#endif

    return 0;
}


/* with the keys of this moment */

static const jr_auth_policy_t *
ngx_http_jobruns_auth_policy(ngx_http_jobruns_auth_conf_t *conf)
{
    size_t                           i;
    ngx_http_jobruns_auth_issuer_t  *issuer;

    conf->policy.keys = ngx_http_jobruns_auth_store_keys(conf->users);
    conf->policy.generation = ngx_http_jobruns_auth_store_generation();
    conf->policy.cache = ngx_http_jobruns_auth_store_cache();

    for (i = 0; i < conf->policy.nissuers; i++) {
        issuer = (ngx_http_jobruns_auth_issuer_t *) conf->issuers->elts + i;
        conf->issuing[i].keys =
                              ngx_http_jobruns_auth_store_keys(issuer->store);
    }

    return &conf->policy;
}


static ngx_int_t
ngx_http_jobruns_auth_verify(ngx_http_request_t *r,
    ngx_http_jobruns_auth_t *auth, const jr_signature_t *s,
    const jr_signature_request_t *rq, size_t length)
{
    u_char              *p;
    jr_auth_failure_t    failure;
    jr_auth_identity_t   who;

    if (jr_auth_verify(ngx_http_jobruns_auth_policy(auth->conf), s, rq,
                       (int64_t) length, ngx_time(), &who, &failure)
        != JR_AUTH_OK)
    {
        return ngx_http_jobruns_auth_fail(r, auth, &failure);
    }

    p = ngx_pnalloc(r->pool, who.tenancy.len + who.principal.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    auth->type = who.type;
    auth->tenancy.data = (char *) p;
    auth->tenancy.len = who.tenancy.len;

    p = ngx_cpymem(p, who.tenancy.data, who.tenancy.len);

    auth->principal.data = (char *) p;
    auth->principal.len = who.principal.len;

    ngx_memcpy(p, who.principal.data, who.principal.len);

    auth->signature = NULL;
    auth->state = jobruns_auth_verified;

    ngx_http_jobruns_block->auth[JR_AUTH_OK]++;

    return NGX_OK;
}


ngx_int_t
ngx_http_jobruns_auth_fail(ngx_http_request_t *r,
    ngx_http_jobruns_auth_t *auth, const jr_auth_failure_t *failure)
{
    char    reason[JR_AUTH_REASON_MAX], message[JR_AUTH_MESSAGE_MAX];
    size_t  len;

    auth->state = jobruns_auth_failed;
    auth->reason = failure->reason;

    len = jr_auth_reason_write(failure, reason);

    if (ngx_http_jobruns_auth_copy(r, reason, len, &auth->failure) != NGX_OK) {
        return NGX_ERROR;
    }

    len = jr_auth_reason_message(failure, message);

    if (ngx_http_jobruns_auth_copy(r, message, len, &auth->message) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jobruns_auth_log(r, auth);

    if (auth->conf->mode == jobruns_auth_dry_run) {
        ngx_http_jobruns_block->auth_dry_run[failure->reason]++;
        return NGX_OK;
    }

    ngx_http_jobruns_block->auth[failure->reason]++;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_jobruns_auth_copy(ngx_http_request_t *r, const char *text,
    size_t len, ngx_str_t *copy)
{
    copy->data = ngx_pnalloc(r->pool, len ? len : 1);
    if (copy->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy->data, text, len);
    copy->len = len;

    return NGX_OK;
}


/* NGINX adds client, request line and Host; nothing of the header: it may hold
   a token */

static void
ngx_http_jobruns_auth_log(ngx_http_request_t *r, ngx_http_jobruns_auth_t *auth)
{
    const char  *answer;

    answer = auth->reason == JR_AUTH_UNAVAILABLE ? "503" : "401";

    if (auth->conf->mode == jobruns_auth_dry_run) {
        answer = "which jobruns_auth in dry_run lets pass";
    }

    if (auth->reason == JR_AUTH_UNAVAILABLE) {
        ngx_http_jobruns_log_fault(r->connection->log, jobruns_log_auth_keys,
                                   NGX_LOG_ERR, 0,
                                   "a request cannot be authenticated (%V): "
                                   "%s; see the lines on its keys, above",
                                   &auth->failure, answer);
        return;
    }

    ngx_http_jobruns_log_fault(r->connection->log, jobruns_log_unauthenticated,
                               NGX_LOG_WARN, 0,
                               "a request is not authenticated (%V): %s; "
                               "docs/authentication.md has the reasons, and "
                               "\"jobrunsctl key check\" looks at a saved "
                               "request", &auth->failure, answer);
}
