/*
 * Admission: asking Redis for the token and the limits in one call, and
 * letting the request go on to the content handler.
 *
 * While Redis is asked the attempt is parked (ngx_http_jobruns_flow.c).
 * Behind an attempt that is still running it waits: ngx_http_jobruns_waiters.c
 * says when it asks again.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_admission.h"
#include "ngx_http_jobruns_args.h"
#include "ngx_http_jobruns_answer.h"
#include "ngx_http_jobruns_audit.h"
#include "ngx_http_jobruns_audit_file.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_lease.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_metrics.h"
#include "ngx_http_jobruns_replicas.h"
#include "ngx_http_jobruns_reply.h"
#include "ngx_http_jobruns_reply_verdict.h"
#include "ngx_http_jobruns_waiters.h"

#include "jr_script.h"


static void ngx_http_jobruns_ask(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_on_admitted(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static ngx_int_t ngx_http_jobruns_ask_again(ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_decided(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_unavailable(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_waited(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_forward(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_uint_t ngx_http_jobruns_late(ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_renew_late(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_recorded(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_unrecorded(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_on_late(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_http_jobruns_renewed(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


void
ngx_http_jobruns_admit(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    if (ngx_http_jobruns_args_build(r, a) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    a->asked_at = ngx_current_msec;
    a->wait_until = ngx_current_msec + a->conf->retry_wait;

    ngx_http_jobruns_ask(r, a);
}


static void
ngx_http_jobruns_ask(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t                      rc;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

    ngx_http_jobruns_flow_to(a, jobruns_st_admitting);
    a->verdict = jobruns_verdict_none;
    a->admit_time = ngx_current_msec;
    a->late = 0;

    a->op.handler = ngx_http_jobruns_on_admitted;
    a->op.data = a;
    a->op.log = r->connection->log;
    a->op.stamp = a->nkeys + JR_ADMIT_DEADLINE;

    a->op.sheds = 1;
    a->reached = 0;

    rc = ngx_redis_op_eval(a->conf->admission, &a->op, &jmcf->admit, a->nkeys,
                           a->argc, a->argv);

    if (rc == NGX_OK) {
        ngx_http_jobruns_park(a, ngx_http_jobruns_decided);
        return;
    }

    a->reached = (rc == NGX_BUSY || a->op.denied);

    ngx_http_jobruns_redis_failed(a, a->op.denied
                                  ? "it refuses this gateway: not asked"
                                  : rc == NGX_BUSY
                                  ? "behind with older operations: not asked"
                                  : rc == NGX_DECLINED
                                  ? "out of reach a moment ago, or too slow: "
                                    "not asked"
                                  : "not asked: no memory");

    a->verdict = jobruns_verdict_unavailable;

    ngx_http_jobruns_decided(r, a);
}


static void
ngx_http_jobruns_on_admitted(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    ngx_http_jobruns_attempt_t  *a;

    a = op->data;

    ngx_http_set_log_request(a->request->connection->log, a->request);

    if (a->group == NULL) {
        ngx_http_jobruns_observe(jobruns_time_admission, a->admit_time);
    }

    if (status == ngx_redis_ok) {
        ngx_http_jobruns_reply_verdict(a, reply);

        if (a->mistrusted) {
            a->mistrusted = 0;

            if (ngx_http_jobruns_ask_again(a) == NGX_OK) {
                return;
            }
        }

        if (a->verdict == jobruns_verdict_late) {
            /* Redis has told its clock meanwhile: once more, by that */

            if (!a->late) {
                a->late = 1;

                if (ngx_http_jobruns_ask_again(a) == NGX_OK) {
                    return;
                }
            }

            ngx_http_jobruns_redis_failed(a, "an admission came to Redis "
                                          "behind its timeout");
            a->verdict = jobruns_verdict_unavailable;
            a->reached = 1;
        }

        if (ngx_http_jobruns_replicas_await(a) == NGX_OK) {
            return;
        }

    } else {
        ngx_http_jobruns_log(a, jobruns_log_no_reply, NGX_LOG_ERR,
                             "admission got no reply from Redis \"%V\": %s; "
                             "check that it runs and can be reached",
                             &a->conf->redis->address,
                             ngx_redis_stats_text(status));

        ngx_http_jobruns_redis_failed(a, "no reply to an admission: %s",
                                      ngx_redis_stats_text(status));

        a->verdict = jobruns_verdict_unavailable;
        a->reached = op->denied;

        if (op->sent) {
            /* Redis may have admitted us; asking again with the same owner
               returns the recorded verdict, and writes the lease: so a WAIT
               behind it tells of the claim, too */

            a->claimed = 1;
            a->lost = ngx_max(a->lost, op->expires);

            if (!a->asked_again
                && ngx_http_jobruns_ask_again(a) == NGX_OK)
            {
                a->asked_again = 1;
                return;
            }
        }
    }

    ngx_http_jobruns_wake(a);
}


