/* SPDX-License-Identifier: BSD-2-Clause
 * The flow: the life of an attempt from the body to its end, in one place.
 *
 * ngx_http_jobruns_flow_step() is the life: what has ended in each state, and
 * what is begun next.  An operation returns what it has come to, or NGX_AGAIN:
 * then the attempt is parked, and the operation's end hands the same result to
 * ngx_http_jobruns_flow_wake(), from the event loop and never from inside the
 * call that began it.  Operations set results in the attempt; they know
 * nothing of each other, nor of what comes next.
 *
 * While an attempt is parked, only ngx_http_jobruns_flow_wake() moves it.  An
 * operation that is asked again is still the same suspension.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_admission.h"
#include "ngx_http_jobruns_answer.h"
#include "ngx_http_jobruns_attempt.h"
#include "ngx_http_jobruns_audit.h"
#include "ngx_http_jobruns_body.h"
#include "ngx_http_jobruns_delay.h"
#include "ngx_http_jobruns_delay_slot.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_group.h"
#include "ngx_http_jobruns_lease.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_park.h"
#include "ngx_http_jobruns_room.h"
#include "ngx_http_jobruns_settlement.h"
#include "ngx_http_jobruns_waiters.h"

static ngx_int_t ngx_http_jobruns_flow_step(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_int_t rc);
static ngx_int_t ngx_http_jobruns_flow_checked(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_int_t rc);
static ngx_int_t ngx_http_jobruns_flow_decided(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_flow_delayed(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_int_t rc);
static ngx_int_t ngx_http_jobruns_flow_renewed(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_int_t rc);
static ngx_int_t ngx_http_jobruns_flow_forward(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_flow_note(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_int_t rc);
static ngx_int_t ngx_http_jobruns_flow_gone(ngx_http_request_t *r,
    ngx_int_t rc);
static ngx_int_t ngx_http_jobruns_flow_settled(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


/* what may follow a state, for a build with debugging */
#define TO(state)  (1u << jobruns_st_##state)
#define TO_ANSWER  (TO(noting) | TO(answered))

/* Each state: how its operation suspends the attempt, and as what it is
   counted; ngx_http_jobruns.h says what moves it on. */

static const struct {
    ngx_http_jobruns_parked_e    parked;
    ngx_http_jobruns_stage_e     stage;
    uint32_t                     next;
} ngx_http_jobruns_states[] = {

    [jobruns_st_reading] = { jobruns_parked_not, jobruns_stage_none,
        TO(checking) | TO_ANSWER },
    [jobruns_st_checking] = { jobruns_parked_blocked, jobruns_stage_none,
        TO(admitting) | TO_ANSWER },
    [jobruns_st_admitting] = { jobruns_parked_blocked, jobruns_stage_none,
        TO(waiting) | TO(delayed) | TO(renewing) | TO(recording)
        | TO(forwarding) | TO_ANSWER },
    [jobruns_st_waiting] = { jobruns_parked_watched, jobruns_stage_none,
        TO(admitting) | TO_ANSWER },
    [jobruns_st_delayed] = { jobruns_parked_watched, jobruns_stage_none,
        TO(admitting) | TO(renewing) | TO(recording) | TO(forwarding)
        | TO_ANSWER },
    [jobruns_st_renewing] = { jobruns_parked_blocked, jobruns_stage_none,
        TO(admitting) | TO(recording) | TO(forwarding) | TO_ANSWER },
    [jobruns_st_recording] = { jobruns_parked_blocked, jobruns_stage_none,
        TO(renewing) | TO(forwarding) | TO_ANSWER },
    [jobruns_st_noting] = { jobruns_parked_blocked, jobruns_stage_none,
        TO(answered) },
    [jobruns_st_answered] = { jobruns_parked_not, jobruns_stage_none, 0 },

    [jobruns_st_forwarding] = { jobruns_parked_not, jobruns_stage_forwarding,
        TO(holding) },
    [jobruns_st_holding] = { jobruns_parked_not, jobruns_stage_holding,
        TO(settling) },
    [jobruns_st_settling] = { jobruns_parked_filter, jobruns_stage_holding,
        TO(sealing) | TO(released) },
    [jobruns_st_sealing] = { jobruns_parked_filter, jobruns_stage_holding,
        TO(released) },
    [jobruns_st_released] = { jobruns_parked_not, jobruns_stage_holding,
        TO(sent) },
    [jobruns_st_sent] = { jobruns_parked_not, jobruns_stage_none, 0 }
};


