/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The lease of an attempt: renewed every third of it for as long as the
 * attempt is forwarded, so that a slow service never loses its claim and a
 * dead worker's frees itself.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_args.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_lease.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_reply.h"

#include "jr_script.h"


static ngx_int_t ngx_http_jobruns_lease_send(ngx_http_jobruns_attempt_t *a,
    ngx_redis_handler_pt handler);
static void ngx_http_jobruns_lease_on_due(ngx_event_t *ev);
static void ngx_http_jobruns_lease_on_kept(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_http_jobruns_lease_on_renewed(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);


void
ngx_http_jobruns_lease_keep(ngx_http_jobruns_attempt_t *a)
{
    ngx_memzero(&a->timer, sizeof(ngx_event_t));

    a->timer.handler = ngx_http_jobruns_lease_on_due;
    a->timer.data = a;
    a->timer.log = a->request->connection->log;

    ngx_add_timer(&a->timer, a->conf->retry_lease / 3);
}


void
ngx_http_jobruns_lease_drop(ngx_http_jobruns_attempt_t *a)
{
    if (a->timer.timer_set) {
        ngx_del_timer(&a->timer);
    }

    if (a->lease.op.active) {
        ngx_redis_op_cancel(&a->lease.op);
    }
}


ngx_uint_t
ngx_http_jobruns_lease_is_late(ngx_http_jobruns_attempt_t *a)
{
    if (a->admission.unprotected) {
        return 0;
    }

    /* the time NGINX keeps is that of the event loop's last wait: other
       events of this turn may have taken long since */

    ngx_time_update();

    return ngx_current_msec - a->admission.asked > a->conf->retry_lease / 2;
}


ngx_int_t
ngx_http_jobruns_lease_renew(ngx_http_jobruns_attempt_t *a)
{
    a->admission.asked = ngx_current_msec;

    if (ngx_http_jobruns_lease_send(a, ngx_http_jobruns_lease_on_renewed)
        == NGX_OK)
    {
        return NGX_AGAIN;
    }

    ngx_http_jobruns_log_redis_failed(a, "the lease could not be renewed: not "
                                      "asked");

    return NGX_ERROR;
}


static void
ngx_http_jobruns_lease_on_renewed(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply)
{
    ngx_int_t                    rc;
    ngx_http_jobruns_attempt_t  *a;

    a = op->data;

    rc = (status == ngx_redis_ok) ? ngx_http_jobruns_reply_renewed(reply)
                                  : NGX_ERROR;

    if (rc == NGX_ERROR) {
        ngx_http_jobruns_log_redis_failed(a, "the lease could not be renewed: "
                                          "%s",
                                          status == ngx_redis_ok
                                          ? "an unexpected reply"
                                          : ngx_redis_stats_text(status));
    }

    ngx_http_jobruns_flow_wake(a, rc);
}


/* one renewal now; returns as ngx_redis_op_submit() */

static ngx_int_t
ngx_http_jobruns_lease_send(ngx_http_jobruns_attempt_t *a,
    ngx_redis_handler_pt handler)
{
    jr_str_t                       owner;
    ngx_str_t                     *argv;
    ngx_uint_t                     n;
    ngx_http_request_t            *r;
    ngx_http_jobruns_main_conf_t  *jmcf;

    r = a->request;
    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

    /* the limits and the record, without the overrides; the client copies */

    n = a->args.nkeys - JR_ADMIT_KEY_LIMITS;

    argv = ngx_palloc(r->pool, (n + JR_RENEW_LAST) * sizeof(ngx_str_t));
    if (argv == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(argv, a->args.keys + JR_ADMIT_KEY_LIMITS,
               n * sizeof(ngx_str_t));

    owner = ngx_http_jobruns_args_owner(a);

    argv[n + JR_RENEW_SHARED] = a->args.shared;
    argv[n + JR_RENEW_OWNER].data = (u_char *) owner.data;
    argv[n + JR_RENEW_OWNER].len = owner.len;

    a->lease.op.handler = handler;
    a->lease.op.data = a;
    a->lease.op.log = r->connection->log;
    a->lease.asked = ngx_current_msec;

    return ngx_redis_op_eval(a->conf->server, &a->lease.op, &jmcf->renew, n,
                             n + JR_RENEW_LAST, argv);
}


static void
ngx_http_jobruns_lease_on_due(ngx_event_t *ev)
{
    ngx_http_jobruns_attempt_t  *a;

    a = ev->data;

    /* one that fails is tried again when the next is due: two more fit into
       the lease */

    if (!a->lease.op.active) {
        (void) ngx_http_jobruns_lease_send(a, ngx_http_jobruns_lease_on_kept);
    }

    ngx_add_timer(&a->timer, a->conf->retry_lease / 3);
}


static void
ngx_http_jobruns_lease_on_kept(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply)
{
    ngx_int_t                    rc;
    ngx_http_jobruns_attempt_t  *a;

    a = op->data;

    rc = (status == ngx_redis_ok) ? ngx_http_jobruns_reply_renewed(reply)
                                  : NGX_ERROR;

    if (rc == NGX_OK) {
        a->admission.asked = a->lease.asked;
    }

    if (rc != NGX_DECLINED) {
        return;
    }

    a->lease.lost = 1;

    if (a->timer.timer_set) {
        ngx_del_timer(&a->timer);
    }

    if (a->state == jobruns_st_delayed) {
        /* nothing is forwarded: it asks anew when it is its turn */
        return;
    }

    ngx_http_jobruns_log(a, jobruns_log_fenced, NGX_LOG_WARN,
                         "the lease of a forwarded attempt is lost to "
                         "another one; the first 2xx response is stored; "
                         "find out what prevented this worker from renewing "
                         "it");
}
