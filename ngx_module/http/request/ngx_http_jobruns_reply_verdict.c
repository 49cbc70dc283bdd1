/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What admit.lua says: a row and a function for each verdict.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_args.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_overrides.h"
#include "ngx_http_jobruns_reply.h"
#include "ngx_http_jobruns_reply_verdict.h"
#include "ngx_http_jobruns_usage.h"

#include "jr_script.h"


/* a verdict of admit.lua, and what reads the text behind it */
typedef struct {
    const char                  *letter;
    ngx_http_jobruns_verdict_e   verdict;
    ngx_int_t                  (*read)(ngx_http_jobruns_attempt_t *a,
                                       jr_str_t text);
} ngx_http_jobruns_reply_verdict_t;


static ngx_int_t ngx_http_jobruns_reply_shared(ngx_http_jobruns_attempt_t *a,
    redisReply *reply);
static void ngx_http_jobruns_reply_error(ngx_http_jobruns_attempt_t *a,
    jr_str_t text);
static ngx_int_t ngx_http_jobruns_reply_forward(ngx_http_jobruns_attempt_t *a,
    jr_str_t text);
static ngx_int_t ngx_http_jobruns_reply_limited(ngx_http_jobruns_attempt_t *a,
    jr_str_t text);
static ngx_int_t ngx_http_jobruns_reply_replay(ngx_http_jobruns_attempt_t *a,
    jr_str_t text);
static ngx_int_t ngx_http_jobruns_reply_running(ngx_http_jobruns_attempt_t *a,
    jr_str_t text);
static ngx_int_t ngx_http_jobruns_reply_mismatch(
    ngx_http_jobruns_attempt_t *a, jr_str_t text);
static ngx_int_t ngx_http_jobruns_reply_refused(ngx_http_jobruns_attempt_t *a,
    jr_str_t text);
static ngx_int_t ngx_http_jobruns_reply_late(ngx_http_jobruns_attempt_t *a,
    jr_str_t text);
static ngx_int_t ngx_http_jobruns_reply_states(ngx_http_jobruns_attempt_t *a,
    jr_str_t text);
static ngx_int_t ngx_http_jobruns_reply_corrupt(ngx_http_jobruns_attempt_t *a,
    const jr_record_done_t *done);
static void ngx_http_jobruns_reply_damaged(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, const char *what);


static const ngx_http_jobruns_reply_verdict_t
    ngx_http_jobruns_reply_verdicts[] =
{
    { JR_VERDICT_FORWARD, jobruns_verdict_forward,
      ngx_http_jobruns_reply_forward },
    { JR_VERDICT_LIMITED, jobruns_verdict_limited,
      ngx_http_jobruns_reply_limited },
    { JR_VERDICT_DONE, jobruns_verdict_replay,
      ngx_http_jobruns_reply_replay },
    { JR_VERDICT_RUNNING, jobruns_verdict_running,
      ngx_http_jobruns_reply_running },
    { JR_VERDICT_MISMATCH, jobruns_verdict_mismatch,
      ngx_http_jobruns_reply_mismatch },
    { JR_VERDICT_REFUSED, jobruns_verdict_refused,
      ngx_http_jobruns_reply_refused },
    { JR_VERDICT_LATE, jobruns_verdict_late,
      ngx_http_jobruns_reply_late },
    { NULL, jobruns_verdict_none, NULL }
};


void
ngx_http_jobruns_reply_verdict(ngx_http_jobruns_attempt_t *a,
    redisReply *reply)
{
    jr_str_t                                 text, rest;
    ngx_int_t                                rc;
    const ngx_http_jobruns_reply_verdict_t  *v;

    a->verdict = jobruns_verdict_damaged;
    a->reply.nstates = 0;

    if (reply->type == REDIS_REPLY_ERROR) {
        text.data = reply->str;
        text.len = reply->len;
        ngx_http_jobruns_reply_error(a, text);
        return;
    }

    if (ngx_http_jobruns_reply_packed(reply, JR_REPLY_ATTEMPTS, &text)
        != NGX_OK
        || ngx_http_jobruns_reply_shared(a, reply->element[JR_REPLY_SHARED])
           != NGX_OK)
    {
        ngx_http_jobruns_reply_damaged(a, reply, "no list");
        return;
    }

    /* behind the format and the letter */

    rest.data = text.data + 2;
    rest.len = text.len - 2;

    if (text.data[1] == JR_VERDICT_ERROR[0]) {
        ngx_http_jobruns_reply_error(a, rest);
        return;
    }

    for (v = ngx_http_jobruns_reply_verdicts; v->letter != NULL; v++) {
        if (text.data[1] == v->letter[0]) {
            break;
        }
    }

    if (v->letter == NULL) {
        ngx_http_jobruns_reply_damaged(a, reply, "an unknown verdict");
        return;
    }

    a->verdict = v->verdict;

    if (v->verdict != jobruns_verdict_forward
        && v->verdict != jobruns_verdict_limited)
    {
        /* limits that others were told of */
        a->reply.nstates = 0;
    }

    rc = v->read(a, v->verdict == jobruns_verdict_replay ? text : rest);

    if (rc == NGX_OK) {
        return;
    }

    a->verdict = jobruns_verdict_damaged;

    if (rc == NGX_ABORT) {
        ngx_http_jobruns_log(a, jobruns_log_no_memory, NGX_LOG_ERR,
                             "no memory to read what Redis says of a retry "
                             "token, it was not forwarded; give this machine "
                             "or its unit more memory");
        return;
    }

    ngx_http_jobruns_reply_damaged(a, reply, "an unusable value");
}


