/*
 * The audit file: one JSON line for each record, in the shape of the OCI
 * Audit event v2, appended with one write().
 *
 * A forwarded attempt has two records: ".begin" before the first byte goes
 * to the service, ".end" before its answer goes to the client.  A refusal or
 * a replay has one.  Never in a record: signatures, session tokens, retry
 * tokens, values of parameters.
 */

#include "ngx_http_jobruns.h"


/* a longer record is cut inside its longest strings, see jr_line.h */
#define NGX_HTTP_JOBRUNS_AUDIT_MAX  16384


static void ngx_http_jobruns_audit_write_record(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line, const char *suffix);
static void ngx_http_jobruns_audit_identity(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line);
static void ngx_http_jobruns_audit_request(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line);
static void ngx_http_jobruns_audit_response(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line, jr_str_t now);
static void ngx_http_jobruns_audit_details(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line);
static void ngx_http_jobruns_audit_limits(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line);
static void ngx_http_jobruns_audit_header(ngx_http_request_t *r,
    jr_line_t *line, const char *name);
static jr_str_t ngx_http_jobruns_audit_time(char *buf);
static jr_str_t ngx_http_jobruns_audit_token_state(
    ngx_http_jobruns_attempt_t *a, ngx_uint_t after);
static ngx_int_t ngx_http_jobruns_audit_append(ngx_http_request_t *r,
    ngx_open_file_t *file, char *line, size_t len);


ngx_int_t
ngx_http_jobruns_audit_begin(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    char       buf[NGX_HTTP_JOBRUNS_AUDIT_MAX];
    jr_line_t  line;

    if (a->conf->audit == NULL) {
        return NGX_OK;
    }

    jr_line_init(&line, buf, sizeof(buf));
    ngx_http_jobruns_audit_write_record(r, a, &line, ".begin");

    a->audit_begun = 1;

    return ngx_http_jobruns_audit_append(r, a->conf->audit, buf,
                                         jr_line_len(&line));
}


void
ngx_http_jobruns_audit_end(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    char       buf[NGX_HTTP_JOBRUNS_AUDIT_MAX];
    jr_line_t  line;

    if (a->audit_ended) {
        return;
    }

    a->audit_ended = 1;
    ngx_http_jobruns_count_attempt(a);

    if (a->conf->audit == NULL) {
        return;
    }

    jr_line_init(&line, buf, sizeof(buf));
    ngx_http_jobruns_audit_write_record(r, a, &line,
                                        a->audit_begun ? ".end" : "");

    (void) ngx_http_jobruns_audit_append(r, a->conf->audit, buf,
                                         jr_line_len(&line));
}


/* the end of every request: what is still unwritten, and letting go */

ngx_int_t
ngx_http_jobruns_log_handler(ngx_http_request_t *r)
{
    ngx_http_jobruns_ctx_t  *ctx;

    /* a redirect may have cleared r->ctx since: timers are to be let go */

    ctx = (r == r->main) ? ngx_http_jobruns_get_ctx(r) : NULL;

    if (ctx == NULL || ctx->attempt == NULL) {
        return NGX_OK;
    }

    ngx_http_jobruns_attempt_end(r, ctx->attempt);

    if (ctx->attempt->status == 0) {
        ctx->attempt->status = r->headers_out.status;
    }

    ngx_http_jobruns_audit_end(r, ctx->attempt);

    return NGX_OK;
}


static void
ngx_http_jobruns_audit_write_record(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line, const char *suffix)
{
    int       n;
    char      type[96], time[sizeof("2026-01-01T00:00:00.000Z")];
    u_char    id[36], hex[32];
    jr_str_t  now;

    n = snprintf(type, sizeof(type),
                 "com.oraclecloud.aidataplatform.CreateJobRun%s", suffix);

    now = ngx_http_jobruns_audit_time(time);

    /* a version 4 UUID (RFC 9562, 5.4) */

    ngx_memset(hex, '0', sizeof(hex));
    (void) ngx_http_jobruns_random_hex(hex, sizeof(hex), 0);
    hex[12] = '4';
    hex[16] = (u_char) "89ab"[hex[16] & 3];
    (void) ngx_sprintf(id, "%*s-%*s-%*s-%*s-%*s", (size_t) 8, hex,
                       (size_t) 4, hex + 8, (size_t) 4, hex + 12,
                       (size_t) 4, hex + 16, (size_t) 12, hex + 20);

    jr_line_object(line, NULL);
    jr_line_string(line, "eventType", (jr_str_t) { n, type });
    jr_line_string(line, "cloudEventsVersion", (jr_str_t) jr_str("0.1"));
    jr_line_string(line, "eventTypeVersion", (jr_str_t) jr_str("2.0"));
    jr_line_string(line, "source", (jr_str_t) jr_str("jobruns-gateway"));
    jr_line_string(line, "eventId", (jr_str_t) { 36, (char *) id });
    jr_line_string(line, "eventTime", now);
    jr_line_string(line, "contentType",
                   (jr_str_t) jr_str("application/json"));

    jr_line_object(line, "data");

    /* pairs ".begin" and ".end": the attempt's own id */

    jr_line_string(line, "eventGroupingId",
                   (jr_str_t) { NGX_HTTP_JOBRUNS_OWNER_LEN,
                                (char *) a->owner });
    jr_line_string(line, "eventName", (jr_str_t) jr_str("CreateJobRun"));
    jr_line_string(line, "resourceId", ngx_http_jobruns_str(a->run_key));

    ngx_http_jobruns_audit_details(r, a, line);
    ngx_http_jobruns_audit_identity(r, a, line);
    ngx_http_jobruns_audit_request(r, a, line);

    if (a->outcome != JR_OUTCOME_NONE) {
        ngx_http_jobruns_audit_response(a, line, now);
    }

    jr_line_close(line, '}');
    jr_line_close(line, '}');
}


