/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What can be wrong: each function looks for one condition in the sums, and
 * says it in a sentence.  What they have in common stands at the head of
 * ngx_http_jobruns_troubles.c.
 */

#include "ngx_http_jobruns_condition.h"
#include "ngx_http_jobruns_history.h"
#include "ngx_http_jobruns_module_file.h"

#include "jr_version.h"


/* attempts that failed lately, from which on they are a trouble */
#define NGX_HTTP_JOBRUNS_FAILED  3

/* ms that audit records may wait for the disk */
#define NGX_HTTP_JOBRUNS_LAG     5000

/* sets of outcomes */
#define NGX_HTTP_JOBRUNS_FAILING  (1 << JR_OUTCOME_UNSENT                    \
                                   | 1 << JR_OUTCOME_UNKNOWN)
#define NGX_HTTP_JOBRUNS_SERVED   (1 << JR_OUTCOME_CREATED                   \
                                   | 1 << JR_OUTCOME_REJECTED)
#define NGX_HTTP_JOBRUNS_ADMITTED (NGX_HTTP_JOBRUNS_SERVED                   \
                                   | NGX_HTTP_JOBRUNS_FAILING                \
                                   | 1 << JR_OUTCOME_REPLAYED                \
                                   | 1 << JR_OUTCOME_IN_PROGRESS             \
                                   | 1 << JR_OUTCOME_TOKEN_MISMATCH          \
                                   | 1 << JR_OUTCOME_TOKEN_UNKNOWN           \
                                   | 1 << JR_OUTCOME_LIMITED)


typedef struct {
    ngx_uint_t  failed;
    ngx_uint_t  all;
    ngx_uint_t  seconds;        /* of which they are */
    time_t      age;            /* of the last one that failed */
    unsigned    some:1;         /* enough of them to be a trouble */
    unsigned    most:1;         /* at least half, and nothing has gone well
                                   since */
} ngx_http_jobruns_share_of_t;


static ngx_uint_t ngx_http_jobruns_condition_sum(
    ngx_http_jobruns_figures_t *figures, ngx_uint_t outcomes,
    ngx_uint_t seconds);
static void ngx_http_jobruns_condition_share(
    ngx_http_jobruns_figures_t *figures, ngx_uint_t failing, ngx_uint_t good,
    ngx_http_jobruns_share_of_t *share);
static time_t ngx_http_jobruns_condition_age(
    ngx_http_jobruns_figures_t *figures, ngx_uint_t outcomes);
static void ngx_cdecl ngx_http_jobruns_condition_say(
    ngx_http_jobruns_trouble_t *trouble, const char *fmt, ...);


ngx_uint_t
ngx_http_jobruns_condition_unreachable(ngx_http_jobruns_figures_t *figures,
    const ngx_http_jobruns_kind_t *kind, ngx_uint_t server,
    ngx_http_jobruns_trouble_t *trouble)
{
    ngx_http_jobruns_name_t   *name;
    ngx_http_jobruns_asked_t  *asked;

    (void) kind;

    name = &figures->zone->shared->servers[server];
    asked = &figures->asked[server];

    if (asked->failed == 0) {
        return 0;
    }

    if (asked->good == 0) {
        ngx_http_jobruns_condition_say(trouble, "Redis %*s is unreachable.",
                                      name->len, name->data);
        return 1;
    }

    ngx_http_jobruns_condition_say(trouble, "Redis %*s is unreachable from %ui "
                                  "of %ui workers that asked.", name->len,
                                  name->data, asked->failed,
                                  asked->failed + asked->good);
    return 1;
}


ngx_uint_t
ngx_http_jobruns_condition_replica(ngx_http_jobruns_figures_t *figures,
    const ngx_http_jobruns_kind_t *kind, ngx_uint_t server,
    ngx_http_jobruns_trouble_t *trouble)
{
    ngx_http_jobruns_name_t  *name;

    (void) kind;

    if (figures->asked[server].replica == 0) {
        return 0;
    }

    name = &figures->zone->shared->servers[server];

    ngx_http_jobruns_condition_say(trouble, "Redis %*s is a replica and "
                                  "accepts no writes.", name->len,
                                  name->data);
    return 1;
}


ngx_uint_t
ngx_http_jobruns_condition_memory(ngx_http_jobruns_figures_t *figures,
    const ngx_http_jobruns_kind_t *kind, ngx_uint_t server,
    ngx_http_jobruns_trouble_t *trouble)
{
    ngx_uint_t                used, most;
    ngx_redis_stats_t        *stats;
    ngx_http_jobruns_name_t  *name;

    stats = &figures->sum.redis[server];

    if (stats->memory_seen == 0 || stats->memory_most == 0) {
        return 0;
    }

    /* in kB, so that a hundred of them fit */

    used = stats->memory_used / 1024;
    most = stats->memory_most / 1024;

    if (used * 100 < most * (ngx_uint_t) kind->bound
        || (kind->bound == NGX_HTTP_JOBRUNS_FILLING
            && used * 100 >= most * NGX_HTTP_JOBRUNS_FULL))
    {
        return 0;
    }

    name = &figures->zone->shared->servers[server];

    ngx_http_jobruns_condition_say(trouble, "Redis %*s is %s: %ui of %ui MB "
                                  "are used.", name->len, name->data,
                                  kind->text, used / 1024, most / 1024);
    return 1;
}