/* what all attempts of the call are told: the clock, and limits in force */

static ngx_int_t
ngx_http_jobruns_reply_shared(ngx_http_jobruns_attempt_t *a,
    redisReply *reply)
{
    size_t     i;
    jr_str_t   text;
    jr_pack_t  v[JR_SHARED_REPLY_LAST];
    ngx_str_t  names;

    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    text.data = reply->str;
    text.len = reply->len;

    if (jr_pack_read(&text, JR_SHARED_REPLY, v) != JR_OK
        || v[JR_SHARED_REPLY_FORMAT].text.data[0] != JR_SCRIPT_FORMAT[0])
    {
        return NGX_ERROR;
    }

    a->reply.begin = v[JR_SHARED_REPLY_NOW].number;

    names.data = (u_char *) v[JR_SHARED_REPLY_OVERRIDES].text.data;
    names.len = v[JR_SHARED_REPLY_OVERRIDES].text.len;

    if (names.len) {
        ngx_http_jobruns_overrides_report(a, &names);
    }

    if (text.len == 0) {
        return NGX_OK;
    }

    for (i = 0; i < a->args.nlimits; i++) {
        if (jr_limit_in_force(&a->args.limits[i], &text, &a->reply.states[i])
            != JR_OK)
        {
            return NGX_ERROR;
        }
    }

    a->reply.nstates = a->args.nlimits;

    return text.len == 0 ? NGX_OK : NGX_ERROR;
}


/* WRONGTYPE and errors of the script mean keys we did not write; the rest
   (LOADING, READONLY, OOM, NOAUTH ...) that Redis cannot help us now.  Neither
   wrote anything. */

static void
ngx_http_jobruns_reply_error(ngx_http_jobruns_attempt_t *a, jr_str_t text)
{
    ngx_str_t  why;

    why.data = (u_char *) text.data;
    why.len = text.len;

    ngx_http_jobruns_log(a, jobruns_log_refused, NGX_LOG_ERR,
                         "Redis \"%V\" refused an admission: %V; check "
                         "its state, and the ACL of its user",
                         &a->conf->redis->address, &why);

    ngx_http_jobruns_log_redis_failed(a, "refused an admission: %V", &why);

    /* hiredis ends all strings with a NUL */

    if (ngx_strstr(why.data, "WRONGTYPE") == NULL) {
        a->verdict = jobruns_verdict_unavailable;
    }

    /* others may be admitted, but by a slot that no node serves */

    a->admission.reached = (why.len < sizeof("CLUSTERDOWN ") - 1
                  || ngx_strncmp(why.data, "CLUSTERDOWN ",
                                 sizeof("CLUSTERDOWN ") - 1)
                     != 0);
}


/* Each is given what is behind its letter, that of a replay the whole text,
   which is a record.  NGX_OK; NGX_ERROR: a value that cannot be; NGX_ABORT: no
   memory. */