static void
ngx_http_jobruns_audit_identity(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line)
{
    jr_line_object(line, "identity");
    jr_line_string(line, "principalId", a->principal);
    jr_line_string(line, "authType", a->identity.auth_type);
    jr_line_string(line, "tenantId", a->tenant);
    jr_line_string(line, "credentials", a->identity.credential);
    jr_line_string(line, "ipAddress",
                   ngx_http_jobruns_str(r->connection->addr_text));

    if (r->headers_in.user_agent != NULL) {
        jr_line_string(line, "userAgent",
                       ngx_http_jobruns_str(r->headers_in.user_agent->value));
    }

    jr_line_close(line, '}');
}


static void
ngx_http_jobruns_audit_request(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line)
{
    ngx_http_jobruns_ctx_t  *ctx;

    ctx = ngx_http_jobruns_get_ctx(r);

    jr_line_object(line, "request");
    jr_line_string(line, "id", ngx_http_jobruns_str(ctx->request_id));
    jr_line_string(line, "action", ngx_http_jobruns_str(r->method_name));
    jr_line_string(line, "path", ngx_http_jobruns_str(r->unparsed_uri));

    jr_line_object(line, "headers");
    ngx_http_jobruns_audit_header(r, line, "opc-client-info");
    ngx_http_jobruns_audit_header(r, line, "opc-client-retries");
    ngx_http_jobruns_audit_header(r, line, "x-content-sha256");

    if (a->token.data != NULL && a->token_hash[0]) {
        jr_line_array(line, "opc-retry-token-sha256");
        jr_line_string(line, NULL,
                       (jr_str_t) { JR_DIGEST_HEX, (char *) a->token_hash });
        jr_line_close(line, ']');
    }

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
    jr_line_string(line, NULL, ngx_http_jobruns_str(h->value));
    jr_line_close(line, ']');
}


static void
ngx_http_jobruns_audit_response(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line, jr_str_t now)
{
    int   n;
    char  status[8];

    n = snprintf(status, sizeof(status), "%u", (unsigned) a->status);

    jr_line_object(line, "response");
    jr_line_string(line, "status", (jr_str_t) { n, status });
    jr_line_string(line, "responseTime", now);

    if (a->refusal_code.len) {
        jr_line_string(line, "code", ngx_http_jobruns_str(a->refusal_code));
        jr_line_string(line, "message",
                       ngx_http_jobruns_str(a->refusal_message));
    }

    jr_line_close(line, '}');
}


static void
ngx_http_jobruns_audit_details(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_line_t *line)
{
    jr_str_t         outcome;
    ngx_time_t      *tp;
    ngx_msec_int_t   elapsed;

    outcome = jr_outcome_name(a->outcome);
    tp = ngx_timeofday();

    elapsed = (ngx_msec_int_t) ((tp->sec - r->start_sec) * 1000
                                + (tp->msec - r->start_msec));

    jr_line_object(line, "additionalDetails");

    if (outcome.len) {
        jr_line_string(line, "outcome", outcome);
    }

    jr_line_string(line, "attemptId",
                   (jr_str_t) { NGX_HTTP_JOBRUNS_OWNER_LEN,
                                (char *) a->owner });
    jr_line_string(line, "aiDataPlatformId", a->path.platform);
    jr_line_string(line, "workspaceKey", a->path.workspace);
    jr_line_string(line, "jobKey", a->job_key);
    jr_line_string(line, "tokenBefore",
                   ngx_http_jobruns_audit_token_state(a, 0));

    if (a->outcome != JR_OUTCOME_NONE) {
        jr_line_string(line, "tokenAfter",
                       ngx_http_jobruns_audit_token_state(a, 1));

        if (a->forwarded) {
            jr_line_integer(line, "upstreamStatus", a->exchange.status);
            jr_line_boolean(line, "sent", a->exchange.sent);
        }

        if (a->outcome == JR_OUTCOME_CREATED) {
            jr_line_boolean(line, "kept",
                            a->settled == jobruns_settled_kept
                            && !a->too_large);
            jr_line_string(line, "location",
                           ngx_http_jobruns_str(a->location));
        }

        jr_line_integer(line, "durationMs", ngx_max(elapsed, 0));
    }

    if (a->original_id.len) {
        jr_line_string(line, "originalRequestId",
                       ngx_http_jobruns_str(a->original_id));
    }

    if (a->unprotected) {
        jr_line_boolean(line, "unprotected", 1);
    }

    if (a->unreplicated) {
        jr_line_boolean(line, "unreplicated", 1);
    }

    if (a->renewal_lost) {
        jr_line_boolean(line, "leaseLost", 1);
    }

    if (a->dry_run_message.len) {
        jr_line_string(line, "dryRunRefusal",
                       ngx_http_jobruns_str(a->dry_run_message));
    }

    ngx_http_jobruns_audit_limits(a, line);

    jr_line_close(line, '}');
}