/* within the same suspension; the verdict stays where it cannot be asked */

static ngx_int_t
ngx_http_jobruns_ask_again(ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t                      rc;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_get_module_main_conf(a->request, ngx_http_jobruns_module);

    if (a->request->connection->error) {
        return NGX_DECLINED;
    }

    rc = ngx_redis_op_eval(a->conf->admission, &a->op, &jmcf->admit, a->nkeys,
                           a->argc, a->argv);

    if (rc != NGX_OK) {
        a->reached = (rc == NGX_BUSY || a->op.denied);
        return NGX_DECLINED;
    }

    a->verdict = jobruns_verdict_none;

    return NGX_OK;
}


static void
ngx_http_jobruns_decided(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    a->decided_at = ngx_current_msec;

    ngx_http_jobruns_wait_decided(a);

    switch (a->verdict) {

    case jobruns_verdict_forward:
        ngx_http_jobruns_forward(r, a);
        return;

    case jobruns_verdict_unavailable:
    case jobruns_verdict_damaged:
        ngx_http_jobruns_unavailable(r, a);
        return;

    case jobruns_verdict_running:

        if (ngx_http_jobruns_wait(a, ngx_http_jobruns_waited) == NGX_OK) {
            return;
        }

        break;

    default:
        break;
    }

    ngx_http_jobruns_answer_verdict(r, a);
}


static void
ngx_http_jobruns_waited(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    if (a->verdict == jobruns_verdict_none) {
        ngx_http_jobruns_ask(r, a);

    } else {
        ngx_http_jobruns_decided(r, a);
    }
}


/* jobruns_redis_failure */

static void
ngx_http_jobruns_unavailable(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    /* an admission whose reply is lost for good is taken back for as long as
       its lease runs (ngx_http_jobruns_attempt_end()) */

    /* a Redis that works protects those it has taken on, of this gateway or
       of others: what it does not admit, since it is behind, without memory,
       or does not know us, is never forwarded without it */

    if (!a->conf->redis_allow || a->reached
        || a->verdict == jobruns_verdict_damaged)
    {
        ngx_http_jobruns_answer_verdict(r, a);
        return;
    }

    ngx_http_jobruns_log(a, jobruns_log_unprotected, NGX_LOG_WARN,
                         "forwarded without protection against a second run, "
                         "since Redis \"%V\" is out of reach and "
                         "jobruns_redis_failure is \"allow\"; audit records "
                         "with \"unprotected\" name all such",
                         &a->conf->redis->address);

    a->unprotected = 1;

    ngx_http_jobruns_forward(r, a);
}


/*
 * Lets the request go on to the content handler.  One that was held up for
 * more than half its lease since it asked renews first: another attempt may
 * have taken over, and must not find a second one on its way.  The disk that
 * the audit record goes to may be what holds it up.
 */

