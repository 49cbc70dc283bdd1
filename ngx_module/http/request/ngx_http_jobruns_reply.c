/*
 * Replies of Redis in the terms of an attempt: the one file that knows both
 * redisReply and the core's types.
 *
 * What comes back is not trusted: an unexpected shape, an error or a damaged
 * answer is logged with the key's name and never becomes an answer.
 */

#include <ngx_sha1.h>

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_overrides.h"
#include "ngx_http_jobruns_reply.h"

#include "jr_script.h"


typedef struct {
    ngx_str_t                    name;
    ngx_http_jobruns_verdict_e   verdict;
    size_t                       least;       /* elements, the name included */
} ngx_http_jobruns_word_t;


static ngx_http_jobruns_word_t  ngx_http_jobruns_verdicts[] = {
    { ngx_string("forward"), jobruns_verdict_forward, 3 },
    { ngx_string("limited"), jobruns_verdict_limited, 4 },
    { ngx_string("replay"), jobruns_verdict_replay, 3 },
    { ngx_string("unkept"), jobruns_verdict_unkept, 4 },
    { ngx_string("running"), jobruns_verdict_running, 3 },
    { ngx_string("mismatch"), jobruns_verdict_mismatch, 2 },
    { ngx_string("refused"), jobruns_verdict_refused, 3 },
    { ngx_string("late"), jobruns_verdict_late, 2 },
    { ngx_null_string, jobruns_verdict_none, 0 }
};


static ngx_int_t ngx_http_jobruns_read_forward(ngx_http_jobruns_attempt_t *a,
    redisReply *reply);
static ngx_int_t ngx_http_jobruns_read_limited(ngx_http_jobruns_attempt_t *a,
    redisReply *reply);
static ngx_int_t ngx_http_jobruns_read_overrides(
    ngx_http_jobruns_attempt_t *a, redisReply *fields);
static ngx_int_t ngx_http_jobruns_read_states(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, size_t from);
static ngx_int_t ngx_http_jobruns_read_state(jr_limit_state_t *state,
    redisReply **element);
static ngx_int_t ngx_http_jobruns_read_kept(ngx_http_jobruns_attempt_t *a,
    redisReply *answer);
static ngx_int_t ngx_http_jobruns_mistrust(ngx_http_jobruns_attempt_t *a,
    redisReply *answer);
static ngx_int_t ngx_http_jobruns_read_header(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, ngx_str_t *value);
static ngx_int_t ngx_http_jobruns_read_string(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, ngx_str_t *value);
static ngx_uint_t ngx_http_jobruns_reply_is(redisReply *reply,
    const char *word);
static void ngx_http_jobruns_damaged(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, const char *what);
static void ngx_http_jobruns_tell_damaged(ngx_http_jobruns_attempt_t *a);


