/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bytes of a hostile Redis: the stream of replies, and what the gateway
 * makes of each of them.  The first byte is how large the pieces are
 * that they come in; the replies are the same however they come.
 *
 * The files under test are compiled as they are, against NGINX's
 * headers; the few functions of NGINX and of ours that they call are below.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_redis_connection.h"
#include "ngx_redis_cluster_map.h"
#include "ngx_redis_reply.h"
#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_args.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_metrics.h"
#include "ngx_http_jobruns_overrides.h"
#include "ngx_http_jobruns_reply.h"
#include "ngx_http_jobruns_reply_verdict.h"
#include "ngx_http_jobruns_usage.h"
#include "jr_digest.h"
#include "jr_script.h"
#include "fuzz.h"


/* limits of the attempt that the replies are read for */
#define LIMITS   2

/* copies that one reply may ask the pool for */
#define COPIES   64


typedef struct {
    size_t                       replies;
    uint64_t                     sum;       /* of their kinds and lengths */
    int                          failed;
} seen_t;


static void                     *copies[COPIES];
static ngx_uint_t                ncopies;

static void read_stream(const u_char *data, size_t len, size_t piece,
    seen_t *seen);
static void sum_up(const redisReply *reply, seen_t *seen);
static void read_reply(redisReply *reply);
static int set_sum(redisReply *reply);
static void is_a_header(const ngx_str_t *value);
static void no_copies(void);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    seen_t  whole, pieces;

    if (size < 2) {
        return 0;
    }

    read_stream(data + 1, size - 1, size - 1, &whole);
    read_stream(data + 1, size - 1, data[0] % 64 + 1, &pieces);

    fuzz_holds(whole.replies == pieces.replies);
    fuzz_holds(whole.sum == pieces.sum);
    fuzz_holds(whole.failed == pieces.failed);

    return 0;
}


static void
read_stream(const u_char *data, size_t len, size_t piece, seen_t *seen)
{
    u_char              *copy;
    size_t               n, size, taken;
    ngx_int_t            rc;
    redisReply          *reply;
    ngx_redis_stream_t   stream;

    memset(seen, 0, sizeof(seen_t));
    fuzz_holds(ngx_redis_reply_init(&stream) == NGX_OK);

    for ( /* void */ ; len; data += size, len -= size) {

        size = ngx_min(piece, len);
        copy = (u_char *) fuzz_copy(data, size);

        for (taken = 0; taken < size; taken += n) {

            n = size - taken;
            rc = ngx_redis_reply_feed(&stream, copy + taken, &n);

            if (rc == NGX_OK) {
                rc = ngx_redis_reply_next(&stream, &reply);
                fuzz_holds(rc == NGX_ERROR || reply != NULL);
            }

            if (rc == NGX_ERROR) {
                fuzz_holds(stream.error != NULL && stream.error[0]);
                seen->failed = 1;
                free(copy);
                goto done;
            }

            fuzz_holds(n > 0 && n <= size - taken);

            if (rc == NGX_AGAIN) {
                fuzz_holds(n == size - taken);
                continue;
            }

            seen->replies++;
            sum_up(reply, seen);
            read_reply(reply);

            if (set_sum(reply)) {
                read_reply(reply);
            }

            ngx_redis_reply_release();
        }

        free(copy);
    }

done:

    ngx_redis_reply_free(&stream);
}


static void
sum_up(const redisReply *reply, seen_t *seen)
{
    size_t  i;

    seen->sum = seen->sum * 31 + (uint64_t) reply->type;

    switch (reply->type) {

    case REDIS_REPLY_ARRAY:
        seen->sum = seen->sum * 31 + reply->elements;

        for (i = 0; i < reply->elements; i++) {
            sum_up(reply->element[i], seen);
        }

        break;

    case REDIS_REPLY_INTEGER:
        seen->sum = seen->sum * 31 + (uint64_t) reply->integer;
        break;

    case REDIS_REPLY_NIL:
        break;

    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        seen->sum = seen->sum * 31 + (uint64_t) reply->len;
        break;

    default:
        fuzz_holds(!"a type that RESP2 has not");
    }
}


/* a fuzzer cannot guess the sum of a done record; whether there is one */

static int
set_sum(redisReply *reply)
{
    char          *tail;
    size_t         len;
    jr_str_t       text;
    jr_digest_t    md;
    redisReply    *last;
    jr_record_t    record;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0
        || reply->elements > 2)
    {
        return 0;
    }

    /* behind what all attempts are told, where it is an admission's */

    last = reply->element[reply->elements - 1];

    if (last->type != REDIS_REPLY_STRING) {
        return 0;
    }

    text.data = last->str;
    text.len = last->len;

    if (jr_record_read(text, &record) != JR_OK
        || record.head[JR_RECORD_STATE].text.data[0] != JR_STATE_DONE[0])
    {
        return 0;
    }

    tail = last->str + (record.tail.data - text.data);
    len = record.tail.len - JR_DONE_SUM_LEN;

    fuzz_holds(jr_digest(tail + JR_DONE_SUM_LEN, len, &md) == JR_OK);
    memcpy(tail, md.bytes, JR_DONE_SUM_LEN);

    return 1;
}


/* each reply, read as the answer to everything that we ask */