ngx_uint_t
ngx_http_jobruns_condition_lost_file(ngx_http_jobruns_figures_t *figures,
    const ngx_http_jobruns_kind_t *kind, ngx_uint_t server,
    ngx_http_jobruns_trouble_t *trouble)
{
    (void) kind;
    (void) server;

    if (figures->sum.now.audit_lost == 0) {
        return 0;
    }

    ngx_http_jobruns_condition_say(trouble, "%ui of %ui workers have lost "
                                  "their audit file: it was removed, moved "
                                  "or cannot be opened.",
                                  ngx_min(figures->sum.now.audit_lost,
                                          figures->workers),
                                  figures->workers);
    return 1;
}


ngx_uint_t
ngx_http_jobruns_condition_broken_keys(ngx_http_jobruns_figures_t *figures,
    const ngx_http_jobruns_kind_t *kind, ngx_uint_t server,
    ngx_http_jobruns_trouble_t *trouble)
{
    (void) kind;
    (void) server;

    if (figures->sum.now.auth_broken == 0) {
        return 0;
    }

    /* a worker counts each set of files that it cannot read */

    ngx_http_jobruns_condition_say(trouble, "Files of keys cannot be read or "
                                  "are invalid, in %ui of %ui workers.",
                                  ngx_min(figures->sum.now.auth_broken,
                                          figures->workers),
                                  figures->workers);
    return 1;
}


static ngx_uint_t
ngx_http_jobruns_condition_sum(ngx_http_jobruns_figures_t *figures,
    ngx_uint_t outcomes, ngx_uint_t seconds)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < JR_OUTCOME_LAST; i++) {
        if (outcomes & ((ngx_uint_t) 1 << i)) {
            n += ngx_http_jobruns_history_lately(figures, i, seconds);
        }
    }

    return n;
}


/*
 * What became of attempts lately: of the last half minute, if most of them
 * failed then, so that a busy gateway finds out as soon as an idle one; else of
 * the last minutes.
 */

static void
ngx_http_jobruns_condition_share(ngx_http_jobruns_figures_t *figures,
    ngx_uint_t failing, ngx_uint_t good, ngx_http_jobruns_share_of_t *share)
{
    ngx_uint_t  i;

    static const ngx_uint_t  windows[] = { 30, NGX_HTTP_JOBRUNS_LATELY };

    share->age = ngx_http_jobruns_condition_age(figures, failing);

    for (i = 0; i < 2; i++) {
        share->seconds = windows[i];
        share->failed = ngx_http_jobruns_condition_sum(figures, failing,
                                                       windows[i]);
        share->all = share->failed
                     + ngx_http_jobruns_condition_sum(figures, good,
                                                      windows[i]);

        share->some = (share->failed >= NGX_HTTP_JOBRUNS_FAILED
                       && share->failed * 100
                          >= share->all * NGX_HTTP_JOBRUNS_SOME);

        share->most = (share->some
                       && share->failed * 100
                          >= share->all * NGX_HTTP_JOBRUNS_MANY
                       && share->age
                          <= ngx_http_jobruns_condition_age(figures, good));
        if (share->most) {
            return;
        }
    }
}


/* seconds since the last one of them; NGX_MAX_INT32_VALUE: never */

static time_t
ngx_http_jobruns_condition_age(ngx_http_jobruns_figures_t *figures,
    ngx_uint_t outcomes)
{
    time_t      age, least;
    ngx_uint_t  i;

    least = NGX_MAX_INT32_VALUE;

    for (i = 0; i < JR_OUTCOME_LAST; i++) {
        if (outcomes & ((ngx_uint_t) 1 << i)) {
            age = ngx_http_jobruns_history_outcome_age(figures, i);
            least = age >= 0 ? ngx_min(least, age) : least;
        }
    }

    return least;
}


ngx_uint_t
ngx_http_jobruns_condition_refusing(ngx_http_jobruns_figures_t *figures,
    const ngx_http_jobruns_kind_t *kind, ngx_uint_t server,
    ngx_http_jobruns_trouble_t *trouble)
{
    ngx_http_jobruns_share_of_t  share;

    (void) server;

    ngx_http_jobruns_condition_share(figures, 1 << JR_OUTCOME_UNAVAILABLE,
                                     NGX_HTTP_JOBRUNS_ADMITTED, &share);

    if (!share.some || share.most != (kind->bound == NGX_HTTP_JOBRUNS_MANY)) {
        return 0;
    }

    ngx_http_jobruns_condition_say(trouble, "The gateway refused %ui of the "
                                   "%ui attempts of the last %s, the last one "
                                   "%T s ago.", share.failed, share.all,
                                   share.seconds < 60 ? "30 seconds"
                                                      : "5 minutes",
                                   share.age);
    return 1;
}