void
ngx_http_jobruns_read_verdict(ngx_http_jobruns_attempt_t *a,
    redisReply *reply)
{
    ngx_int_t                 rc;
    ngx_http_jobruns_word_t  *word;

    a->verdict = jobruns_verdict_damaged;
    a->nstates = 0;

    if (reply->type == REDIS_REPLY_ERROR) {

        /* WRONGTYPE and errors of the script mean keys we did not write; the
           rest (LOADING, READONLY, OOM, NOAUTH ...) that Redis cannot help
           us now.  Neither wrote anything. */

        ngx_http_jobruns_log(a, jobruns_log_refused, NGX_LOG_ERR,
                             "Redis \"%V\" refused an admission: %s; check "
                             "its state, and the ACL of its user",
                             &a->conf->redis->address, reply->str);

        ngx_http_jobruns_redis_failed(a, "refused an admission: %s",
                                      reply->str);

        if (ngx_strstr(reply->str, "WRONGTYPE") == NULL) {
            a->verdict = jobruns_verdict_unavailable;
        }

        /* others may be admitted, but by a slot that no node serves */

        a->reached = (ngx_strncmp(reply->str, "CLUSTERDOWN ",
                                  sizeof("CLUSTERDOWN ") - 1) != 0);

        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        ngx_http_jobruns_damaged(a, reply, "no list");
        return;
    }

    for (word = ngx_http_jobruns_verdicts; word->name.len; word++) {
        if (ngx_http_jobruns_reply_is(reply->element[0],
                                      (char *) word->name.data))
        {
            break;
        }
    }

    if (word->name.len == 0 || reply->elements < word->least) {
        ngx_http_jobruns_damaged(a, reply, "an unknown or short verdict");
        return;
    }

    switch (word->verdict) {

    case jobruns_verdict_forward:
        rc = ngx_http_jobruns_read_forward(a, reply);
        break;

    case jobruns_verdict_limited:
        rc = ngx_http_jobruns_read_limited(a, reply);
        break;

    case jobruns_verdict_replay:
        rc = ngx_http_jobruns_read_header(a, reply->element[2],
                                          &a->original_id);
        if (rc != NGX_OK) {
            break;
        }

        rc = ngx_http_jobruns_read_kept(a, reply->element[1]);

        if (rc == NGX_ERROR
            && ngx_http_jobruns_mistrust(a, reply->element[1]) == NGX_OK)
        {
            ngx_http_jobruns_tell_damaged(a);
            return;
        }

        break;

    case jobruns_verdict_unkept:
        rc = ngx_http_jobruns_read_header(a, reply->element[1],
                                          &a->location);
        if (rc == NGX_OK) {
            rc = ngx_http_jobruns_read_string(a, reply->element[2],
                                              &a->run_key);
        }

        if (rc == NGX_OK) {
            rc = ngx_http_jobruns_read_header(a, reply->element[3],
                                              &a->original_id);
        }

        break;

    case jobruns_verdict_late:
        rc = NGX_ERROR;

        if (reply->element[1]->type == REDIS_REPLY_INTEGER) {
            ngx_redis_clock(&a->op, reply->element[1]->integer);
            rc = NGX_OK;
        }

        break;

    case jobruns_verdict_running:
        rc = NGX_ERROR;

        if (reply->element[1]->type == REDIS_REPLY_INTEGER
            && reply->element[1]->integer >= 0)
        {
            a->wait = (ngx_msec_t) reply->element[1]->integer;
            rc = ngx_http_jobruns_read_string(a, reply->element[2],
                                              &a->original_id);
        }

        break;

    default:
        rc = ngx_http_jobruns_read_string(a, reply->element[1],
                                          &a->original_id);

        if (word->verdict == jobruns_verdict_refused
            && ngx_http_jobruns_reply_is(reply->element[2], "damaged"))
        {
            ngx_http_jobruns_tell_damaged(a);
        }
    }

    if (rc == NGX_ABORT) {
        ngx_http_jobruns_log(a, jobruns_log_no_memory, NGX_LOG_ERR,
                             "no memory to read what Redis says of a retry "
                             "token, it was not forwarded; give this machine "
                             "or its unit more memory");
        return;
    }

    if (rc != NGX_OK
        || ngx_http_jobruns_read_states(a, reply, word->least) != NGX_OK
        || (word->verdict == jobruns_verdict_limited && a->nstates == 0))
    {
        ngx_http_jobruns_damaged(a, reply, "an unusable value");
        return;
    }

    a->verdict = word->verdict;
}


static ngx_int_t
ngx_http_jobruns_read_forward(ngx_http_jobruns_attempt_t *a,
    redisReply *reply)
{
    a->claimed = 1;
    a->unknown_before = !ngx_http_jobruns_reply_is(reply->element[1],
                                                   "absent");

    if (ngx_http_jobruns_reply_is(reply->element[1], "damaged")) {
        ngx_http_jobruns_tell_damaged(a);
    }

    return ngx_http_jobruns_read_overrides(a, reply->element[2]);
}


static ngx_int_t
ngx_http_jobruns_read_limited(ngx_http_jobruns_attempt_t *a,
    redisReply *reply)
{
    if (reply->element[1]->type != REDIS_REPLY_INTEGER
        || reply->element[2]->type != REDIS_REPLY_INTEGER
        || reply->element[1]->integer < 1
        || reply->element[1]->integer > (long long) a->nlimits
        || reply->element[2]->integer < 0)
    {
        return NGX_ERROR;
    }

    a->refusing = (ngx_uint_t) reply->element[1]->integer - 1;
    a->wait = (ngx_msec_t) reply->element[2]->integer;

    return ngx_http_jobruns_read_overrides(a, reply->element[3]);
}