void
ngx_http_jobruns_flow_to(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_state_e state)
{
#if (NGX_DEBUG)

    /* an operation that is asked again stays where it is */

    if (state != a->state
        && !(ngx_http_jobruns_states[a->state].next & (1u << state)))
    {
        ngx_log_error(NGX_LOG_ALERT, a->request->connection->log, 0,
                      "jobruns: an attempt in state %d may not move to %d",
                      a->state, state);
    }

#endif

    a->state = state;

    ngx_http_jobruns_metrics_count_stage(a,
                                        ngx_http_jobruns_states[state].stage);
}


void
ngx_http_jobruns_flow_on_body(ngx_http_request_t *r)
{
    ngx_http_jobruns_ctx_t  *ctx;

    ctx = ngx_http_jobruns_attempt_get_ctx(r);

    (void) ngx_http_jobruns_flow_step(r, ctx->attempt, NGX_OK);
}


/*
 * What the operation of a->state has come to is rc.  Goes on until another is
 * under way (NGX_AGAIN, parked), or the request is NGINX's or gone (NGX_DONE).
 * Inside the filters it ends in "released": NGX_OK, the answer may be sent;
 * NGX_ERROR, there is none.
 */

static ngx_int_t
ngx_http_jobruns_flow_step(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_int_t rc)
{
    while (rc != NGX_AGAIN && rc != NGX_DONE) {

        switch (a->state) {

        case jobruns_st_reading:
            ngx_http_jobruns_flow_to(a, jobruns_st_checking);
            rc = ngx_http_jobruns_body_check(r, a);
            break;

        case jobruns_st_checking:
            rc = ngx_http_jobruns_flow_checked(r, a, rc);
            break;

        case jobruns_st_admitting:
            rc = ngx_http_jobruns_flow_decided(r, a);
            break;

        case jobruns_st_waiting:

            if (rc == NGX_OK) {
                ngx_http_jobruns_flow_to(a, jobruns_st_admitting);
                rc = ngx_http_jobruns_admission_ask(r, a);

            } else {
                rc = ngx_http_jobruns_flow_decided(r, a);
            }

            break;

        case jobruns_st_delayed:
            rc = ngx_http_jobruns_flow_delayed(r, a, rc);
            break;

        case jobruns_st_renewing:
            rc = ngx_http_jobruns_flow_renewed(r, a, rc);
            break;

        case jobruns_st_recording:
            /* in time or late, the disk may take long: forward() looks */

            rc = rc == NGX_OK || !a->conf->audit_required
                 ? ngx_http_jobruns_flow_forward(r, a)
                 : ngx_http_jobruns_flow_note(r, a,
                                   ngx_http_jobruns_answer_unrecorded(r, a));
            break;

        case jobruns_st_noting:

            /* in the file or not: a refusal or a replay needs no record to be
               true */

            ngx_http_jobruns_flow_to(a, jobruns_st_answered);
            ngx_http_jobruns_answer_send(r, &a->response.body);
            rc = NGX_DONE;
            break;

        case jobruns_st_settling:
            rc = ngx_http_jobruns_flow_settled(r, a);
            break;

        case jobruns_st_sealing:

            /* in the file or not: the job run exists, and its client is
               told */

            ngx_http_jobruns_flow_to(a, jobruns_st_released);
            rc = NGX_OK;
            break;

        default:
            return rc;
        }
    }

    if (rc == NGX_AGAIN) {
        ngx_http_jobruns_park(r, ngx_http_jobruns_states[a->state].parked);
    }

    return rc;
}


