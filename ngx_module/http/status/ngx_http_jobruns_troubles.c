/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is wrong now, worst first, for on-call staff.
 *
 * Whatever heals leaves the list: what is now is read now, a counter counts
 * for some time after it last grew, and outcomes count as a share of those of
 * the last half minute or of the last five, if there are enough.  That the
 * service or the gateway fails is "bad" only while the last outcome was such a
 * one: the first success makes a warning of it.
 *
 * A row of the table is a kind; those of Redis are asked for each server.
 */

#include "ngx_http_jobruns_condition.h"
#include "ngx_http_jobruns_troubles.h"


/* seconds for which a counter that grew is a trouble */
#define NGX_HTTP_JOBRUNS_RECENT  900
#define NGX_HTTP_JOBRUNS_HOUR    3600


static ngx_uint_t ngx_http_jobruns_troubles_servers(
    ngx_http_jobruns_figures_t *figures, ngx_uint_t n);
static ngx_http_jobruns_counter_t *ngx_http_jobruns_troubles_since(
    ngx_http_jobruns_figures_t *figures, ngx_uint_t n, ngx_uint_t server);
static void ngx_http_jobruns_troubles_fill(
    ngx_http_jobruns_trouble_t *trouble, const ngx_http_jobruns_kind_t *kind);
static void ngx_http_jobruns_troubles_on_worst(void *data,
    ngx_http_jobruns_trouble_t *trouble);


#define NGX_HTTP_JOBRUNS_503                                                 \
    "Every creation and retry gets 503 ServiceUnavailable with Retry-After; "\
    "where jobruns_redis_failure is allow, creations are forwarded "         \
    "unprotected."


/* the worst first; those of Redis before all others */