static ngx_int_t
ngx_http_jobruns_read_overrides(ngx_http_jobruns_attempt_t *a,
    redisReply *fields)
{
    ngx_str_t  names;

    if (fields->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    if (fields->len) {
        names.data = (u_char *) fields->str;
        names.len = fields->len;

        ngx_http_jobruns_bad_overrides(a, &names);
    }

    return NGX_OK;
}


/* six integers for each limit, or none where they could not be read */

static ngx_int_t
ngx_http_jobruns_read_states(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, size_t from)
{
    size_t  i;

    if (reply->elements == from) {
        return NGX_OK;
    }

    if (reply->elements != from + 6 * a->nlimits) {
        return NGX_ERROR;
    }

    for (i = 0; i < a->nlimits; i++) {
        if (ngx_http_jobruns_read_state(&a->states[i],
                                        reply->element + from + 6 * i)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    a->nstates = a->nlimits;

    return NGX_OK;
}


/* the bounds are those within which jr_limit.c computes */

static ngx_int_t
ngx_http_jobruns_read_state(jr_limit_state_t *state, redisReply **element)
{
    size_t   i;
    int64_t  n[6];

    static const int64_t  most[6] = {
        JR_LIMIT_LIFTED, JR_QUOTA_MAX, JR_PERIOD_MAX, JR_BURST_MAX,
        JR_QUOTA_MAX, JR_RESET_MAX
    };

    for (i = 0; i < 6; i++) {
        if (element[i]->type != REDIS_REPLY_INTEGER
            || element[i]->integer < 0 || element[i]->integer > most[i])
        {
            return NGX_ERROR;
        }

        n[i] = element[i]->integer;
    }

    state->state = (jr_limit_state_e) n[0];
    state->count = n[1];
    state->period = n[2];
    state->burst = n[3];
    state->remaining = n[4];
    state->reset = n[5];

    return NGX_OK;
}


/* The answer points into a copy in the request's pool: the reply goes when
   its handler returns.  NGX_ERROR: it is damaged; NGX_ABORT: no memory, and
   nothing is wrong with it. */

static ngx_int_t
ngx_http_jobruns_read_kept(ngx_http_jobruns_attempt_t *a, redisReply *answer)
{
    ngx_int_t  rc;
    ngx_str_t  copy;

    ngx_str_null(&copy);

    rc = ngx_http_jobruns_read_string(a, answer, &copy);

    if (rc != NGX_OK) {
        return rc;
    }

    switch (jr_answer_decode(ngx_http_jobruns_str(copy), &a->kept)) {

    case JR_OK:
        return NGX_OK;

    case JR_NO_MEMORY:
        return NGX_ABORT;

    default:
        return NGX_ERROR;
    }
}


/*
 * A damaged answer counts as an unknown outcome: admit.lua is asked again
 * and told which answer to pass over, in case it is mended meanwhile.
 */

static ngx_int_t
ngx_http_jobruns_mistrust(ngx_http_jobruns_attempt_t *a, redisReply *answer)
{
    u_char      *p, digest[20];
    ngx_str_t   *arg, word;
    ngx_sha1_t   sha1;

    if (answer->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    arg = &a->argv[a->nkeys + JR_ADMIT_UNKNOWN];

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

    a->mistrusted = 1;

    return NGX_OK;
}


/* a string to be sent in a header: one that would break it is left out */

static ngx_int_t
ngx_http_jobruns_read_header(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, ngx_str_t *value)
{
    size_t     i;
    ngx_int_t  rc;

    rc = ngx_http_jobruns_read_string(a, reply, value);

    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < 0x20 || value->data[i] == 0x7f) {
            ngx_http_jobruns_tell_damaged(a);
            value->len = 0;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_read_string(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, ngx_str_t *value)
{
    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    /* a waiter is told the same again and again */

    if (value->len == (size_t) reply->len && value->data != NULL
        && ngx_memcmp(value->data, reply->str, reply->len) == 0)
    {
        return NGX_OK;
    }

    value->len = reply->len;
    value->data = ngx_pnalloc(a->request->pool, reply->len + 1);
    if (value->data == NULL) {
        value->len = 0;
        return NGX_ABORT;
    }

    ngx_memcpy(value->data, reply->str, reply->len);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_jobruns_reply_is(redisReply *reply, const char *word)
{
    return (reply->type == REDIS_REPLY_STRING
            || reply->type == REDIS_REPLY_STATUS)
           && (size_t) reply->len == ngx_strlen(word)
           && ngx_memcmp(reply->str, word, reply->len) == 0;
}


static void
ngx_http_jobruns_damaged(ngx_http_jobruns_attempt_t *a, redisReply *reply,
    const char *what)
{
    a->verdict = jobruns_verdict_damaged;
    ngx_http_jobruns_count(jobruns_count_damaged);

    ngx_http_jobruns_redis_failed(a, "invalid value of key \"%V\": %s",
                                  &a->keys[JR_ADMIT_KEY_RECORD], what);

    ngx_log_error(NGX_LOG_ALERT, a->request->connection->log, 0,
                  "jobruns: Redis \"%V\" answered for key \"%V\" with %s "
                  "(reply type %d); the value is not ours or damaged: look "
                  "at it, then delete it",
                  &a->conf->redis->address, &a->keys[JR_ADMIT_KEY_RECORD],
                  what, reply->type);
}


static void
ngx_http_jobruns_tell_damaged(ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_count(jobruns_count_damaged);

    ngx_log_error(NGX_LOG_ALERT, a->request->connection->log, 0,
                  "jobruns: in Redis \"%V\", key \"%V\", the value is not "
                  "ours or damaged; it is not used",
                  &a->conf->redis->address, &a->keys[JR_ADMIT_KEY_RECORD]);
}


ngx_int_t
ngx_http_jobruns_read_renewed(redisReply *reply)
{
    if (ngx_http_jobruns_reply_is(reply, "renewed")) {
        return NGX_OK;
    }

    return ngx_http_jobruns_reply_is(reply, "lost") ? NGX_DECLINED
                                                    : NGX_ERROR;
}


ngx_int_t
ngx_http_jobruns_read_replicas(redisReply *reply)
{
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0) {
        return 0;
    }

    return (ngx_int_t) ngx_min(reply->integer, NGX_MAX_INT32_VALUE);
}


ngx_http_jobruns_settled_e
ngx_http_jobruns_read_settled(redisReply *reply,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *run_key, ngx_log_t *log)
{
    ngx_int_t    rc;
    redisReply  *first;

    ngx_str_null(run_key);

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "jobruns: Redis refused to settle: %s",
                      reply->type == REDIS_REPLY_ERROR ? reply->str
                                                       : "no list");

        if (a != NULL) {
            ngx_http_jobruns_redis_failed(a, "refused to settle: %s",
                                          reply->type == REDIS_REPLY_ERROR
                                          ? reply->str : "no list");
        }

        return jobruns_settled_none;
    }

    first = reply->element[0];

    if (ngx_http_jobruns_reply_is(first, "kept")) {
        return jobruns_settled_kept;
    }

    if (ngx_http_jobruns_reply_is(first, "settled") && reply->elements > 1) {
        return ngx_http_jobruns_reply_is(reply->element[1], "unknown")
               ? jobruns_settled_unknown : jobruns_settled_freed;
    }

    if (ngx_http_jobruns_reply_is(first, "fenced")) {
        return jobruns_settled_fenced;
    }

    if (ngx_http_jobruns_reply_is(first, "foreign")) {
        return jobruns_settled_foreign;
    }

    if (ngx_http_jobruns_reply_is(first, "done") && reply->elements >= 5) {

        if (reply->element[3]->type == REDIS_REPLY_STRING) {
            run_key->data = (u_char *) reply->element[3]->str;
            run_key->len = reply->element[3]->len;
        }

        if (a != NULL) {
            (void) ngx_http_jobruns_read_header(a, reply->element[2],
                                                &a->location);
            (void) ngx_http_jobruns_read_string(a, reply->element[3],
                                                &a->run_key);
            (void) ngx_http_jobruns_read_header(a, reply->element[4],
                                                &a->original_id);

            if (ngx_http_jobruns_reply_is(reply->element[1], "")) {
                ngx_memzero(&a->kept, sizeof(jr_answer_t));

            } else {
                rc = ngx_http_jobruns_read_kept(a, reply->element[1]);

                if (rc == NGX_ERROR) {
                    ngx_http_jobruns_tell_damaged(a);
                }

                if (rc != NGX_OK) {
                    ngx_memzero(&a->kept, sizeof(jr_answer_t));
                }
            }
        }

        return jobruns_settled_done;
    }

    if (ngx_http_jobruns_reply_is(first, "gone")) {
        return jobruns_settled_gone;
    }

    if (ngx_http_jobruns_reply_is(first, "early")) {
        return jobruns_settled_early;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "jobruns: Redis answered a settlement with an unknown or "
                  "short list");

    return jobruns_settled_none;
}