static ngx_int_t
ngx_http_jobruns_flow_checked(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_int_t rc)
{
    if (r->connection->error) {
        /* the stream was reset: nothing is claimed for nobody */
        return ngx_http_jobruns_flow_gone(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_jobruns_body_take(r, a);
    }

    if (rc == NGX_OK) {
        ngx_http_jobruns_flow_to(a, jobruns_st_admitting);
        rc = ngx_http_jobruns_admission_begin(r, a);

        return rc != NGX_ERROR ? rc
               : ngx_http_jobruns_flow_gone(r,
                                           NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    return ngx_http_jobruns_flow_note(r, a, rc == NGX_DECLINED ? NGX_OK : rc);
}


/* the attempt has its verdict, of Redis or as one of its group */

static ngx_int_t
ngx_http_jobruns_flow_decided(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t  rc;

    a->times.decided = ngx_current_msec;

    ngx_http_jobruns_waiters_decided(a);

    rc = ngx_http_jobruns_delay_begin(a);

    if (rc == NGX_AGAIN) {
        ngx_http_jobruns_flow_to(a, jobruns_st_delayed);
        return rc;
    }

    ngx_http_jobruns_delay_end(a, 0);

    switch (a->verdict) {

    case jobruns_verdict_forward:
        return ngx_http_jobruns_flow_forward(r, a);

    case jobruns_verdict_unavailable:

        if (ngx_http_jobruns_admission_allowed(a)) {
            return ngx_http_jobruns_flow_forward(r, a);
        }

        break;

    case jobruns_verdict_running:
        ngx_http_jobruns_flow_to(a, jobruns_st_waiting);

        rc = ngx_http_jobruns_waiters_wait(a);

        if (rc == NGX_AGAIN) {
            return rc;
        }

        break;

    default:
        break;
    }

    return ngx_http_jobruns_flow_note(r, a,
                                      ngx_http_jobruns_answer_verdict(r, a));
}


static ngx_int_t
ngx_http_jobruns_flow_delayed(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_int_t rc)
{
    switch (ngx_http_jobruns_delay_over(a, rc)) {

    case NGX_OK:
        return ngx_http_jobruns_flow_forward(r, a);

    case NGX_AGAIN:
        ngx_http_jobruns_flow_to(a, jobruns_st_admitting);
        return ngx_http_jobruns_admission_ask(r, a);

    case NGX_BUSY:
        ngx_http_jobruns_flow_to(a, jobruns_st_renewing);
        return ngx_http_jobruns_lease_renew(a);

    default:
        return ngx_http_jobruns_flow_note(r, a,
                                      ngx_http_jobruns_answer_verdict(r, a));
    }
}


static ngx_int_t
ngx_http_jobruns_flow_renewed(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_int_t rc)
{
    switch (rc) {

    case NGX_OK:
        return ngx_http_jobruns_flow_forward(r, a);

    case NGX_DECLINED:
        ngx_http_jobruns_log(a, jobruns_log_late, NGX_LOG_WARN,
                             "held up for more than half the lease, and the "
                             "claim is lost: asking for it again; look for "
                             "what holds up this worker or its disk");

        /* what became of the token meanwhile decides: a replay, waiting, or
           a claim of our own again */

        ngx_http_jobruns_flow_to(a, jobruns_st_admitting);
        return ngx_http_jobruns_admission_ask(r, a);

    default:
        a->verdict = jobruns_verdict_unavailable;

        return ngx_http_jobruns_flow_note(r, a,
                                      ngx_http_jobruns_answer_verdict(r, a));
    }
}


/*
 * Lets the request go on to the content handler.  One that was held up for
 * more than half its lease since it asked renews first: another attempt may
 * have taken over, and must not find a second one on its way.  The disk that
 * the audit record goes to may be what holds it up.
 */

static ngx_int_t
ngx_http_jobruns_flow_forward(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    if (r->connection->error) {
        /* a client of HTTP/2 that left while the attempt was parked, of which
           its stream has no other sign; settled as unsent */

        return ngx_http_jobruns_flow_gone(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
    }

    if (ngx_http_jobruns_lease_is_late(a)) {
        ngx_http_jobruns_flow_to(a, jobruns_st_renewing);
        return ngx_http_jobruns_lease_renew(a);
    }

    if (a->audit.recorded == jobruns_recorded_none && a->conf->audit != NULL) {
        ngx_http_jobruns_flow_to(a, jobruns_st_recording);
        return ngx_http_jobruns_audit_begin(a, ngx_http_jobruns_flow_wake);
    }

    ngx_http_jobruns_flow_to(a, jobruns_st_forwarding);

    a->times.forwarded = ngx_current_msec;
    a->held.http_version = r->http_version;

    if (a->claimed) {
        ngx_http_jobruns_lease_keep(a);
    }

    /* back into the phase we left; the handler declines in this state */

    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);

    return NGX_DONE;
}


ngx_int_t
ngx_http_jobruns_flow_refuse(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, jr_outcome_e outcome, ngx_uint_t status,
    const char *code, ngx_str_t *message)
{
    ngx_int_t  rc;

    if (a->state == jobruns_st_forwarding) {
        /* our own filter holds this, settles, and words the answer */

        r->headers_out.status = status;
        r->headers_out.content_length_n = 0;

        ngx_http_jobruns_answer_send(r, &a->response.body);
        return NGX_DONE;
    }

    rc = ngx_http_jobruns_answer_refuse(r, a, outcome, status, code, message);

    (void) ngx_http_jobruns_flow_step(r, a,
                                      ngx_http_jobruns_flow_note(r, a, rc));

    return NGX_DONE;
}


/* an answer of our own is made, or rc says that it could not be: records it */

static ngx_int_t
ngx_http_jobruns_flow_note(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_int_t rc)
{
    if (rc != NGX_OK) {
        return ngx_http_jobruns_flow_gone(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    ngx_http_jobruns_flow_to(a, jobruns_st_noting);

    return ngx_http_jobruns_audit_end(a, ngx_http_jobruns_flow_wake);
}


static ngx_int_t
ngx_http_jobruns_flow_gone(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


ngx_int_t
ngx_http_jobruns_flow_settle(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t  rc;

    ngx_http_jobruns_lease_drop(a);

    a->times.answered = ngx_current_msec;
    ngx_http_jobruns_flow_to(a, jobruns_st_settling);

    /* a creation that Redis could not protect when it was admitted: its
       retries may find it all the same */

    if (a->admission.unprotected && a->call.token.data != NULL
        && a->outcome == JR_OUTCOME_CREATED)
    {
        a->claimed = 1;
    }

    rc = a->claimed ? ngx_http_jobruns_settlement_begin(a) : NGX_OK;

    /* parked, the request stays alive: ngx_http_finalize_request() sets
       ngx_http_writer(), which comes back to our body filter */

    rc = ngx_http_jobruns_flow_step(r, a, rc);

    if (rc != NGX_AGAIN) {
        r->connection->write->delayed = 0;
    }

    return rc;
}


/* the record is written before the client learns what it says */

static ngx_int_t
ngx_http_jobruns_flow_settled(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t  rc;

    rc = ngx_http_jobruns_answer_choose(r, a);

    /* nobody gets the answer where NGINX has terminated the request
       meanwhile */

    if (rc != NGX_OK || r->connection->error) {
        ngx_http_jobruns_flow_to(a, jobruns_st_released);
        return rc;
    }

    ngx_http_jobruns_flow_to(a, jobruns_st_sealing);

    return ngx_http_jobruns_audit_end(a, ngx_http_jobruns_flow_wake);
}


void
ngx_http_jobruns_flow_unclaimed(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_settled_e settled)
{
    ngx_http_jobruns_group_settled(s, settled);
    ngx_http_jobruns_delay_slot_settled(s, settled);
}


/* the end of every request: what is still unwritten, and letting go */

ngx_int_t
ngx_http_jobruns_flow_log_handler(ngx_http_request_t *r)
{
    ngx_http_jobruns_ctx_t      *ctx;
    ngx_http_jobruns_attempt_t  *a;

    /* a redirect may have cleared r->ctx since: timers are to be let go */

    ctx = (r == r->main) ? ngx_http_jobruns_attempt_get_ctx(r) : NULL;

    if (ctx == NULL || ctx->attempt == NULL) {
        return NGX_OK;
    }

    a = ctx->attempt;

    ngx_http_jobruns_waiters_leave(a);
    ngx_http_jobruns_delay_end(a, 1);
    ngx_http_jobruns_lease_drop(a);
    ngx_http_jobruns_room_give(&a->held.room);
    ngx_http_jobruns_metrics_count_stage(a, jobruns_stage_none);

    ngx_http_jobruns_attempt_outcome(r, a);

    if (a->claimed) {
        ngx_http_jobruns_settlement_detached(a);
    }

    if (a->response.status == 0) {
        a->response.status = r->headers_out.status;
    }

    (void) ngx_http_jobruns_audit_end(a, NULL);

    return NGX_OK;
}


void
ngx_http_jobruns_flow_wake(ngx_http_jobruns_attempt_t *a, ngx_int_t rc)
{
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_jobruns_parked_e   parked;

    r = a->request;
    c = r->connection;
    parked = ngx_http_jobruns_states[a->state].parked;

    ngx_http_set_log_request(c->log, r);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "jobruns: wake in state %d: %i", a->state, rc);

    if (ngx_http_jobruns_park_end(r, parked) == NGX_ABORT) {
        /* terminated: by NGINX's finalizer */
        r->write_event_handler(r);

    } else {
        rc = ngx_http_jobruns_flow_step(r, a, rc);

        if (parked == jobruns_parked_filter && rc != NGX_AGAIN) {
            ngx_http_jobruns_park_release(r, rc, a->held.overflow != NULL);
        }
    }

    /* r and a may be gone */
    ngx_http_run_posted_requests(c);
}
