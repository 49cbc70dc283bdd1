/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What admit.lua says: a row and a function for each verdict.
 */

#include <ngx_sha1.h>

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_overrides.h"
#include "ngx_http_jobruns_reply.h"
#include "ngx_http_jobruns_reply_verdict.h"

#include "jr_script.h"


/* a verdict of admit.lua, and what reads the values behind it */
typedef struct {
    const char                  *word;
    ngx_http_jobruns_verdict_e   verdict;
    size_t                       limits;      /* where those begin, if any:
                                                 so many elements at least */
    ngx_int_t                  (*read)(ngx_http_jobruns_attempt_t *a,
                                       redisReply **element);
} ngx_http_jobruns_reply_verdict_t;


static void ngx_http_jobruns_reply_error(ngx_http_jobruns_attempt_t *a,
    redisReply *reply);
static ngx_int_t ngx_http_jobruns_reply_forward(ngx_http_jobruns_attempt_t *a,
    redisReply **element);
static ngx_int_t ngx_http_jobruns_reply_limited(ngx_http_jobruns_attempt_t *a,
    redisReply **element);
static ngx_int_t ngx_http_jobruns_reply_replay(ngx_http_jobruns_attempt_t *a,
    redisReply **element);
static ngx_int_t ngx_http_jobruns_reply_unkept(ngx_http_jobruns_attempt_t *a,
    redisReply **element);
static ngx_int_t ngx_http_jobruns_reply_running(ngx_http_jobruns_attempt_t *a,
    redisReply **element);
static ngx_int_t ngx_http_jobruns_reply_mismatch(
    ngx_http_jobruns_attempt_t *a, redisReply **element);
static ngx_int_t ngx_http_jobruns_reply_refused(ngx_http_jobruns_attempt_t *a,
    redisReply **element);
static ngx_int_t ngx_http_jobruns_reply_late(ngx_http_jobruns_attempt_t *a,
    redisReply **element);
static ngx_int_t ngx_http_jobruns_reply_overrides(
    ngx_http_jobruns_attempt_t *a, redisReply *fields);
static ngx_int_t ngx_http_jobruns_reply_states(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, size_t from);
static ngx_int_t ngx_http_jobruns_reply_state(jr_limit_state_t *state,
    redisReply **element);
static ngx_int_t ngx_http_jobruns_reply_mistrust(
    ngx_http_jobruns_attempt_t *a, redisReply *answer);
static void ngx_http_jobruns_reply_damaged(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, const char *what);


static const ngx_http_jobruns_reply_verdict_t
    ngx_http_jobruns_reply_verdicts[] =
{
    { "forward", jobruns_verdict_forward, JR_FORWARD_LIMITS,
      ngx_http_jobruns_reply_forward },
    { "limited", jobruns_verdict_limited, JR_LIMITED_LIMITS,
      ngx_http_jobruns_reply_limited },
    { "replay", jobruns_verdict_replay, JR_REPLAY_LIMITS,
      ngx_http_jobruns_reply_replay },
    { "unkept", jobruns_verdict_unkept, JR_UNKEPT_LIMITS,
      ngx_http_jobruns_reply_unkept },
    { "running", jobruns_verdict_running, JR_RUNNING_LIMITS,
      ngx_http_jobruns_reply_running },
    { "mismatch", jobruns_verdict_mismatch, JR_MISMATCH_LIMITS,
      ngx_http_jobruns_reply_mismatch },
    { "refused", jobruns_verdict_refused, JR_REFUSED_LIMITS,
      ngx_http_jobruns_reply_refused },
    { "late", jobruns_verdict_late, JR_LATE_LIMITS,
      ngx_http_jobruns_reply_late },
    { NULL, jobruns_verdict_none, 0, NULL }
};


void
ngx_http_jobruns_reply_verdict(ngx_http_jobruns_attempt_t *a,
    redisReply *reply)
{
    ngx_int_t                                rc;
    const ngx_http_jobruns_reply_verdict_t  *v;

    a->verdict = jobruns_verdict_damaged;
    a->reply.nstates = 0;

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_jobruns_reply_error(a, reply);
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        ngx_http_jobruns_reply_damaged(a, reply, "no list");
        return;
    }

    for (v = ngx_http_jobruns_reply_verdicts; v->word != NULL; v++) {
        if (ngx_http_jobruns_reply_is(reply->element[JR_REPLY_VERDICT],
                                      v->word))
        {
            break;
        }
    }

    if (v->word == NULL || reply->elements < v->limits) {
        ngx_http_jobruns_reply_damaged(a, reply,
                                       "an unknown or short verdict");
        return;
    }

    rc = v->read(a, reply->element);

    if (rc == NGX_DONE) {
        return;
    }

    if (rc == NGX_ABORT) {
        ngx_http_jobruns_log(a, jobruns_log_no_memory, NGX_LOG_ERR,
                             "no memory to read what Redis says of a retry "
                             "token, it was not forwarded; give this machine "
                             "or its unit more memory");
        return;
    }

    if (rc != NGX_OK
        || ngx_http_jobruns_reply_states(a, reply, v->limits) != NGX_OK
        || (v->verdict == jobruns_verdict_limited && a->reply.nstates == 0))
    {
        ngx_http_jobruns_reply_damaged(a, reply, "an unusable value");
        return;
    }

    a->verdict = v->verdict;
}


