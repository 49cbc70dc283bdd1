/*
 * Admission: asking Redis for the token and the limits in one call, waiting
 * behind an attempt that is still running, and letting the request go on to
 * the content handler.
 *
 * While Redis is asked the request is blocked (r->main->blocked) and goes on
 * only through r->write_event_handler: a request that NGINX terminates
 * meanwhile has ngx_http_request_finalizer() there.  A waiter is not
 * blocked; its client is watched, and leaving ends it at no further cost.
 */

#include "ngx_http_jobruns.h"


/* gaps between polls of a waiter, ms: they grow by half, with jitter */
#define NGX_HTTP_JOBRUNS_GAP_FIRST  5
#define NGX_HTTP_JOBRUNS_GAP_MOST   250


static ngx_int_t ngx_http_jobruns_select_limits(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_build_keys(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_build_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *key, const char *kind,
    jr_str_t name, jr_str_t by);
static ngx_int_t ngx_http_jobruns_build_args(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_number(ngx_http_request_t *r,
    ngx_str_t *arg, int64_t value);
static void ngx_http_jobruns_ask(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_on_admitted(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_http_jobruns_resume(ngx_http_request_t *r);
static void ngx_http_jobruns_unavailable(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_wait(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_wait_end(ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_on_poll(ngx_event_t *ev);
static void ngx_http_jobruns_forward(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_send_on(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_renew(ngx_http_jobruns_attempt_t *a,
    ngx_redis_handler_pt handler);
static void ngx_http_jobruns_on_late(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_http_jobruns_on_renewal_due(ngx_event_t *ev);
static void ngx_http_jobruns_on_renewed(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);


void
ngx_http_jobruns_admit(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    if (ngx_http_jobruns_select_limits(r, a) != NGX_OK
        || ngx_http_jobruns_build_keys(r, a) != NGX_OK
        || ngx_http_jobruns_build_args(r, a) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    a->wait_until = ngx_current_msec + a->conf->retry_wait;

    ngx_http_jobruns_ask(r, a);
}


/* the limits that count this request: an empty key skips one, as in
   limit_req */

static ngx_int_t
ngx_http_jobruns_select_limits(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t                  key;
    ngx_uint_t                 i, n;
    ngx_http_jobruns_limit_t  *limit;

    n = a->conf->limits ? a->conf->limits->nelts : 0;

    a->keys = ngx_pcalloc(r->pool, (n + 2) * sizeof(ngx_str_t));
    a->limits = ngx_palloc(r->pool, n * sizeof(jr_limit_t));
    a->states = ngx_palloc(r->pool, n * sizeof(jr_limit_state_t));

    if (a->keys == NULL || (n && (a->limits == NULL || a->states == NULL))) {
        return NGX_ERROR;
    }

    a->nkeys = 2;

    for (i = 0; i < n; i++) {
        limit = (ngx_http_jobruns_limit_t *) a->conf->limits->elts + i;

        if (limit->by == jobruns_key_variable) {
            if (ngx_http_complex_value(r, limit->key, &key) != NGX_OK) {
                return NGX_ERROR;
            }

            if (key.len == 0) {
                continue;
            }

            a->keys[a->nkeys] = key;

        } else if (limit->by == jobruns_key_platform) {
            a->keys[a->nkeys].data = (u_char *) a->path.platform.data;
            a->keys[a->nkeys].len = a->path.platform.len;

        } else if (limit->by == jobruns_key_workspace) {
            a->keys[a->nkeys].data = (u_char *) a->path.workspace.data;
            a->keys[a->nkeys].len = a->path.workspace.len;
        }

        /* by tenant: the tenant is in every key already */

        a->limits[a->nlimits++] = limit->limit;
        a->nkeys++;
    }

    return NGX_OK;
}


/*
 *   <prefix>{<tenant>}:v1:token:<hash>     the record, or
 *   <prefix>{<tenant>}:v1:attempt:<owner>
 *   <prefix>{<tenant>}:limits              overrides
 *   <prefix>{<tenant>}:v1:rate:<name>[:<by>], quota, slots
 *
 * The braces are a Redis Cluster's hash tag: all keys of a call are on one
 * node.
 */

static ngx_int_t
ngx_http_jobruns_build_keys(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    u_char      *buf;
    jr_str_t     by;
    ngx_int_t    rc;
    ngx_uint_t   i;

    static const char *const  kinds[] = { ":v1:rate:", ":v1:quota:",
                                          ":v1:slots:" };

    by.data = NULL;
    by.len = 0;

    if (a->token.data != NULL) {
        rc = ngx_http_jobruns_build_key(r, a, &a->keys[0], ":v1:token:",
                  (jr_str_t) { JR_DIGEST_HEX, (char *) a->token_hash }, by);

    } else {
        rc = ngx_http_jobruns_build_key(r, a, &a->keys[0], ":v1:attempt:",
                  (jr_str_t) { NGX_HTTP_JOBRUNS_OWNER_LEN,
                               (char *) a->owner }, by);
    }

    if (rc != NGX_OK
        || ngx_http_jobruns_build_key(r, a, &a->keys[1], ":limits", by, by)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < a->nlimits; i++) {
        by = ngx_http_jobruns_str(a->keys[i + 2]);

        if (by.len) {
            buf = ngx_pnalloc(r->pool, JR_DIGEST_HEX);

            if (buf == NULL
                || jr_identity_name(by, (char *) buf, &by) != JR_OK)
            {
                return NGX_ERROR;
            }
        }

        if (ngx_http_jobruns_build_key(r, a, &a->keys[i + 2],
                                       kinds[a->limits[i].kind],
                                       a->limits[i].name, by)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_build_key(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *key, const char *kind,
    jr_str_t name, jr_str_t by)
{
    u_char  *p;

    key->len = a->conf->prefix.len + 2 + a->tenant.len + ngx_strlen(kind)
               + name.len + (by.len ? 1 + by.len : 0);

    key->data = ngx_pnalloc(r->pool, key->len);
    if (key->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(key->data, a->conf->prefix.data, a->conf->prefix.len);
    *p++ = '{';
    p = ngx_cpymem(p, a->tenant.data, a->tenant.len);
    *p++ = '}';
    p = ngx_cpymem(p, kind, ngx_strlen(kind));

    if (name.len) {
        p = ngx_cpymem(p, name.data, name.len);
    }

    if (by.len) {
        *p++ = ':';
        ngx_memcpy(p, by.data, by.len);
    }

    return NGX_OK;
}


/* KEYS and ARGV of admit.lua; kept, since a waiter asks again */

static ngx_int_t
ngx_http_jobruns_build_args(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_str_t               *arg;
    ngx_uint_t               i;
    jr_limit_t              *limit;
    ngx_http_jobruns_ctx_t  *ctx;

    static ngx_str_t  kinds[] = { ngx_string("rate"), ngx_string("quota"),
                                  ngx_string("slots") };
    static ngx_str_t  forward = ngx_string("forward");
    static ngx_str_t  refuse = ngx_string("refuse");
    static ngx_str_t  enforce = ngx_string("enforce");
    static ngx_str_t  dry_run = ngx_string("dry_run");
    static ngx_str_t  zero = ngx_string("0");

    ctx = ngx_http_jobruns_get_ctx(r);

    a->argc = a->nkeys + 6 + 6 * a->nlimits;

    a->argv = ngx_pcalloc(r->pool, a->argc * sizeof(ngx_str_t));
    if (a->argv == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(a->argv, a->keys, a->nkeys * sizeof(ngx_str_t));

    arg = a->argv + a->nkeys;

    arg[0].data = a->owner;
    arg[0].len = NGX_HTTP_JOBRUNS_OWNER_LEN;
    arg[1].data = a->fingerprint;
    arg[1].len = NGX_HTTP_JOBRUNS_FINGERPRINT_LEN;
    arg[2] = ctx->request_id;
    arg[5] = a->conf->retry_refuse ? refuse : forward;

    if (ngx_http_jobruns_number(r, &arg[3], a->conf->retry_lease) != NGX_OK
        || ngx_http_jobruns_number(r, &arg[4],
                                   a->token.data ? a->conf->retry_ttl
                                                 : NGX_HTTP_JOBRUNS_TOKENLESS)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < a->nlimits; i++) {
        limit = &a->limits[i];
        arg = a->argv + a->nkeys + 6 + 6 * i;

        arg[0] = kinds[limit->kind];
        arg[1].data = (u_char *) limit->name.data;
        arg[1].len = limit->name.len;
        arg[5] = limit->dry_run ? dry_run : enforce;

        arg[3] = zero;
        arg[4] = zero;

        if (ngx_http_jobruns_number(r, &arg[2], limit->count) != NGX_OK) {
            return NGX_ERROR;
        }

        if (limit->kind == JR_LIMIT_QUOTA) {
            arg[3].data = (u_char *) limit->window.data;
            arg[3].len = limit->window.len;

        } else if (limit->kind == JR_LIMIT_RATE
                   && (ngx_http_jobruns_number(r, &arg[3], limit->period)
                       != NGX_OK
                       || ngx_http_jobruns_number(r, &arg[4], limit->burst)
                          != NGX_OK))
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_number(ngx_http_request_t *r, ngx_str_t *arg, int64_t value)
{
    arg->data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (arg->data == NULL) {
        return NGX_ERROR;
    }

    arg->len = ngx_sprintf(arg->data, "%L", value) - arg->data;

    return NGX_OK;
}


static void
ngx_http_jobruns_ask(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    ngx_int_t                      rc;
    ngx_http_jobruns_main_conf_t  *jmcf;

    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

    a->state = jobruns_st_admitting;
    a->verdict = jobruns_verdict_none;
    a->admit_time = ngx_current_msec;

    a->op.handler = ngx_http_jobruns_on_admitted;
    a->op.data = a;
    a->op.log = r->connection->log;

    /* a client that goes away now is noticed by the content handler, or not
       at all: half an admission helps nobody */

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_jobruns_resume;

    rc = ngx_redis_eval(a->conf->server, &a->op, &jmcf->admit, a->nkeys,
                        a->argc, a->argv);

    if (rc == NGX_OK) {
        r->main->blocked++;
        return;
    }

    a->verdict = jobruns_verdict_unavailable;

    ngx_http_jobruns_resume(r);
}


static void
ngx_http_jobruns_on_admitted(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    ngx_http_request_t            *r;
    ngx_connection_t              *c;
    ngx_http_jobruns_attempt_t    *a;
    ngx_http_jobruns_main_conf_t  *jmcf;

    a = op->data;
    r = a->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (status == ngx_redis_ok) {
        ngx_http_jobruns_read_verdict(a, reply);

    } else {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "jobruns: admission got no reply from Redis \"%V\": %s",
                      &a->conf->redis->address,
                      ngx_redis_status_text(status));

        a->verdict = jobruns_verdict_unavailable;

        if (op->sent) {
            /* Redis may have admitted us; asking again with the same owner
               returns the recorded verdict */

            a->claimed = 1;

            jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

            if (!a->asked_again && !c->error
                && ngx_redis_eval(a->conf->server, op, &jmcf->admit,
                                  a->nkeys, a->argc, a->argv)
                   == NGX_OK)
            {
                a->asked_again = 1;
                return;
            }
        }
    }

    r->main->blocked--;

    /* ours, or NGINX's if it terminated the request meanwhile */

    r->write_event_handler(r);

    ngx_http_run_posted_requests(c);
}


/* also called by spurious write events: only a verdict moves us on */

static void
ngx_http_jobruns_resume(ngx_http_request_t *r)
{
    ngx_http_jobruns_ctx_t      *ctx;
    ngx_http_jobruns_attempt_t  *a;

    ctx = ngx_http_jobruns_get_ctx(r);
    a = ctx->attempt;

    if (a->state != jobruns_st_admitting) {
        return;
    }

    switch (a->verdict) {

    case jobruns_verdict_none:
        return;

    case jobruns_verdict_forward:
        ngx_http_jobruns_wait_end(a);
        ngx_http_jobruns_forward(r, a);
        return;

    case jobruns_verdict_running:
        ngx_http_jobruns_wait(r, a);
        return;

    case jobruns_verdict_unavailable:
    case jobruns_verdict_damaged:
        ngx_http_jobruns_wait_end(a);
        ngx_http_jobruns_unavailable(r, a);
        return;

    default:
        ngx_http_jobruns_wait_end(a);
        ngx_http_jobruns_answer_verdict(r, a);
    }
}


/* jobruns_redis_failure */

static void
ngx_http_jobruns_unavailable(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    /* an admission whose reply is lost for good is taken back for as long as
       its lease runs (ngx_http_jobruns_attempt_end()) */

    if (!a->conf->redis_allow || a->verdict == jobruns_verdict_damaged) {
        ngx_http_jobruns_answer_verdict(r, a);
        return;
    }

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "jobruns: forwarded without protection against a second "
                  "run, since Redis is out of reach and "
                  "jobruns_redis_failure is \"allow\"");

    a->unprotected = 1;

    ngx_http_jobruns_forward(r, a);
}


/* behind an attempt with the same token that is still running */

static void
ngx_http_jobruns_wait(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    ngx_msec_t         gap;
    ngx_msec_int_t     left;
    ngx_connection_t  *c;

    c = r->connection;
    left = (ngx_msec_int_t) (a->wait_until - ngx_current_msec);

    if (left <= 0
        || (!a->waiter
            && ngx_http_jobruns_worker.waiters >= NGX_HTTP_JOBRUNS_WAITERS))
    {
        ngx_http_jobruns_wait_end(a);
        ngx_http_jobruns_answer_verdict(r, a);
        return;
    }

    if (!a->waiter) {
        a->waiter = 1;
        ngx_http_jobruns_worker.waiters++;
        a->gap = NGX_HTTP_JOBRUNS_GAP_FIRST;
    }

    a->state = jobruns_st_waiting;

    gap = a->gap / 2 + ngx_random() % (a->gap / 2 + 1) + 1;
    a->gap = ngx_min(a->gap + a->gap / 2, NGX_HTTP_JOBRUNS_GAP_MOST);

    ngx_memzero(&a->timer, sizeof(ngx_event_t));

    a->timer.handler = ngx_http_jobruns_on_poll;
    a->timer.data = a;
    a->timer.log = c->log;

    ngx_add_timer(&a->timer, ngx_min(gap, (ngx_msec_t) left));

    /* as limit_req does: the client is watched while nothing else happens
       (ngx_http_limit_req_handler()) */

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


static void
ngx_http_jobruns_wait_end(ngx_http_jobruns_attempt_t *a)
{
    if (a->timer.timer_set) {
        ngx_del_timer(&a->timer);
    }

    if (a->waiter) {
        a->waiter = 0;
        ngx_http_jobruns_worker.waiters--;
    }
}


static void
ngx_http_jobruns_on_poll(ngx_event_t *ev)
{
    ngx_connection_t            *c;
    ngx_http_request_t          *r;
    ngx_http_jobruns_attempt_t  *a;

    a = ev->data;
    r = a->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_jobruns_ask(r, a);

    ngx_http_run_posted_requests(c);
}


/*
 * Lets the request go on to the content handler.  One that was held up for
 * more than half its lease since it asked renews first: another attempt may
 * have taken over, and must not find a second one on its way.
 */

static void
ngx_http_jobruns_forward(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    if (!a->unprotected
        && ngx_current_msec - a->admit_time > a->conf->retry_lease / 2)
    {
        a->state = jobruns_st_renewing;
        a->admit_time = ngx_current_msec;

        if (ngx_http_jobruns_renew(a, ngx_http_jobruns_on_late) == NGX_OK) {
            r->main->blocked++;
            return;
        }

        a->verdict = jobruns_verdict_unavailable;
        ngx_http_jobruns_answer_verdict(r, a);
        return;
    }

    ngx_http_jobruns_send_on(r, a);
}


static void
ngx_http_jobruns_on_late(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    ngx_connection_t            *c;
    ngx_http_request_t          *r;
    ngx_http_jobruns_attempt_t  *a;

    a = op->data;
    r = a->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (status != ngx_redis_ok) {
        a->verdict = jobruns_verdict_unavailable;

    } else if (!ngx_http_jobruns_read_renewed(reply)) {
        ngx_log_error(NGX_LOG_WARN, c->log, 0,
                      "jobruns: held up for more than half the lease, and "
                      "another attempt has the token now: not forwarded");

        a->claimed = 0;
        a->verdict = jobruns_verdict_running;
    }

    r->main->blocked--;

    if (r->write_event_handler != ngx_http_jobruns_resume) {
        /* terminated meanwhile */
        r->write_event_handler(r);

    } else if (a->verdict == jobruns_verdict_forward) {
        ngx_http_jobruns_forward(r, a);

    } else {
        ngx_http_jobruns_answer_verdict(r, a);
    }

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_jobruns_send_on(ngx_http_request_t *r, ngx_http_jobruns_attempt_t *a)
{
    static ngx_str_t  message = ngx_string("The gateway cannot write its "
                                    "audit record; nothing was forwarded.");

    if (ngx_http_jobruns_audit_begin(r, a) != NGX_OK
        && a->conf->audit_required)
    {
        ngx_http_jobruns_refuse(r, a, JR_OUTCOME_UNAVAILABLE,
                                NGX_HTTP_SERVICE_UNAVAILABLE, NULL, &message);
        return;
    }

    a->state = jobruns_st_forwarding;
    a->forwarded = 1;

    if (!a->unprotected) {
        ngx_memzero(&a->timer, sizeof(ngx_event_t));

        a->timer.handler = ngx_http_jobruns_on_renewal_due;
        a->timer.data = a;
        a->timer.log = r->connection->log;

        ngx_add_timer(&a->timer, a->conf->retry_lease / 3);
    }

    /* back into the phase we left; the handler declines in this state */

    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_http_jobruns_renew(ngx_http_jobruns_attempt_t *a,
    ngx_redis_handler_pt handler)
{
    ngx_str_t                     *argv;
    ngx_uint_t                     i, n;
    ngx_http_request_t            *r;
    ngx_http_jobruns_main_conf_t  *jmcf;

    r = a->request;
    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jobruns_module);

    /* the record and the limits, without the overrides */

    argv = ngx_palloc(r->pool, (a->nkeys + 1) * sizeof(ngx_str_t));
    if (argv == NULL) {
        return NGX_ERROR;
    }

    n = 0;
    argv[n++] = a->keys[0];

    for (i = 2; i < a->nkeys; i++) {
        argv[n++] = a->keys[i];
    }

    argv[n] = a->argv[a->nkeys];            /* the owner */
    argv[n + 1] = a->argv[a->nkeys + 3];    /* the lease */

    a->renewal.handler = handler;
    a->renewal.data = a;
    a->renewal.log = r->connection->log;

    return ngx_redis_eval(a->conf->server, &a->renewal, &jmcf->renew, n,
                          n + 2, argv);
}


static void
ngx_http_jobruns_on_renewal_due(ngx_event_t *ev)
{
    ngx_http_jobruns_attempt_t  *a;

    a = ev->data;

    if (a->state > jobruns_st_holding) {
        return;
    }

    /* one that fails is tried again when the next is due: two more fit into
       the lease */

    if (!a->renewal.active) {
        (void) ngx_http_jobruns_renew(a, ngx_http_jobruns_on_renewed);
    }

    ngx_add_timer(&a->timer, a->conf->retry_lease / 3);
}


static void
ngx_http_jobruns_on_renewed(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    ngx_http_jobruns_attempt_t  *a;

    a = op->data;

    if (status != ngx_redis_ok || ngx_http_jobruns_read_renewed(reply)) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, a->request->connection->log, 0,
                  "jobruns: the lease of a forwarded attempt is lost to "
                  "another one; the first answer of 2xx is kept");

    a->renewal_lost = 1;

    if (a->timer.timer_set) {
        ngx_del_timer(&a->timer);
    }
}


void
ngx_http_jobruns_read_exchange(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_uint_t                  i;
    ngx_http_upstream_state_t  *state;

    if (r->upstream_states == NULL) {
        return;
    }

    state = r->upstream_states->elts;

    for (i = 0; i < r->upstream_states->nelts; i++) {

        /* an empty state separates the upstreams of an internal redirect */

        if (state[i].peer == NULL) {
            continue;
        }

        a->exchange.attempted = 1;

        if (state[i].bytes_sent) {
            a->exchange.sent = 1;
        }

        /*
         * header_time is set when a whole header was read
         * (ngx_http_upstream_process_header()); status alone may be
         * NGINX's own 502 or 504 (ngx_http_upstream_next()).  bytes_sent is
         * not set yet while the answer is passed on.
         */

        if (state[i].header_time != (ngx_msec_t) -1) {
            a->exchange.sent = 1;
            a->exchange.answered = 1;
            a->exchange.status = (unsigned) state[i].status;
        }
    }
}


void
ngx_http_jobruns_attempt_end(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_wait_end(a);

    if (a->renewal.active) {
        ngx_redis_cancel(&a->renewal);
    }

    if (a->held_memory) {
        ngx_http_jobruns_worker.held -= a->held_memory;
        a->held_memory = 0;
    }

    if (a->state >= jobruns_st_forwarding && a->state < jobruns_st_settling) {

        /* no filter saw an end: the client left while nothing kept the
           exchange going, or NGINX failed */

        ngx_http_jobruns_read_exchange(r, a);

        if (a->exchange.answered && !a->complete) {
            a->exchange.truncated = 1;
        }

        a->outcome = jr_outcome_of(&a->exchange);

    } else if (a->state < jobruns_st_forwarding) {
        /* admitted, but never forwarded */

        if (a->outcome == JR_OUTCOME_NONE) {
            a->outcome = JR_OUTCOME_UNSENT;
        }
    }

    if (a->claimed && a->settlement == NULL) {
        ngx_http_jobruns_settle_detached(a);
    }
}