static void
ngx_http_jobruns_audit_limits(ngx_http_jobruns_attempt_t *a, jr_line_t *line)
{
    ngx_uint_t  i;

    static const jr_str_t  words[] = {
        jr_str("passed"), jr_str("refused"), jr_str("would_refuse"),
        jr_str("lifted")
    };

    /* an answer that the token alone has decided only tells how they are */

    if (a->nstates == 0 || (a->verdict != jobruns_verdict_forward
                            && a->verdict != jobruns_verdict_limited))
    {
        return;
    }

    jr_line_array(line, "limits");

    for (i = 0; i < a->nstates; i++) {
        jr_line_object(line, NULL);
        jr_line_string(line, "name", a->limits[i].name);
        jr_line_string(line, "verdict", words[a->states[i].state]);
        jr_line_integer(line, "limit", a->states[i].count);
        jr_line_integer(line, "remaining", a->states[i].remaining);
        jr_line_close(line, '}');
    }

    jr_line_close(line, ']');
}


/* the state of the token's record as this attempt found or left it */

static jr_str_t
ngx_http_jobruns_audit_token_state(ngx_http_jobruns_attempt_t *a,
    ngx_uint_t after)
{
    static const jr_str_t  none = { 0, NULL };

    if (a->token.data == NULL) {
        return none;
    }

    if (after && a->forwarded) {

        switch (a->settled) {

        case jobruns_settled_kept:
        case jobruns_settled_done:
            return (jr_str_t) jr_str("done");

        case jobruns_settled_freed:
            return (jr_str_t) jr_str("absent");

        case jobruns_settled_unknown:
            return (jr_str_t) jr_str("unknown");

        default:
            return (jr_str_t) jr_str("claimed");
        }
    }

    switch (a->verdict) {

    case jobruns_verdict_forward:
        return a->unknown_before ? (jr_str_t) jr_str("unknown")
                                 : (jr_str_t) jr_str("absent");

    case jobruns_verdict_replay:
    case jobruns_verdict_unkept:
        return (jr_str_t) jr_str("done");

    case jobruns_verdict_running:
        return (jr_str_t) jr_str("claimed");

    case jobruns_verdict_refused:
        return (jr_str_t) jr_str("unknown");

    default:
        return none;
    }
}


/* RFC 3339 with milliseconds, from NGINX's cached clock */

static jr_str_t
ngx_http_jobruns_audit_time(char *buf)
{
    ngx_tm_t     tm;
    ngx_time_t  *tp;

    tp = ngx_timeofday();
    ngx_gmtime(tp->sec, &tm);

    (void) ngx_sprintf((u_char *) buf, "%4d-%02d-%02dT%02d:%02d:%02d.%03MZ",
                       tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                       tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec,
                       tp->msec);

    return (jr_str_t) { sizeof("2026-01-01T00:00:00.000Z") - 1, buf };
}


static ngx_int_t
ngx_http_jobruns_audit_append(ngx_http_request_t *r, ngx_open_file_t *file,
    char *line, size_t len)
{
    ssize_t  n;

    /* jr_line keeps this byte free */

    line[len++] = LF;

    n = ngx_write_fd(file->fd, line, len);

    if (n == (ssize_t) len) {
        ngx_http_jobruns_count(jobruns_count_audit_records);
        return NGX_OK;
    }

    ngx_http_jobruns_count(jobruns_count_audit_failures);

    if (n == -1) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, ngx_errno,
                      "jobruns: the audit file \"%V\" cannot be written",
                      &file->name);
        return NGX_ERROR;
    }

    ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                  "jobruns: only %z of %uz bytes of a record went to the "
                  "audit file \"%V\": is its disk full?", n, len,
                  &file->name);

    /* ends the torn line, so that the next record is one of its own */

    (void) ngx_write_fd(file->fd, "\n", 1);

    return NGX_ERROR;
}