static const ngx_http_jobruns_kind_t  ngx_http_jobruns_kinds[] = {

    { "redis_unreachable", "JobrunsRedisUnreachable", "bad",
      ngx_http_jobruns_condition_unreachable, 0, 0, NULL,
      NGX_HTTP_JOBRUNS_503,
      "Run jobrunsctl doctor; error.log has the reason. Workers find out by "
      "themselves when it is back." },

    { "redis_replica", "JobrunsRedisReplica", "bad",
      ngx_http_jobruns_condition_replica, 0, 0, NULL,
      NGX_HTTP_JOBRUNS_503,
      "Point jobruns_redis at the master, or use sentinel: or cluster." },

    { "redis_full", "JobrunsRedisFull", "bad",
      ngx_http_jobruns_condition_memory, 0, NGX_HTTP_JOBRUNS_FULL, "full",
      "New creations get 503 ServiceUnavailable; replays work.",
      "Raise maxmemory; jobrunsctl --rate N doctor says by how much." },

    { "audit_lost", "JobrunsAuditFileLost", "bad",
      ngx_http_jobruns_condition_lost_file, 0, 0, NULL,
      "With jobruns_audit_required on, creations get 503.",
      "Send USR1 or reload; error.log names the file." },

    { "audit_failing", "JobrunsAuditFailures", "bad",
      ngx_http_jobruns_condition_counter, jobruns_count_audit_failures,
      NGX_HTTP_JOBRUNS_FRESH, "audit records could not be written",
      "With jobruns_audit_required on, creations get 503.",
      "Look at the disk of the audit file; error.log says why." },

    { "auth_keys_broken", "JobrunsAuthKeysBroken", "bad",
      ngx_http_jobruns_condition_broken_keys, 0, 0, NULL,
      "Keys that were read before stay valid, revoked ones too; workers that "
      "have none respond 503.",
      "error.log names file, entry and fault: repair it; jobrunsctl key list "
      "checks it." },

    { "refusing", "JobrunsUnavailable", "bad",
      ngx_http_jobruns_condition_refusing, 0, NGX_HTTP_JOBRUNS_MANY, NULL,
      "These attempts got 503 ServiceUnavailable and can be retried.",
      "Look at the other troubles: Redis, the audit file or files of keys; "
      "error.log says which." },

    { "service_unreachable", "JobrunsServiceUnreachable", "bad",
      ngx_http_jobruns_condition_service, JR_OUTCOME_UNSENT, 0,
      "The service is unreachable",
      "Creations get 503; nothing was sent, and their tokens are free.",
      "error.log has \"connect() failed\" or the like: the service, DNS, "
      "TLS." },

    { "service_failing", "JobrunsUnknownOutcomes", "bad",
      ngx_http_jobruns_condition_service, JR_OUTCOME_UNKNOWN, 0,
      "The service fails",
      "Creations get its 5xx, or 503 when it does not respond; retries with "
      "the same token are forwarded again.",
      "Contact the operators of the service; compare its times with "
      "proxy_read_timeout." },

    { "second_run", "JobrunsSecondRun", "bad",
      ngx_http_jobruns_condition_counter, jobruns_count_second_run,
      NGX_HTTP_JOBRUNS_HOUR,
      "job runs were created after the first one of their token",
      "Their clients have two job runs.",
      "error.log names both: cancel one." },

    { "unprotected", "JobrunsUnprotected", "bad",
      ngx_http_jobruns_condition_counter, jobruns_count_unprotected,
      NGX_HTTP_JOBRUNS_FRESH, "attempts were forwarded without Redis",
      "Creations pass, but their retries can create second runs.",
      "Repair Redis; review audit records with \"unprotected\":true." },

    { "attempts_refused", "JobrunsUnavailable", "warn",
      ngx_http_jobruns_condition_refusing, 0, NGX_HTTP_JOBRUNS_SOME, NULL,
      "These attempts got 503 ServiceUnavailable and can be retried.",
      "jobruns-audit and error.log say why." },

    { "attempts_failing", "JobrunsUnknownOutcomes", "warn",
      ngx_http_jobruns_condition_service, JR_OUTCOME_NONE, 0, "Attempts fail",
      "These creations got 503 or the service's 5xx.",
      "jobruns-audit lists them; contact the operators of the service." },

    { "redis_filling", "JobrunsRedisFilling", "warn",
      ngx_http_jobruns_condition_memory, 0, NGX_HTTP_JOBRUNS_FILLING,
      "nearly full",
      "Nothing yet; at maxmemory new creations get 503.",
      "Raise maxmemory; jobrunsctl --rate N doctor says by how much." },

    { "audit_failed", "JobrunsAuditFailures", "warn",
      ngx_http_jobruns_condition_counter, jobruns_count_audit_failures,
      NGX_HTTP_JOBRUNS_HOUR, "audit records could not be written",
      "Nothing now.",
      "Find out why in error.log." },

    { "audit_reopen_failed", "JobrunsAuditReopenFailed", "warn",
      ngx_http_jobruns_condition_counter, jobruns_count_audit_reopen_failures,
      NGX_HTTP_JOBRUNS_RECENT, "audit files could not be reopened",
      "Nothing, unless the old file was lost.",
      "Let the workers' user open the file, then send USR1 again." },

    { "audit_lag", "JobrunsAuditLag", "warn",
      ngx_http_jobruns_condition_lag, 0, 0, NULL,
      "With jobruns_audit_sync always, creations wait as long.",
      "Find other writers on this disk." },

    { "pending_keeps", "JobrunsPendingKeeps", "warn",
      ngx_http_jobruns_condition_pending, 0, 0, NULL,
      "Retries of these creations get 409 IncorrectState.",
      "Repair Redis within a minute." },

    { "settles_lost", "JobrunsSettlesLost", "warn",
      ngx_http_jobruns_condition_counter, jobruns_count_settle_lost,
      NGX_HTTP_JOBRUNS_RECENT, "attempts could not be settled in Redis",
      "Their tokens are unknown: a retry is forwarded again.",
      "error.log names the keys: jobrunsctl token show." },

    { "leases_lost", "JobrunsLeasesLost", "warn",
      ngx_http_jobruns_condition_counter, jobruns_count_lease_lost,
      NGX_HTTP_JOBRUNS_RECENT, "attempts lost their lease",
      "A retry may have been forwarded beside the first attempt.",
      "Repair Redis; a longer jobruns_retry_lease." },

    { "damaged_values", "JobrunsDamagedValues", "warn",
      ngx_http_jobruns_condition_counter, jobruns_count_damaged,
      NGX_HTTP_JOBRUNS_RECENT, "corrupt values were found in Redis",
      "Their tokens count as unknown.",
      "error.log names the keys: inspect them, then DEL." },

    { "hold_full", "JobrunsHoldFull", "warn",
      ngx_http_jobruns_condition_counter, jobruns_count_room_full,
      NGX_HTTP_JOBRUNS_RECENT, "times jobruns_hold_memory was full",
      "Their responses are not stored: a retry gets 409 Conflict.",
      "Raise jobruns_hold_memory; look for slow clients." },

    { "hold_tenant_full", "JobrunsHoldFull", "warn",
      ngx_http_jobruns_condition_counter, jobruns_count_room_tenant,
      NGX_HTTP_JOBRUNS_RECENT,
      "times a tenant had used its half of jobruns_hold_memory",
      "Its responses are not stored: a retry gets 409 Conflict.",
      "error.log names the tenant." },

    { "module_changed", "JobrunsModuleChanged", "warn",
      ngx_http_jobruns_condition_module, 0, 0, NULL,
      "Nothing.",
      "Restart NGINX or upgrade its binary (USR2)." }
};


#define NGX_HTTP_JOBRUNS_NKINDS                                              \
    (sizeof(ngx_http_jobruns_kinds) / sizeof(ngx_http_jobruns_kinds[0]))