static void
ngx_http_jobruns_forward(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t  rc;

    if (r->connection->error) {
        /* a client of HTTP/2 that left while the attempt was parked, of which
           its stream has no other sign; settled as unsent */

        ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
        return;
    }

    if (ngx_http_jobruns_late(a)) {
        ngx_http_jobruns_renew_late(r, a);
        return;
    }

    if (!a->recorded) {
        a->recorded = 1;

        rc = ngx_http_jobruns_audit_begin(a, ngx_http_jobruns_wake);

        if (rc == NGX_AGAIN) {
            ngx_http_jobruns_flow_to(a, jobruns_st_recording);
            ngx_http_jobruns_park(a, ngx_http_jobruns_recorded);
            return;
        }

        if (rc != NGX_OK && a->conf->audit_required) {
            ngx_http_jobruns_unrecorded(r, a);
            return;
        }
    }

    if (ngx_http_jobruns_late(a)) {
        ngx_http_jobruns_renew_late(r, a);
        return;
    }

    ngx_http_jobruns_flow_to(a, jobruns_st_forwarding);
    ngx_http_jobruns_count_stage(a, jobruns_stage_forwarding);
    a->forwarded = 1;
    a->forwarded_at = ngx_current_msec;
    a->http_version = r->http_version;

    if (a->claimed) {
        ngx_http_jobruns_lease_keep(a);
    }

    /* back into the phase we left; the handler declines in this state */

    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


static ngx_uint_t
ngx_http_jobruns_late(ngx_http_jobruns_attempt_t *a)
{
    if (a->unprotected) {
        return 0;
    }

    /* the time NGINX keeps is that of the event loop's last wait: other
       events of this turn may have taken long since */

    ngx_time_update();

    return ngx_current_msec - a->admit_time > a->conf->retry_lease / 2;
}


static void
ngx_http_jobruns_renew_late(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_flow_to(a, jobruns_st_renewing);
    a->admit_time = ngx_current_msec;

    if (ngx_http_jobruns_lease_renew(a, ngx_http_jobruns_on_late) == NGX_OK) {
        ngx_http_jobruns_park(a, ngx_http_jobruns_renewed);
        return;
    }

    ngx_http_jobruns_redis_failed(a, "the lease could not be renewed: not "
                                  "asked");

    a->verdict = jobruns_verdict_unavailable;
    ngx_http_jobruns_answer_verdict(r, a);
}


static void
ngx_http_jobruns_recorded(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    if (a->record.rc != NGX_OK && a->conf->audit_required) {
        ngx_http_jobruns_unrecorded(r, a);

    } else {
        /* the disk may have taken long */
        ngx_http_jobruns_forward(r, a);
    }
}


/* jobruns_audit_required */

static void
ngx_http_jobruns_unrecorded(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    static ngx_str_t  message = ngx_string("The gateway cannot write its "
                                    "audit record; nothing was forwarded.");

    ngx_http_jobruns_log(a, jobruns_log_unrecorded, NGX_LOG_ERR,
                         "refused with 503, since jobruns_audit_required is "
                         "on and its record is not in the audit file \"%V\": "
                         "%V", &a->conf->audit->file->name, &a->audit_error);

    ngx_http_jobruns_refuse(r, a, JR_OUTCOME_UNAVAILABLE,
                            NGX_HTTP_SERVICE_UNAVAILABLE, NULL, &message);
}


static void
ngx_http_jobruns_on_late(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    ngx_http_jobruns_attempt_t  *a;

    a = op->data;

    a->renewed = (status == ngx_redis_ok)
                 ? ngx_http_jobruns_reply_renewed(reply) : NGX_ERROR;

    if (a->renewed == NGX_ERROR) {
        ngx_http_jobruns_redis_failed(a, "the lease could not be renewed: %s",
                                      status == ngx_redis_ok
                                      ? "an unexpected reply"
                                      : ngx_redis_stats_text(status));
    }

    ngx_http_jobruns_wake(a);
}


static void
ngx_http_jobruns_renewed(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    if (a->renewed == NGX_OK) {
        ngx_http_jobruns_forward(r, a);

    } else if (a->renewed == NGX_DECLINED) {
        ngx_http_jobruns_log(a, jobruns_log_late, NGX_LOG_WARN,
                             "held up for more than half the lease, and the "
                             "claim is lost: asking for it again; look for "
                             "what holds up this worker or its disk");

        /* what became of the token meanwhile decides: a replay, waiting, or
           a claim of our own again */

        ngx_http_jobruns_ask(r, a);

    } else {
        a->verdict = jobruns_verdict_unavailable;
        ngx_http_jobruns_answer_verdict(r, a);
    }
}