/* WRONGTYPE and errors of the script mean keys we did not write; the rest
   (LOADING, READONLY, OOM, NOAUTH ...) that Redis cannot help us now.  Neither
   wrote anything. */

static void
ngx_http_jobruns_reply_error(ngx_http_jobruns_attempt_t *a, redisReply *reply)
{
    ngx_http_jobruns_log(a, jobruns_log_refused, NGX_LOG_ERR,
                         "Redis \"%V\" refused an admission: %s; check "
                         "its state, and the ACL of its user",
                         &a->conf->redis->address, reply->str);

    ngx_http_jobruns_log_redis_failed(a, "refused an admission: %s",
                                      reply->str);

    if (ngx_strstr(reply->str, "WRONGTYPE") == NULL) {
        a->verdict = jobruns_verdict_unavailable;
    }

    /* others may be admitted, but by a slot that no node serves */

    a->admission.reached = (ngx_strncmp(reply->str, "CLUSTERDOWN ",
                                        sizeof("CLUSTERDOWN ") - 1)
                            != 0);
}


/* NGX_OK; NGX_ERROR: a value that cannot be; NGX_ABORT: no memory; NGX_DONE:
   all is said */

static ngx_int_t
ngx_http_jobruns_reply_forward(ngx_http_jobruns_attempt_t *a,
    redisReply **element)
{
    redisReply  *before;

    before = element[JR_FORWARD_BEFORE];

    a->claimed = 1;
    a->reply.unknown = !ngx_http_jobruns_reply_is(before, "absent");

    if (ngx_http_jobruns_reply_is(before, "damaged")) {
        ngx_http_jobruns_reply_report_damage(a);
    }

    return ngx_http_jobruns_reply_overrides(a, element[JR_FORWARD_OVERRIDES]);
}


static ngx_int_t
ngx_http_jobruns_reply_limited(ngx_http_jobruns_attempt_t *a,
    redisReply **element)
{
    redisReply  *index, *wait;

    index = element[JR_LIMITED_INDEX];
    wait = element[JR_LIMITED_WAIT];

    if (index->type != REDIS_REPLY_INTEGER
        || wait->type != REDIS_REPLY_INTEGER
        || index->integer < 1
        || index->integer > (long long) a->args.nlimits
        || wait->integer < 0)
    {
        return NGX_ERROR;
    }

    a->reply.refusing = (ngx_uint_t) index->integer - 1;
    a->reply.wait = (ngx_msec_t) wait->integer;

    return ngx_http_jobruns_reply_overrides(a, element[JR_LIMITED_OVERRIDES]);
}


static ngx_int_t
ngx_http_jobruns_reply_replay(ngx_http_jobruns_attempt_t *a,
    redisReply **element)
{
    ngx_int_t    rc;
    redisReply  *answer;

    answer = element[JR_REPLAY_ANSWER];

    rc = ngx_http_jobruns_reply_header(a, element[JR_REPLAY_REQUEST_ID],
                                       &a->run.original_id);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_jobruns_reply_kept(a, answer);

    if (rc == NGX_ERROR
        && ngx_http_jobruns_reply_mistrust(a, answer) == NGX_OK)
    {
        ngx_http_jobruns_reply_report_damage(a);
        return NGX_DONE;
    }

    return rc;
}


static ngx_int_t
ngx_http_jobruns_reply_unkept(ngx_http_jobruns_attempt_t *a,
    redisReply **element)
{
    ngx_int_t  rc;

    rc = ngx_http_jobruns_reply_header(a, element[JR_UNKEPT_LOCATION],
                                       &a->run.location);
    if (rc == NGX_OK) {
        rc = ngx_http_jobruns_reply_string(a, element[JR_UNKEPT_RUN_KEY],
                                           &a->run.key);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_jobruns_reply_header(a, element[JR_UNKEPT_REQUEST_ID],
                                           &a->run.original_id);
    }

    return rc;
}


static ngx_int_t
ngx_http_jobruns_reply_running(ngx_http_jobruns_attempt_t *a,
    redisReply **element)
{
    redisReply  *wait;

    wait = element[JR_RUNNING_WAIT];

    if (wait->type != REDIS_REPLY_INTEGER || wait->integer < 0) {
        return NGX_ERROR;
    }

    a->reply.wait = (ngx_msec_t) wait->integer;

    return ngx_http_jobruns_reply_string(a, element[JR_RUNNING_REQUEST_ID],
                                         &a->run.original_id);
}


static ngx_int_t
ngx_http_jobruns_reply_mismatch(ngx_http_jobruns_attempt_t *a,
    redisReply **element)
{
    return ngx_http_jobruns_reply_string(a, element[JR_MISMATCH_REQUEST_ID],
                                         &a->run.original_id);
}


