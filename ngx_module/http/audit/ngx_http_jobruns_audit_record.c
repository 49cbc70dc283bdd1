/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an attempt's record says, in the shape of the OCI Audit event v2.
 *
 * Never in a record: signatures, session tokens, retry tokens, values of
 * parameters, query strings.  What a client or the service sent is cut to a
 * length of its own, so that no text can push another member out of the
 * record; docs/audit.md has the table of members, and
 * docs/audit-record.schema.json their types.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_envelope.h"
#include "ngx_http_jobruns_audit_record.h"
#include "ngx_http_jobruns_header_list.h"

#include "jr_decimal.h"


/* bytes of each text in the record of a refusal, as it is written: whoever
   floods the gateway chooses them */
#define NGX_HTTP_JOBRUNS_AUDIT_REFUSAL  512

/* bytes of each other text that others chose */
#define NGX_HTTP_JOBRUNS_AUDIT_TEXT     1024
#define NGX_HTTP_JOBRUNS_AUDIT_PATH     2048
#define NGX_HTTP_JOBRUNS_AUDIT_MESSAGE  8192

#define NGX_HTTP_JOBRUNS_AUDIT_TYPE                                          \
    "com.oraclecloud.aidataplatform.CreateJobRun"


static void ngx_http_jobruns_audit_details(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line, ngx_http_jobruns_audit_moment_e moment);
static void ngx_http_jobruns_audit_admitted(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line);
static void ngx_http_jobruns_audit_auth(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line);
static void ngx_http_jobruns_audit_errors(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line);
static void ngx_http_jobruns_audit_result(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line);
static void ngx_http_jobruns_audit_durations(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line);
static void ngx_http_jobruns_audit_limits(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line);
static void ngx_http_jobruns_audit_response(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line);
static jr_str_t ngx_http_jobruns_audit_token_before(
    ngx_http_jobruns_attempt_t *a);