static ngx_int_t
ngx_http_jobruns_reply_forward(ngx_http_jobruns_attempt_t *a, jr_str_t text)
{
    char       before;
    jr_pack_t  v[1];

    if (jr_pack_read(&text, JR_FORWARD, v) != JR_OK
        || ngx_http_jobruns_reply_states(a, text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    before = v[0].text.data[0];

    a->claimed = 1;
    a->reply.unknown = (before != JR_BEFORE_ABSENT[0]);

    if (before == JR_BEFORE_CORRUPT[0]) {
        ngx_http_jobruns_reply_report_damage(a);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_reply_limited(ngx_http_jobruns_attempt_t *a, jr_str_t text)
{
    jr_pack_t  v[JR_LIMITED_LAST];

    if (jr_pack_read(&text, JR_LIMITED, v) != JR_OK
        || ngx_http_jobruns_reply_states(a, text) != NGX_OK
        || a->reply.nstates == 0
        || v[JR_LIMITED_INDEX].number == 0
        || v[JR_LIMITED_INDEX].number > (int64_t) a->args.nlimits)
    {
        return NGX_ERROR;
    }

    a->reply.refusing = (ngx_uint_t) v[JR_LIMITED_INDEX].number - 1;
    a->reply.wait = (ngx_msec_t) v[JR_LIMITED_WAIT].number;

    return NGX_OK;
}


/* the record of the token, whose response may not be stored */

static ngx_int_t
ngx_http_jobruns_reply_replay(ngx_http_jobruns_attempt_t *a, jr_str_t text)
{
    ngx_int_t         rc;
    jr_record_t       record;
    jr_record_done_t  done;

    if (jr_record_read(text, &record) != JR_OK) {
        return NGX_ERROR;
    }

    switch (jr_record_read_done(&record, &done)) {

    case JR_OK:
        break;

    case JR_NO_MEMORY:
        return NGX_ABORT;

    default:
        return ngx_http_jobruns_reply_corrupt(a, &done);
    }

    rc = ngx_http_jobruns_reply_stored(a, &record, &done);

    if (rc == NGX_ERROR) {
        return ngx_http_jobruns_reply_corrupt(a, &done);
    }

    if (done.answer.len == 0) {
        a->verdict = jobruns_verdict_unkept;
    }

    return rc;
}


static ngx_int_t
ngx_http_jobruns_reply_running(ngx_http_jobruns_attempt_t *a, jr_str_t text)
{
    jr_pack_t  v[1];

    if (jr_pack_read(&text, JR_RUNNING, v) != JR_OK) {
        return NGX_ERROR;
    }

    a->reply.wait = (ngx_msec_t) v[0].number;

    return ngx_http_jobruns_reply_string(a, text, &a->run.original_id);
}


static ngx_int_t
ngx_http_jobruns_reply_mismatch(ngx_http_jobruns_attempt_t *a, jr_str_t text)
{
    return ngx_http_jobruns_reply_string(a, text, &a->run.original_id);
}


static ngx_int_t
ngx_http_jobruns_reply_refused(ngx_http_jobruns_attempt_t *a, jr_str_t text)
{
    jr_pack_t  v[1];

    if (jr_pack_read(&text, JR_REFUSED, v) != JR_OK) {
        return NGX_ERROR;
    }

    if (v[0].text.data[0] == JR_BEFORE_CORRUPT[0]) {
        ngx_http_jobruns_reply_report_damage(a);
    }

    return ngx_http_jobruns_reply_string(a, text, &a->run.original_id);
}


static ngx_int_t
ngx_http_jobruns_reply_late(ngx_http_jobruns_attempt_t *a, jr_str_t text)
{
    jr_pack_t  v[1];

    if (jr_pack_read(&text, JR_LATE, v) != JR_OK) {
        return NGX_ERROR;
    }

    ngx_redis_clock(&a->admission.call.op, v[0].number);

    return NGX_OK;
}


/* of each limit, or of none where they could not be read */

static ngx_int_t
ngx_http_jobruns_reply_states(ngx_http_jobruns_attempt_t *a, jr_str_t text)
{
    size_t  i;

    if (text.len == 0) {
        a->reply.nstates = 0;
        return NGX_OK;
    }

    if (a->reply.nstates == 0) {
        return NGX_ERROR;
    }

    for (i = 0; i < a->args.nlimits; i++) {
        if (jr_limit_measure(&a->args.limits[i], &text, &a->reply.states[i])
            != JR_OK)
        {
            a->reply.nstates = 0;
            return NGX_ERROR;
        }
    }

    ngx_http_jobruns_usage_see(a);

    return text.len == 0 ? NGX_OK : NGX_ERROR;
}


/*
 * A corrupt done record counts as an unknown outcome: admit.lua is asked again
 * and told which one to pass over, in case it is mended meanwhile.
 */

static ngx_int_t
ngx_http_jobruns_reply_corrupt(ngx_http_jobruns_attempt_t *a,
    const jr_record_done_t *done)
{
    if (ngx_http_jobruns_args_attempt(a->request, a,
                                      (const u_char *) done->sum.data)
        != NGX_OK)
    {
        return NGX_ABORT;
    }

    ngx_http_jobruns_reply_report_damage(a);

    a->verdict = jobruns_verdict_again;

    return NGX_OK;
}


static void
ngx_http_jobruns_reply_damaged(ngx_http_jobruns_attempt_t *a, redisReply *reply,
    const char *what)
{
    a->verdict = jobruns_verdict_damaged;
    ngx_http_jobruns_count(jobruns_count_damaged);

    ngx_http_jobruns_log_redis_failed(a, "invalid value of key \"%V\": %s",
                                      ngx_http_jobruns_record(a), what);

    ngx_log_error(NGX_LOG_ALERT, a->request->connection->log, 0,
                  "jobruns: Redis \"%V\" answered for key \"%V\" with %s "
                  "(reply type %d); the value is not ours or damaged: look "
                  "at it, then delete it",
                  &a->conf->redis->address, ngx_http_jobruns_record(a),
                  what, reply->type);
}