static void
read_reply(redisReply *reply)
{
    ngx_log_t                    log;
    ngx_str_t                    keys[JR_ADMIT_KEY_LIMITS + LIMITS + 1],
                                 run_key;
    jr_str_t                     by[LIMITS];
    jr_limit_t                   limits[LIMITS];
    ngx_uint_t                   i;
    ngx_connection_t             connection;
    ngx_redis_conf_t             redis;
    jr_limit_state_t             states[LIMITS];
    ngx_http_request_t           request;
    ngx_redis_redirect_t         redirect;
    ngx_http_jobruns_attempt_t   attempt;
    ngx_http_jobruns_loc_conf_t  conf;

    static ngx_redis_cluster_map_t  map;

    memset(&log, 0, sizeof(log));
    memset(keys, 0, sizeof(keys));
    memset(by, 0, sizeof(by));
    memset(limits, 0, sizeof(limits));
    memset(&redis, 0, sizeof(redis));
    memset(&connection, 0, sizeof(connection));
    memset(&request, 0, sizeof(request));
    memset(&attempt, 0, sizeof(attempt));
    memset(&conf, 0, sizeof(conf));

    connection.log = &log;
    request.connection = &connection;
    conf.redis = &redis;

    attempt.request = &request;
    attempt.conf = &conf;
    attempt.args.nlimits = LIMITS;
    attempt.args.limits = limits;
    attempt.args.by = by;
    attempt.call.tenant = (jr_str_t) jr_str("tenant");
    attempt.args.nkeys = JR_ADMIT_KEY_LIMITS + LIMITS + 1;
    attempt.args.keys = keys;
    attempt.reply.states = states;

    limits[1].kind = JR_LIMIT_QUOTA;

    ngx_http_jobruns_reply_verdict(&attempt, reply);

    fuzz_holds(attempt.reply.nstates == 0 || attempt.reply.nstates == LIMITS);
    fuzz_holds(attempt.verdict != jobruns_verdict_none);

    if (attempt.verdict == jobruns_verdict_limited) {
        fuzz_holds(attempt.reply.refusing < LIMITS
                   && attempt.reply.nstates == LIMITS);
    }

    if (attempt.verdict == jobruns_verdict_replay) {
        fuzz_holds(attempt.run.answer.status >= 200
                   && attempt.run.answer.status <= 299);
    }

    if (attempt.verdict == jobruns_verdict_unkept) {
        is_a_header(&attempt.run.location);
        is_a_header(&attempt.run.original_id);
    }

    if (attempt.reply.nstates) {
        for (i = 0; i < LIMITS; i++) {
            fuzz_holds(states[i].remaining >= 0
                       && states[i].remaining <= JR_QUOTA_MAX);
        }
    }

    (void) ngx_http_jobruns_reply_settled(reply, &attempt, &run_key, &log);
    (void) ngx_http_jobruns_reply_settled(reply, NULL, &run_key, &log);
    (void) ngx_http_jobruns_reply_renewed(reply);
    fuzz_holds(ngx_http_jobruns_reply_replicas(reply) >= 0);

    /* the map is large, and most replies are refused at their first look */

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements
        && reply->element[0]->type == REDIS_REPLY_ARRAY)
    {
        (void) ngx_redis_cluster_map_read(&map, reply);
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        (void) ngx_redis_cluster_map_redirect(reply->str, reply->len,
                                              &redirect);
    }

    no_copies();
}


static void
is_a_header(const ngx_str_t *value)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {
        fuzz_holds(value->data[i] >= 0x20 && value->data[i] != 0x7f);
    }
}


/* ------------------------------------------------------------------- NGINX */

/* freed behind each reply */

void *
ngx_pnalloc(ngx_pool_t *pool, size_t size)
{
    (void) pool;

    fuzz_holds(ncopies < COPIES);

    copies[ncopies] = malloc(size);
    fuzz_holds(copies[ncopies] != NULL);

    return copies[ncopies++];
}


static void
no_copies(void)
{
    while (ncopies) {
        free(copies[--ncopies]);
    }
}


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    (void) level;
    (void) log;
    (void) err;
    (void) fmt;
}


/* -------------------------------------------------------------------- ours */

/* where it counts */

static ngx_http_jobruns_block_t   counted;
ngx_http_jobruns_block_t         *ngx_http_jobruns_block = &counted;
ngx_http_jobruns_block_t          ngx_http_jobruns_block_own;

static ngx_time_t                 today = { 1800000000, 0, 0 };
volatile ngx_time_t              *ngx_cached_time = &today;


ngx_http_jobruns_limit_count_t *
ngx_http_jobruns_zone_limit(jr_limit_t *limit)
{
    return &counted.limits[limit->kind];
}


void ngx_cdecl
ngx_http_jobruns_log(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_log_e kind, ngx_uint_t level, const char *fmt, ...)
{
    (void) a;
    (void) kind;
    (void) level;
    (void) fmt;
}


void ngx_cdecl
ngx_http_jobruns_log_redis_failed(ngx_http_jobruns_attempt_t *a,
    const char *fmt, ...)
{
    (void) a;
    (void) fmt;
}


void
ngx_redis_clock(ngx_redis_op_t *op, int64_t ms)
{
    (void) op;
    (void) ms;
}


void
ngx_http_jobruns_overrides_report(ngx_http_jobruns_attempt_t *a,
    ngx_str_t *fields)
{
    u_char  *copy;

    (void) a;

    copy = (u_char *) fuzz_copy(fields->data, fields->len);
    free(copy);
}


ngx_int_t
ngx_http_jobruns_args_attempt(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, const u_char *corrupt)
{
    char  *copy;

    (void) r;
    (void) a;

    copy = fuzz_copy(corrupt, JR_DONE_SUM_LEN);
    free(copy);

    return NGX_OK;
}