static ngx_int_t
ngx_http_jobruns_reply_refused(ngx_http_jobruns_attempt_t *a,
    redisReply **element)
{
    ngx_int_t  rc;

    rc = ngx_http_jobruns_reply_string(a, element[JR_REFUSED_REQUEST_ID],
                                       &a->run.original_id);

    if (ngx_http_jobruns_reply_is(element[JR_REFUSED_DAMAGE], "damaged")) {
        ngx_http_jobruns_reply_report_damage(a);
    }

    return rc;
}


static ngx_int_t
ngx_http_jobruns_reply_late(ngx_http_jobruns_attempt_t *a,
    redisReply **element)
{
    redisReply  *time;

    time = element[JR_LATE_TIME];

    if (time->type != REDIS_REPLY_INTEGER) {
        return NGX_ERROR;
    }

    ngx_redis_clock(&a->admission.op, time->integer);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_reply_overrides(ngx_http_jobruns_attempt_t *a,
    redisReply *fields)
{
    ngx_str_t  names;

    if (fields->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    if (fields->len) {
        names.data = (u_char *) fields->str;
        names.len = fields->len;

        ngx_http_jobruns_overrides_report(a, &names);
    }

    return NGX_OK;
}


/* integers for each limit, or none where they could not be read */

static ngx_int_t
ngx_http_jobruns_reply_states(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, size_t from)
{
    size_t  i;

    if (reply->elements == from) {
        return NGX_OK;
    }

    if (reply->elements != from + JR_LIMIT_REPLY_LAST * a->args.nlimits) {
        return NGX_ERROR;
    }

    for (i = 0; i < a->args.nlimits; i++) {
        if (ngx_http_jobruns_reply_state(&a->reply.states[i],
                                        reply->element + from
                                         + JR_LIMIT_REPLY_LAST * i)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    a->reply.nstates = a->args.nlimits;

    return NGX_OK;
}


/* the bounds are those within which jr_limit.c computes */

static ngx_int_t
ngx_http_jobruns_reply_state(jr_limit_state_t *state, redisReply **element)
{
    size_t   i;
    int64_t  n[JR_LIMIT_REPLY_LAST];

    static const int64_t  most[JR_LIMIT_REPLY_LAST] = {
        [JR_LIMIT_REPLY_STATE] = JR_LIMIT_LIFTED,
        [JR_LIMIT_REPLY_COUNT] = JR_QUOTA_MAX,
        [JR_LIMIT_REPLY_PERIOD] = JR_PERIOD_MAX,
        [JR_LIMIT_REPLY_BURST] = JR_BURST_MAX,
        [JR_LIMIT_REPLY_REMAINING] = JR_QUOTA_MAX,
        [JR_LIMIT_REPLY_RESET] = JR_RESET_MAX
    };

    for (i = 0; i < JR_LIMIT_REPLY_LAST; i++) {
        if (element[i]->type != REDIS_REPLY_INTEGER
            || element[i]->integer < 0 || element[i]->integer > most[i])
        {
            return NGX_ERROR;
        }

        n[i] = element[i]->integer;
    }

    state->state = (jr_limit_state_e) n[JR_LIMIT_REPLY_STATE];
    state->count = n[JR_LIMIT_REPLY_COUNT];
    state->period = n[JR_LIMIT_REPLY_PERIOD];
    state->burst = n[JR_LIMIT_REPLY_BURST];
    state->remaining = n[JR_LIMIT_REPLY_REMAINING];
    state->reset = n[JR_LIMIT_REPLY_RESET];

    return NGX_OK;
}


/*
 * A damaged answer counts as an unknown outcome: admit.lua is asked again
 * and told which answer to pass over, in case it is mended meanwhile.
 */

static ngx_int_t
ngx_http_jobruns_reply_mistrust(ngx_http_jobruns_attempt_t *a,
    redisReply *answer)
{
    u_char      *p, digest[20];
    ngx_str_t   *arg, word;
    ngx_sha1_t   sha1;

    if (answer->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    arg = &a->args.argv[a->args.nkeys + JR_ADMIT_UNKNOWN];

    if (a->conf->retry_refuse) {
        ngx_str_set(&word, "refuse:");

    } else {
        ngx_str_set(&word, "forward:");
    }

    p = ngx_pnalloc(a->request->pool, word.len + 2 * sizeof(digest));
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, answer->str, answer->len);
    ngx_sha1_final(digest, &sha1);

    arg->data = p;
    p = ngx_cpymem(p, word.data, word.len);
    p = ngx_hex_dump(p, digest, sizeof(digest));
    arg->len = p - arg->data;

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
                                      &a->args.keys[JR_ADMIT_KEY_RECORD], what);

    ngx_log_error(NGX_LOG_ALERT, a->request->connection->log, 0,
                  "jobruns: Redis \"%V\" answered for key \"%V\" with %s "
                  "(reply type %d); the value is not ours or damaged: look "
                  "at it, then delete it",
                  &a->conf->redis->address, &a->args.keys[JR_ADMIT_KEY_RECORD],
                  what, reply->type);
}
