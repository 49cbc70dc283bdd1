/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Admission: asking Redis for the token and the limits in one call, and, with
 * jobruns_redis_replicas, waiting until the claim is on so many replicas.
 *
 * One suspension of the attempt (ngx_http_jobruns_flow.c) lasts until the
 * verdict is known, however often Redis is asked for it: again where a reply
 * is lost, where the admission came behind its deadline, and where the stored
 * answer is corrupt.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_admission.h"
#include "ngx_http_jobruns_args.h"
#include "ngx_http_jobruns_batch.h"
#include "ngx_http_jobruns_delay.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_reply.h"
#include "ngx_http_jobruns_reply_verdict.h"

#include "jr_script.h"


static void ngx_http_jobruns_admission_unasked(
    ngx_http_jobruns_attempt_t *a, ngx_int_t rc);
static void ngx_http_jobruns_admission_on_reply(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static ngx_int_t ngx_http_jobruns_admission_read(
    ngx_http_jobruns_attempt_t *a, redisReply *reply);
static ngx_int_t ngx_http_jobruns_admission_lost(
    ngx_http_jobruns_attempt_t *a, ngx_redis_status_e status);
static ngx_int_t ngx_http_jobruns_admission_again(
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_admission_await(
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_admission_on_replicated(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_http_jobruns_admission_unreplicated(
    ngx_http_jobruns_attempt_t *a, const char *what);


ngx_int_t
ngx_http_jobruns_admission_begin(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    if (ngx_http_jobruns_args_build(r, a) != NGX_OK) {
        return NGX_ERROR;
    }

    a->times.asked = ngx_current_msec;
    a->waiting.until = ngx_current_msec + a->conf->retry_wait;

    return ngx_http_jobruns_admission_ask(r, a);
}


ngx_int_t
ngx_http_jobruns_admission_ask(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t                       rc;
    ngx_http_jobruns_main_conf_t   *jmcf;
    ngx_http_jobruns_batch_call_t  *call;

    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

    ngx_http_jobruns_delay_args(a);

    a->verdict = jobruns_verdict_none;
    a->admission.asked = ngx_current_msec;
    a->admission.late = 0;
    a->admission.reached = 0;
    a->lease.lost = 0;

    call = &a->admission.call;

    call->op.data = a;
    call->op.log = r->connection->log;
    call->op.sheds = 1;

    call->handler = ngx_http_jobruns_admission_on_reply;
    call->server = a->conf->admission;
    call->script = &jmcf->admit;
    call->nkeys = a->args.nkeys;
    call->argc = a->args.argc;
    call->argv = a->args.argv;
    call->tag = ngx_http_jobruns_args_tag(a);
    call->stamp = a->args.nkeys + JR_ADMIT_DEADLINE;

    /* one that has waited asks for a group, or in its own turn */

    rc = a->waiting.group == NULL && a->delayed.wait == NULL
         ? ngx_http_jobruns_batch_call(call)
         : ngx_http_jobruns_batch_alone(call);

    if (rc == NGX_OK) {
        return NGX_AGAIN;
    }

    ngx_http_jobruns_admission_unasked(a, rc);

    return NGX_OK;
}


/* it was not sent, for what ngx_redis_op_eval() has returned */

static void
ngx_http_jobruns_admission_unasked(ngx_http_jobruns_attempt_t *a,
    ngx_int_t rc)
{
    a->admission.reached = (rc == NGX_BUSY || a->admission.call.op.denied);

    ngx_http_jobruns_log_redis_failed(a, a->admission.call.op.denied
                                      ? "it refuses this gateway: not asked"
                                      : rc == NGX_BUSY
                                      ? "behind with older operations: not "
                                        "asked"
                                      : rc == NGX_DECLINED
                                      ? "out of reach a moment ago, or too "
                                        "slow: not asked"
                                      : "not asked: no memory");

    a->verdict = jobruns_verdict_unavailable;
}


static void
ngx_http_jobruns_admission_on_reply(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply)
{
    ngx_int_t                    rc;
    ngx_http_jobruns_attempt_t  *a;

    a = op->data;

    ngx_http_set_log_request(a->request->connection->log, a->request);

    if (a->admission.call.refused != NGX_OK) {
        ngx_http_jobruns_admission_unasked(a, a->admission.call.refused);
        ngx_http_jobruns_flow_wake(a, NGX_OK);
        return;
    }

    if (a->waiting.group == NULL) {
        ngx_http_jobruns_metrics_observe(jobruns_time_admission,
                                         a->admission.asked);
    }

    rc = (status == ngx_redis_ok)
         ? ngx_http_jobruns_admission_read(a, reply)
         : ngx_http_jobruns_admission_lost(a, status);

    if (rc != NGX_AGAIN) {
        ngx_http_jobruns_flow_wake(a, NGX_OK);
    }
}


/* NGX_AGAIN: Redis is asked once more, or its replicas are */

static ngx_int_t
ngx_http_jobruns_admission_read(ngx_http_jobruns_attempt_t *a,
    redisReply *reply)
{
    ngx_http_jobruns_reply_verdict(a, reply);

    if (a->verdict == jobruns_verdict_again) {
        a->verdict = jobruns_verdict_damaged;

        if (ngx_http_jobruns_admission_again(a) == NGX_AGAIN) {
            return NGX_AGAIN;
        }
    }

    if (a->verdict == jobruns_verdict_late) {
        /* Redis has told its clock meanwhile: once more, by that */

        if (!a->admission.late) {
            a->admission.late = 1;

            if (ngx_http_jobruns_admission_again(a) == NGX_AGAIN) {
                return NGX_AGAIN;
            }
        }

        ngx_http_jobruns_log_redis_failed(a, "an admission came to Redis "
                                          "behind its timeout");
        a->verdict = jobruns_verdict_unavailable;
        a->admission.reached = 1;
    }

    return ngx_http_jobruns_admission_await(a);
}


static ngx_int_t
ngx_http_jobruns_admission_lost(ngx_http_jobruns_attempt_t *a,
    ngx_redis_status_e status)
{
    ngx_http_jobruns_log(a, jobruns_log_no_reply, NGX_LOG_ERR,
                         "admission got no reply from Redis \"%V\": %s; "
                         "check that it runs and can be reached",
                         &a->conf->redis->address,
                         ngx_redis_stats_text(status));

    ngx_http_jobruns_log_redis_failed(a, "no reply to an admission: %s",
                                      ngx_redis_stats_text(status));

    a->verdict = jobruns_verdict_unavailable;
    a->admission.reached = a->admission.call.op.denied;

    if (!a->admission.call.op.sent) {
        return NGX_OK;
    }

    /* Redis may have admitted us; asking again with the same owner returns
       the recorded verdict, and writes the lease: so a WAIT behind it tells of
       the claim, too */

    a->claimed = 1;
    a->admission.lost = ngx_max(a->admission.lost,
                                a->admission.call.op.expires);

    if (a->admission.again
        || ngx_http_jobruns_admission_again(a) != NGX_AGAIN)
    {
        return NGX_OK;
    }

    a->admission.again = 1;

    return NGX_AGAIN;
}


/* within the same suspension, alone; the verdict stays where it cannot be
   asked */

static ngx_int_t
ngx_http_jobruns_admission_again(ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t  rc;

    if (a->request->connection->error) {
        return NGX_OK;
    }

    rc = ngx_http_jobruns_batch_alone(&a->admission.call);

    if (rc != NGX_OK) {
        a->admission.reached = (rc == NGX_BUSY || a->admission.call.op.denied);
        return NGX_OK;
    }

    a->verdict = jobruns_verdict_none;

    return NGX_AGAIN;
}


/* jobruns_redis_failure */

ngx_uint_t
ngx_http_jobruns_admission_allowed(ngx_http_jobruns_attempt_t *a)
{
    /* an admission whose reply is lost for good is taken back for as long as
       its lease runs (ngx_http_jobruns_flow_log_handler()) */

    /* a Redis that works protects those it has taken on, of this gateway or
       of others: what it does not admit, since it is behind, without memory,
       or does not know us, is never forwarded without it */

    if (!a->conf->redis_allow || a->admission.reached) {
        return 0;
    }

    ngx_http_jobruns_log(a, jobruns_log_unprotected, NGX_LOG_WARN,
                         "forwarded without protection against a second run, "
                         "since Redis \"%V\" is out of reach and "
                         "jobruns_redis_failure is \"allow\"; audit records "
                         "with \"unprotected\" name all such",
                         &a->conf->redis->address);

    a->admission.unprotected = 1;

    return 1;
}


/*
 * Only a verdict that forwards waits for replicas; replays and refusals tell
 * what is known already.  Where the replicas are too few nothing is forwarded,
 * unless jobruns_redis_failure is "allow": then the claim, which the master
 * has, stays, and protects as long as the master lives.  The WAIT leaves on
 * the connection of the admission, right behind its reply.
 */

static ngx_int_t
ngx_http_jobruns_admission_await(ngx_http_jobruns_attempt_t *a)
{
    if (a->conf->replicas == 0
        || a->verdict != jobruns_verdict_forward
        || a->request->connection->error)
    {
        return NGX_OK;
    }

    a->admission.call.op.handler = ngx_http_jobruns_admission_on_replicated;

    if (ngx_redis_op_await(&a->admission.call.op) == NGX_OK) {
        a->verdict = jobruns_verdict_none;
        return NGX_AGAIN;
    }

    ngx_http_jobruns_admission_unreplicated(a, "no memory to wait for it");

    return NGX_OK;
}


static void
ngx_http_jobruns_admission_on_replicated(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply)
{
    u_char                       text[sizeof("only  replicas have it")
                                      + NGX_INT_T_LEN];
    ngx_int_t                    n;
    ngx_http_jobruns_attempt_t  *a;

    a = op->data;

    ngx_http_set_log_request(a->request->connection->log, a->request);

    a->verdict = jobruns_verdict_forward;

    if (status != ngx_redis_ok) {
        ngx_http_jobruns_admission_unreplicated(a,
                                            ngx_redis_stats_text(status));

    } else {
        n = ngx_http_jobruns_reply_replicas(reply);

        if (n < (ngx_int_t) a->conf->replicas) {
            *ngx_sprintf(text, "only %i replicas have it", n) = '\0';
            ngx_http_jobruns_admission_unreplicated(a, (char *) text);
        }
    }

    ngx_http_jobruns_flow_wake(a, NGX_OK);
}


/* settled as unsent with the request's end, unless it is allowed to go on */

static void
ngx_http_jobruns_admission_unreplicated(ngx_http_jobruns_attempt_t *a,
    const char *what)
{
    ngx_http_jobruns_log(a, jobruns_log_replicas, NGX_LOG_ERR,
                         "the claim of an admission is not on %ui replicas "
                         "of Redis \"%V\": %s; %s; see INFO replication of "
                         "the master", a->conf->replicas,
                         &a->conf->redis->address, what,
                         a->conf->redis_allow
                         ? "forwarded, and protected as long as the master "
                           "lives"
                         : "nothing is forwarded");

    a->admission.unreplicated = 1;

    if (!a->conf->redis_allow) {
        a->verdict = jobruns_verdict_unavailable;
    }
}
