/*
 * jobruns_redis_replicas: a claim counts when it is on so many replicas.
 *
 * Only a verdict that forwards waits; replays and refusals tell what is known
 * already.  Where the replicas are too few nothing is forwarded, unless
 * jobruns_redis_failure is "allow": then the claim, which the master has,
 * stays, and protects as long as the master lives.
 */

#include "ngx_http_jobruns_directives.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_replicas.h"
#include "ngx_http_jobruns_reply.h"


/* the most replicas of a master that one could ask for; the longest wait */
#define NGX_HTTP_JOBRUNS_REPLICAS_MAX       16
#define NGX_HTTP_JOBRUNS_REPLICAS_TIME_MAX  10000


static void ngx_http_jobruns_on_replicated(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static void ngx_http_jobruns_unreplicated(ngx_http_jobruns_attempt_t *a,
    const char *what);


char *
ngx_http_jobruns_redis_replicas(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jobruns_loc_conf_t *jlcf = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (jlcf->replicas != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2) {

        if (ngx_strcmp(value[1].data, "off") != 0) {
            return ngx_http_jobruns_bad_option(cf, &value[1], "\"off\", or "
                                               "a number of replicas and "
                                               "how long to wait for them: "
                                               "\"1 100ms\"");
        }

        jlcf->replicas = 0;

        return NGX_CONF_OK;
    }

    n = ngx_atoi(value[1].data, value[1].len);

    if (n == NGX_ERROR || n < 1 || n > NGX_HTTP_JOBRUNS_REPLICAS_MAX) {
        return ngx_http_jobruns_bad_option(cf, &value[1],
                                           "1 to 16 replicas, or \"off\"");
    }

    jlcf->replicas = (ngx_uint_t) n;

    n = ngx_parse_time(&value[2], 0);

    /* to WAIT, 0 is for ever */

    if (n == NGX_ERROR || n < 1 || n > NGX_HTTP_JOBRUNS_REPLICAS_TIME_MAX) {
        return ngx_http_jobruns_bad_option(cf, &value[2],
                                           "a time from 1ms to 10s");
    }

    jlcf->replicas_timeout = (ngx_msec_t) n;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_jobruns_replicas_await(ngx_http_jobruns_attempt_t *a)
{
    if (a->conf->replicas == 0
        || a->verdict != jobruns_verdict_forward
        || a->request->connection->error)
    {
        return NGX_DECLINED;
    }

    a->op.handler = ngx_http_jobruns_on_replicated;

    if (ngx_redis_op_await(&a->op) == NGX_OK) {
        a->verdict = jobruns_verdict_none;
        return NGX_OK;
    }

    ngx_http_jobruns_unreplicated(a, "no memory to wait for it");

    return NGX_DECLINED;
}


static void
ngx_http_jobruns_on_replicated(ngx_redis_op_t *op, ngx_redis_status_e status,
    redisReply *reply)
{
    u_char                       text[sizeof("only  replicas have it")
                                      + NGX_INT_T_LEN];
    ngx_int_t                    n;
    ngx_http_jobruns_attempt_t  *a;

    a = op->data;

    ngx_http_set_log_request(a->request->connection->log, a->request);

    a->verdict = jobruns_verdict_forward;

    if (status != ngx_redis_ok) {
        ngx_http_jobruns_unreplicated(a, ngx_redis_stats_text(status));

    } else {
        n = ngx_http_jobruns_reply_replicas(reply);

        if (n < (ngx_int_t) a->conf->replicas) {
            *ngx_sprintf(text, "only %i replicas have it", n) = '\0';
            ngx_http_jobruns_unreplicated(a, (char *) text);
        }
    }

    ngx_http_jobruns_wake(a);
}


/* settled as unsent with the request's end, unless it is allowed to go on */

static void
ngx_http_jobruns_unreplicated(ngx_http_jobruns_attempt_t *a, const char *what)
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

    a->unreplicated = 1;

    if (!a->conf->redis_allow) {
        a->verdict = jobruns_verdict_unavailable;
    }
}