_Static_assert(NGX_HTTP_JOBRUNS_NKINDS <= NGX_HTTP_JOBRUNS_KINDS,
               "a place for each kind");


void
ngx_http_jobruns_troubles_each(ngx_http_jobruns_figures_t *figures,
    ngx_http_jobruns_trouble_pt on_trouble, void *data)
{
    ngx_uint_t                      n, server, servers;
    ngx_http_jobruns_counter_t     *since;
    ngx_http_jobruns_trouble_t      trouble;
    const ngx_http_jobruns_kind_t  *kind;

    for (n = 0; n < NGX_HTTP_JOBRUNS_NKINDS; n++) {

        kind = &ngx_http_jobruns_kinds[n];
        servers = ngx_http_jobruns_troubles_servers(figures, n);

        for (server = 0; server < servers; server++) {

            ngx_http_jobruns_troubles_fill(&trouble, kind);

            if (!kind->find(figures, kind, server, &trouble)) {
                continue;
            }

            since = ngx_http_jobruns_troubles_since(figures, n, server);

            /* before the second in which it came is over */

            (void) ngx_atomic_cmp_set(since, 0,
                                      (ngx_atomic_uint_t) ngx_time());

            trouble.since = (time_t) *since;

            on_trouble(data, &trouble);
        }
    }
}


static void
ngx_http_jobruns_troubles_on_worst(void *data,
    ngx_http_jobruns_trouble_t *trouble)
{
    ngx_http_jobruns_trouble_t *worst = data;

    if (worst->level == NULL) {
        *worst = *trouble;
    }
}


void
ngx_http_jobruns_troubles_worst(ngx_http_jobruns_figures_t *figures,
    ngx_http_jobruns_trouble_t *trouble)
{
    ngx_memzero(trouble, sizeof(ngx_http_jobruns_trouble_t));

    ngx_http_jobruns_troubles_each(figures,
                                   ngx_http_jobruns_troubles_on_worst,
                                   trouble);

    if (trouble->level == NULL) {
        trouble->level = "good";
        trouble->len = sizeof("All is well.") - 1;
        ngx_memcpy(trouble->text, "All is well.", trouble->len);
    }
}


void
ngx_http_jobruns_troubles_note(ngx_http_jobruns_figures_t *figures)
{
    ngx_uint_t                      n, server, servers;
    ngx_http_jobruns_counter_t     *since;
    ngx_http_jobruns_trouble_t      trouble;
    const ngx_http_jobruns_kind_t  *kind;

    for (n = 0; n < NGX_HTTP_JOBRUNS_NKINDS; n++) {

        kind = &ngx_http_jobruns_kinds[n];
        servers = ngx_http_jobruns_troubles_servers(figures, n);

        for (server = 0; server < servers; server++) {

            since = ngx_http_jobruns_troubles_since(figures, n, server);

            if (!kind->find(figures, kind, server, &trouble)) {
                *since = 0;

            } else if (*since == 0) {
                *since = (ngx_atomic_uint_t) ngx_time();
            }
        }
    }
}


ngx_int_t
ngx_http_jobruns_troubles_kind(ngx_http_jobruns_figures_t *figures,
    ngx_uint_t n, ngx_http_jobruns_trouble_t *trouble, ngx_uint_t *found)
{
    ngx_uint_t                      server, servers;
    const ngx_http_jobruns_kind_t  *kind;

    if (n == NGX_HTTP_JOBRUNS_NKINDS) {
        return NGX_DECLINED;
    }

    kind = &ngx_http_jobruns_kinds[n];
    servers = ngx_http_jobruns_troubles_servers(figures, n);

    ngx_http_jobruns_troubles_fill(trouble, kind);

    *found = 0;

    for (server = 0; server < servers; server++) {
        *found |= kind->find(figures, kind, server, trouble);
    }

    return NGX_OK;
}


static void
ngx_http_jobruns_troubles_fill(ngx_http_jobruns_trouble_t *trouble,
    const ngx_http_jobruns_kind_t *kind)
{
    trouble->name = kind->name;
    trouble->alert = kind->alert;
    trouble->level = kind->level;
    trouble->affects = kind->affects;
    trouble->remedy = kind->remedy;
    trouble->since = 0;
    trouble->len = 0;
}


/* how often the n-th kind is asked: once, or for each server */

static ngx_uint_t
ngx_http_jobruns_troubles_servers(ngx_http_jobruns_figures_t *figures,
    ngx_uint_t n)
{
    return ngx_strncmp(ngx_http_jobruns_kinds[n].name, "redis_", 6) == 0
           ? figures->zone->shared->nservers : 1;
}


static ngx_http_jobruns_counter_t *
ngx_http_jobruns_troubles_since(ngx_http_jobruns_figures_t *figures,
    ngx_uint_t n, ngx_uint_t server)
{
    return &figures->zone->shared->since[n][server];
}