static jr_str_t ngx_http_jobruns_audit_token_after(
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_audit_identity(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line);
static void ngx_http_jobruns_audit_request(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line);
static void ngx_http_jobruns_audit_header(ngx_http_request_t *r,
    jr_line_t *line, const char *name);
static void ngx_http_jobruns_audit_asker_again(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line);
static void ngx_http_jobruns_audit_text(jr_line_t *line, const char *name,
    jr_str_t value, size_t most);


jr_str_t
ngx_http_jobruns_audit_record_type(ngx_http_jobruns_audit_moment_e moment)
{
    static const jr_str_t  types[] = {
        jr_str(NGX_HTTP_JOBRUNS_AUDIT_TYPE ".begin"),
        jr_str(NGX_HTTP_JOBRUNS_AUDIT_TYPE ".end"),
        jr_str(NGX_HTTP_JOBRUNS_AUDIT_TYPE)
    };

    _Static_assert(sizeof(types) / sizeof(types[0]) == jobruns_audit_last,
                   "a type for each moment");

    return types[moment];
}


void
ngx_http_jobruns_audit_record(ngx_http_jobruns_attempt_t *a, jr_line_t *line,
    ngx_http_jobruns_audit_moment_e moment)
{
    if (ngx_http_jobruns_audit_record_refusal(a, moment)) {
        jr_line_most(line, NGX_HTTP_JOBRUNS_AUDIT_REFUSAL);
    }

    /* pairs ".begin" and ".end": the attempt's own id */

    jr_line_string(line, "eventGroupingId",
                   (jr_str_t) { NGX_HTTP_JOBRUNS_OWNER_LEN,
                                (char *) a->call.owner_hex });
    jr_line_literal(line, "\"eventName\":\"CreateJobRun\"");
    ngx_http_jobruns_audit_text(line, "resourceId",
                                ngx_http_jobruns_str(a->run.key),
                                NGX_HTTP_JOBRUNS_AUDIT_TEXT);

    ngx_http_jobruns_audit_details(a, line, moment);

    if (moment != jobruns_audit_begin) {
        ngx_http_jobruns_audit_response(a, line);
    }

    if (moment == jobruns_audit_end) {
        ngx_http_jobruns_audit_asker_again(a, line);

    } else {
        ngx_http_jobruns_audit_identity(a, line);
        ngx_http_jobruns_audit_request(a, line);
    }
}


ngx_uint_t
ngx_http_jobruns_audit_record_refusal(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_audit_moment_e moment)
{
    return moment == jobruns_audit_whole && !ngx_http_jobruns_forwarded(a)
           && a->outcome != JR_OUTCOME_REPLAYED;
}


/*
 * ".end" has what ".begin" could not know: the two are read together, by the
 * attempt's id.
 */

static void
ngx_http_jobruns_audit_details(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line, ngx_http_jobruns_audit_moment_e moment)
{
    jr_line_object(line, "additionalDetails");

    jr_line_string(line, "attemptId",
                   (jr_str_t) { NGX_HTTP_JOBRUNS_OWNER_LEN,
                                (char *) a->call.owner_hex });

    if (moment != jobruns_audit_begin) {
        ngx_http_jobruns_audit_result(a, line);
    }

    if (moment != jobruns_audit_end) {
        ngx_http_jobruns_audit_admitted(a, line);
    }

    ngx_http_jobruns_audit_errors(a, line);

    jr_line_close(line, '}');
}


/* what is known once it may be forwarded */

static void
ngx_http_jobruns_audit_admitted(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line)
{
    jr_line_string(line, "aiDataPlatformId", a->call.path.platform);
    jr_line_string(line, "workspaceKey", a->call.path.workspace);
    ngx_http_jobruns_audit_text(line, "jobKey", a->check.job_key,
                                NGX_HTTP_JOBRUNS_AUDIT_TEXT);
    jr_line_string(line, "tokenBefore",
                   ngx_http_jobruns_audit_token_before(a));

    ngx_http_jobruns_audit_auth(a, line);

    if (a->admission.unprotected) {
        jr_line_boolean(line, "unprotected", 1);
    }

    if (a->admission.unreplicated) {
        jr_line_boolean(line, "unreplicated", 1);
    }

    if (a->check.dry_run.len) {
        ngx_http_jobruns_audit_text(line, "dryRunRefusal",
                                    ngx_http_jobruns_str(
                                                a->check.message.len
                                                ? a->check.message
                                                : a->check.dry_run),
                                    NGX_HTTP_JOBRUNS_AUDIT_MESSAGE);
    }

    ngx_http_jobruns_audit_limits(a, line);
}


/* whether it is from whom it says, and if not, why, and what a signature is
   compared with most often in vain: Host and target */

static void
ngx_http_jobruns_audit_auth(ngx_http_jobruns_attempt_t *a, jr_line_t *line)
{
    ngx_http_request_t       *r;
    ngx_http_jobruns_auth_t  *auth;

    auth = a->ctx->auth;

    if (auth == NULL) {
        return;
    }

    jr_line_boolean(line, "authenticated",
                    auth->state == jobruns_auth_verified);

    if (auth->state != jobruns_auth_failed) {
        return;
    }

    r = a->request;

    jr_line_string(line, "authenticationFailure",
                   ngx_http_jobruns_str(auth->failure));

    jr_line_object(line, "received");

    if (r->headers_in.host != NULL) {
        ngx_http_jobruns_audit_text(line, "host",
                          ngx_http_jobruns_str(r->headers_in.host->value),
                          NGX_HTTP_JOBRUNS_AUDIT_TEXT);
    }

    ngx_http_jobruns_audit_text(line, "target",
                                ngx_http_jobruns_str(r->unparsed_uri),
                                NGX_HTTP_JOBRUNS_AUDIT_PATH);
    jr_line_close(line, '}');
}


/* what could not be used, and with what error */

static void
ngx_http_jobruns_audit_errors(ngx_http_jobruns_attempt_t *a, jr_line_t *line)
{
    if (a->redis_error.text.len) {
        jr_line_string(line, "redisError",
                       ngx_http_jobruns_str(a->redis_error.text));
    }

    if (a->audit.error.len) {
        jr_line_string(line, "auditError",
                       ngx_http_jobruns_str(a->audit.error));
    }
}


/* how it ended */

static void
ngx_http_jobruns_audit_result(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line)
{
    jr_line_string(line, "outcome", jr_outcome_name(a->outcome));
    jr_line_string(line, "tokenAfter",
                   ngx_http_jobruns_audit_token_after(a));

    if (ngx_http_jobruns_forwarded(a)) {
        jr_line_integer(line, "upstreamStatus", a->exchange.status);
        jr_line_boolean(line, "sent", a->exchange.sent);
    }

    if (a->outcome == JR_OUTCOME_CREATED) {
        jr_line_boolean(line, "kept",
                        a->settled == jobruns_settled_kept
                        && !a->run.too_large);
    }

    if (a->run.location.len) {
        ngx_http_jobruns_audit_text(line, "location",
                                    ngx_http_jobruns_str(a->run.location),
                                    NGX_HTTP_JOBRUNS_AUDIT_PATH);
    }

    if (a->lease.lost) {
        jr_line_boolean(line, "leaseLost", 1);
    }

    if (a->run.original_id.len) {
        ngx_http_jobruns_audit_text(line, "originalRequestId",
                                    ngx_http_jobruns_str(a->run.original_id),
                                    NGX_HTTP_JOBRUNS_AUDIT_TEXT);
    }

    ngx_http_jobruns_audit_durations(a, line);
}


static void
ngx_http_jobruns_audit_durations(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line)
{
    ngx_time_t          *tp;
    ngx_msec_int_t       total;
    ngx_http_request_t  *r;

    r = a->request;
    tp = ngx_timeofday();

    total = (ngx_msec_int_t) ((tp->sec - r->start_sec) * 1000
                              + (tp->msec - r->start_msec));

    jr_line_object(line, "durationsMs");
    jr_line_integer(line, "total", ngx_max(total, 0));

    if (a->times.decided) {
        jr_line_integer(line, "admission",
                        (ngx_msec_int_t) (a->times.decided - a->times.asked));
    }

    if (a->delayed.total) {
        jr_line_integer(line, "waited", (int64_t) a->delayed.total);
    }

    if (a->times.answered) {
        jr_line_integer(line, "service",
                        (ngx_msec_int_t) (a->times.answered
                                          - a->times.forwarded));
    }

    if (a->times.settled) {
        jr_line_integer(line, "settling",
                        (ngx_msec_int_t) (a->times.settled
                                          - a->times.answered));
    }

    jr_line_close(line, '}');
}


static void
ngx_http_jobruns_audit_limits(ngx_http_jobruns_attempt_t *a, jr_line_t *line)
{
    ngx_uint_t  i;

    static const jr_str_t  words[] = {
        jr_str("passed"), jr_str("refused"), jr_str("would_refuse"),
        jr_str("lifted"), jr_str("delayed")
    };

    _Static_assert(sizeof(words) / sizeof(words[0]) == JR_LIMIT_STATE_LAST,
                   "a word for each state of a limit");

    /* a response that the token alone has decided only shows how they are */

    if (a->reply.nstates == 0
        || (a->verdict != jobruns_verdict_forward
            && a->verdict != jobruns_verdict_limited))
    {
        return;
    }

    jr_line_array(line, "limits");

    for (i = 0; i < a->reply.nstates; i++) {
        jr_line_object(line, NULL);
        jr_line_string(line, "name", a->args.limits[i].name);
        jr_line_string(line, "verdict", words[a->reply.states[i].state]);
        jr_line_integer(line, "limit", a->reply.states[i].count);
        jr_line_integer(line, "remaining", a->reply.states[i].remaining);
        jr_line_close(line, '}');
    }

    jr_line_close(line, ']');
}


static void
ngx_http_jobruns_audit_response(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line)
{
    char      status[JR_DECIMAL_LEN], time[NGX_HTTP_JOBRUNS_AUDIT_TIME];
    size_t    n;
    jr_str_t  message;

    n = jr_decimal(status, a->response.status) - status;

    jr_line_object(line, "response");
    jr_line_string(line, "status", (jr_str_t) { n, status });
    jr_line_string(line, "responseTime",
                   ngx_http_jobruns_audit_envelope_time(time));

    if (a->response.code.len) {
        message = a->check.message.len
                  ? ngx_http_jobruns_str(a->check.message)
                  : a->response.message;

        jr_line_string(line, "code", a->response.code);
        ngx_http_jobruns_audit_text(line, "message", message,
                                    NGX_HTTP_JOBRUNS_AUDIT_MESSAGE);
    }

    jr_line_close(line, '}');
}


/* the state of the token's record as this attempt found it */

static jr_str_t
ngx_http_jobruns_audit_token_before(ngx_http_jobruns_attempt_t *a)
{
    static const jr_str_t  none = { 0, NULL };

    if (a->call.token.data == NULL) {
        return none;
    }

    switch (a->verdict) {

    case jobruns_verdict_forward:
        return a->reply.unknown ? (jr_str_t) jr_str("unknown")
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


/* and as it left it */

static jr_str_t
ngx_http_jobruns_audit_token_after(ngx_http_jobruns_attempt_t *a)
{
    if (a->call.token.data == NULL || !ngx_http_jobruns_forwarded(a)) {
        return ngx_http_jobruns_audit_token_before(a);
    }

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


static void
ngx_http_jobruns_audit_identity(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line)
{
    ngx_http_request_t  *r;

    static const jr_str_t  none = { 0, NULL };

    r = a->request;

    jr_line_object(line, "identity");
    ngx_http_jobruns_audit_text(line, "principalId", a->call.principal,
                                NGX_HTTP_JOBRUNS_AUDIT_TEXT);
    jr_line_string(line, "authType",
                   a->call.identity.auth_type.len
                   ? a->call.identity.auth_type : none);
    jr_line_string(line, "tenantId", a->call.tenant);
    ngx_http_jobruns_audit_text(line, "credentials",
                                a->call.identity.credential,
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
ngx_http_jobruns_audit_request(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line)
{
    u_char              *query;
    jr_str_t             path;
    ngx_http_request_t  *r;

    r = a->request;

    /* createJobRun has no query; whatever is in one is not ours to keep */

    path = ngx_http_jobruns_str(r->unparsed_uri);
    query = ngx_strlchr(r->unparsed_uri.data,
                        r->unparsed_uri.data + r->unparsed_uri.len, '?');

    if (query != NULL) {
        path.len = query - r->unparsed_uri.data;
    }

    jr_line_object(line, "request");
    jr_line_string(line, "id", ngx_http_jobruns_str(a->ctx->request_id));
    ngx_http_jobruns_audit_text(line, "action",
                                ngx_http_jobruns_str(r->method_name),
                                NGX_HTTP_JOBRUNS_AUDIT_TEXT);
    ngx_http_jobruns_audit_text(line, "path", path,
                                NGX_HTTP_JOBRUNS_AUDIT_PATH);

    jr_line_object(line, "headers");

    if (a->call.token.data != NULL && a->check.token_hash[0]) {
        jr_line_array(line, "opc-retry-token-sha256");
        jr_line_string(line, NULL,
                       (jr_str_t) { JR_DIGEST_HEX,
                                    (char *) a->check.token_hash });
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

    h = ngx_http_jobruns_header_list_find(&r->headers_in.headers,
                                          (jr_str_t) { ngx_strlen(name),
                                                       name });
    if (h == NULL) {
        return;
    }

    jr_line_array(line, name);
    ngx_http_jobruns_audit_text(line, NULL, ngx_http_jobruns_str(h->value),
                                NGX_HTTP_JOBRUNS_AUDIT_TEXT);
    jr_line_close(line, ']');
}


/* as much of them as it takes to read an ".end" alone */

static void
ngx_http_jobruns_audit_asker_again(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line)
{
    jr_line_object(line, "identity");
    jr_line_string(line, "tenantId", a->call.tenant);
    jr_line_close(line, '}');

    jr_line_object(line, "request");
    jr_line_string(line, "id", ngx_http_jobruns_str(a->ctx->request_id));
    jr_line_close(line, '}');
}


static void
ngx_http_jobruns_audit_text(jr_line_t *line, const char *name, jr_str_t value,
    size_t most)
{
    if (value.len > most) {
        value.len = most;
        line->cut = 1;
    }

    jr_line_string(line, name, value);
}