/* a warning for what is not bad, or is over; where the service fails in both
   ways, the more frequent one is what is bad */

ngx_uint_t
ngx_http_jobruns_condition_service(ngx_http_jobruns_figures_t *figures,
    const ngx_http_jobruns_kind_t *kind, ngx_uint_t server,
    ngx_http_jobruns_trouble_t *trouble)
{
    ngx_uint_t                   unsent, of;
    ngx_http_jobruns_share_of_t  share;

    (void) server;

    ngx_http_jobruns_condition_share(figures, NGX_HTTP_JOBRUNS_FAILING,
                                     NGX_HTTP_JOBRUNS_SERVED, &share);

    if (!share.some) {
        return 0;
    }

    unsent = ngx_http_jobruns_history_lately(figures, JR_OUTCOME_UNSENT,
                                             share.seconds);

    of = !share.most ? JR_OUTCOME_NONE
         : unsent * 2 >= share.failed ? JR_OUTCOME_UNSENT
                                      : JR_OUTCOME_UNKNOWN;

    if (kind->of != of) {
        return 0;
    }

    ngx_http_jobruns_condition_say(trouble, "%s: %ui of the %ui attempts "
                                   "forwarded in the last %s ended unsent or "
                                   "unknown, the last one %T s ago.",
                                   kind->text, share.failed, share.all,
                                   share.seconds < 60 ? "30 seconds"
                                                      : "5 minutes",
                                   share.age);
    return 1;
}


ngx_uint_t
ngx_http_jobruns_condition_counter(ngx_http_jobruns_figures_t *figures,
    const ngx_http_jobruns_kind_t *kind, ngx_uint_t server,
    ngx_http_jobruns_trouble_t *trouble)
{
    time_t  age;

    (void) server;

    age = ngx_http_jobruns_history_count_age(figures, kind->of);

    /* of two kinds of one counter the first is for what is fresh */

    if (age < 0 || age > kind->bound
        || (ngx_strcmp(kind->name, "audit_failed") == 0
            && age <= NGX_HTTP_JOBRUNS_FRESH))
    {
        return 0;
    }

    ngx_http_jobruns_condition_say(trouble, "%ui %s since counting began, the "
                                  "last one %T %s ago.",
                                  figures->sum.counters[kind->of],
                                  kind->text,
                                  age < 120 ? age : age / 60,
                                  age < 120 ? "s" : "min");
    return 1;
}


ngx_uint_t
ngx_http_jobruns_condition_pending(ngx_http_jobruns_figures_t *figures,
    const ngx_http_jobruns_kind_t *kind, ngx_uint_t server,
    ngx_http_jobruns_trouble_t *trouble)
{
    (void) kind;
    (void) server;

    if (figures->sum.now.pending_keeps == 0) {
        return 0;
    }

    ngx_http_jobruns_condition_say(trouble, "%ui responses are not yet stored "
                                  "in Redis.",
                                  figures->sum.now.pending_keeps);
    return 1;
}


ngx_uint_t
ngx_http_jobruns_condition_lag(ngx_http_jobruns_figures_t *figures,
    const ngx_http_jobruns_kind_t *kind, ngx_uint_t server,
    ngx_http_jobruns_trouble_t *trouble)
{
    (void) kind;
    (void) server;

    if (figures->sum.now.audit_lag <= NGX_HTTP_JOBRUNS_LAG) {
        return 0;
    }

    ngx_http_jobruns_condition_say(trouble, "Audit records wait %ui s to be on "
                                  "the disk.",
                                  figures->sum.now.audit_lag / 1000);
    return 1;
}


ngx_uint_t
ngx_http_jobruns_condition_module(ngx_http_jobruns_figures_t *figures,
    const ngx_http_jobruns_kind_t *kind, ngx_uint_t server,
    ngx_http_jobruns_trouble_t *trouble)
{
    (void) figures;
    (void) kind;
    (void) server;

    if (!ngx_http_jobruns_module_file_changed()) {
        return 0;
    }

    ngx_http_jobruns_condition_say(trouble, "The module's file was replaced, "
                                  "and version " JR_VERSION " goes on "
                                  "running.");
    return 1;
}


static void ngx_cdecl
ngx_http_jobruns_condition_say(ngx_http_jobruns_trouble_t *trouble,
    const char *fmt, ...)
{
    u_char   *last;
    va_list   args;

    va_start(args, fmt);
    last = ngx_vslprintf(trouble->text, trouble->text + sizeof(trouble->text),
                         fmt, args);
    va_end(args);

    trouble->len = last - trouble->text;
}
