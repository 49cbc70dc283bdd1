/*
 * What a record says of who asks for what: "identity" and "request".
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_answer_headers.h"
#include "ngx_http_jobruns_audit_asker.h"
#include "ngx_http_jobruns_handler.h"


static void ngx_http_jobruns_audit_identity(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line);
static void ngx_http_jobruns_audit_request(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line);
static void ngx_http_jobruns_audit_header(ngx_http_request_t *r,
    jr_line_t *line, const char *name);


void
ngx_http_jobruns_audit_asker(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line)
{
    ngx_http_jobruns_audit_identity(r, a, line);
    ngx_http_jobruns_audit_request(r, a, line);
}


void
ngx_http_jobruns_audit_asker_again(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line)
{
    ngx_http_jobruns_ctx_t  *ctx;

    ctx = ngx_http_jobruns_get_ctx(r);

    jr_line_object(line, "identity");
    jr_line_string(line, "tenantId", a->tenant);
    jr_line_close(line, '}');

    jr_line_object(line, "request");
    jr_line_string(line, "id", ngx_http_jobruns_str(ctx->request_id));
    jr_line_close(line, '}');
}


static void
ngx_http_jobruns_audit_identity(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line)
{
    static const jr_str_t  none = { 0, NULL };

    jr_line_object(line, "identity");
    ngx_http_jobruns_audit_text(line, "principalId", a->principal,
                                NGX_HTTP_JOBRUNS_AUDIT_TEXT);
    jr_line_string(line, "authType",
                   a->identity.auth_type.len ? a->identity.auth_type : none);
    jr_line_string(line, "tenantId", a->tenant);
    ngx_http_jobruns_audit_text(line, "credentials", a->identity.credential,
                                NGX_HTTP_JOBRUNS_AUDIT_TEXT);
    jr_line_string(line, "ipAddress",
                   ngx_http_jobruns_str(r->connection->addr_text));

    if (r->headers_in.user_agent != NULL) {
        ngx_http_jobruns_audit_text(line, "userAgent",
                       ngx_http_jobruns_str(r->headers_in.user_agent->value),
                       NGX_HTTP_JOBRUNS_AUDIT_TEXT);
    }

    jr_line_close(line, '}');
}


static void
ngx_http_jobruns_audit_request(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line)
{
    u_char                  *query;
    jr_str_t                 path;
    ngx_http_jobruns_ctx_t  *ctx;

    ctx = ngx_http_jobruns_get_ctx(r);

    /* createJobRun has no query; whatever is in one is not ours to keep */

    path = ngx_http_jobruns_str(r->unparsed_uri);
    query = ngx_strlchr(r->unparsed_uri.data,
                        r->unparsed_uri.data + r->unparsed_uri.len, '?');

    if (query != NULL) {
        path.len = query - r->unparsed_uri.data;
    }

    jr_line_object(line, "request");
    jr_line_string(line, "id", ngx_http_jobruns_str(ctx->request_id));
    ngx_http_jobruns_audit_text(line, "action",
                                ngx_http_jobruns_str(r->method_name),
                                NGX_HTTP_JOBRUNS_AUDIT_TEXT);
    ngx_http_jobruns_audit_text(line, "path", path,
                                NGX_HTTP_JOBRUNS_AUDIT_PATH);

    jr_line_object(line, "headers");

    if (a->token.data != NULL && a->token_hash[0]) {
        jr_line_array(line, "opc-retry-token-sha256");
        jr_line_string(line, NULL,
                       (jr_str_t) { JR_DIGEST_HEX, (char *) a->token_hash });
        jr_line_close(line, ']');
    }

    ngx_http_jobruns_audit_header(r, line, "opc-client-info");
    ngx_http_jobruns_audit_header(r, line, "opc-client-retries");
    ngx_http_jobruns_audit_header(r, line, "x-content-sha256");

    jr_line_close(line, '}');
    jr_line_close(line, '}');
}


static void
ngx_http_jobruns_audit_header(ngx_http_request_t *r, jr_line_t *line,
    const char *name)
{
    ngx_table_elt_t  *h;

    h = ngx_http_jobruns_header_find(&r->headers_in.headers,
                                     (jr_str_t) { ngx_strlen(name), name });
    if (h == NULL) {
        return;
    }

    jr_line_array(line, name);
    ngx_http_jobruns_audit_text(line, NULL, ngx_http_jobruns_str(h->value),
                                NGX_HTTP_JOBRUNS_AUDIT_TEXT);
    jr_line_close(line, ']');
}


void
ngx_http_jobruns_audit_text(jr_line_t *line, const char *name, jr_str_t value,
    size_t most)
{
    if (value.len > most) {
        value.len = most;
        line->cut = 1;
    }

    jr_line_string(line, name, value);
}
