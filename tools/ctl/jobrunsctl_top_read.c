/* SPDX-License-Identifier: BSD-2-Clause
 *
 * top: the JSON of jobruns_status, of a server that is not trusted.
 *
 * A member that is missing or of another type is unknown; numbers have
 * bounds; texts are cut, and have nothing in them that a terminal would
 * interpret.
 */

#include <string.h>

#include "jobrunsctl_top.h"


/* beyond it a number is not one of a gateway */
#define CTL_TOP_MOST  1e15


void
ctl_top_read_text(char *dst, size_t size, const char *text)
{
    size_t  i;

    for (i = 0; i + 1 < size && text[i] != '\0'; i++) {
        dst[i] = text[i] < 0x20 || text[i] > 0x7e ? '?' : text[i];
    }

    dst[i] = '\0';
}


static void
ctl_top_read_string(char *dst, size_t size, json_t *object, const char *name)
{
    const char  *text;

    text = json_string_value(json_object_get(object, name));

    ctl_top_read_text(dst, size, text ? text : "");
}


/* -1: unknown */

static double
ctl_top_read_number(json_t *object, const char *name)
{
    double   n;
    json_t  *value;

    value = json_object_get(object, name);
    n = json_number_value(value);

    return json_is_number(value) && n >= 0 && n <= CTL_TOP_MOST ? n : -1;
}


/* the sum of members, those that are unknown left out */

static double
ctl_top_read_sum(json_t *object, const char *const *names)
{
    double  n, sum;

    sum = -1;

    for ( /* void */ ; *names != NULL; names++) {
        n = ctl_top_read_number(object, *names);

        if (n >= 0) {
            sum = (sum < 0 ? 0 : sum) + n;
        }
    }

    return sum;
}


static ctl_top_level_e
ctl_top_read_level(json_t *object)
{
    const char  *text;

    text = json_string_value(json_object_get(object, "level"));

    return text == NULL ? ctl_top_good
           : strcmp(text, "bad") == 0 ? ctl_top_bad
           : strcmp(text, "warn") == 0 ? ctl_top_warn : ctl_top_good;
}


/* in order of the response, which has the worst first */

static void
ctl_top_read_troubles(json_t *root, ctl_top_figures_t *f)
{
    double              now, since;
    size_t              i;
    json_t             *one;
    ctl_top_trouble_t  *trouble;

    now = ctl_top_read_number(root, "now");

    json_array_foreach(json_object_get(root, "troubles"), i, one) {

        if (f->ntroubles == CTL_TOP_TROUBLES) {
            break;
        }

        trouble = &f->troubles[f->ntroubles++];
        trouble->level = ctl_top_read_level(one);

        if (trouble->level == ctl_top_good) {
            trouble->level = ctl_top_warn;
        }

        since = ctl_top_read_number(one, "since");
        trouble->age = since <= 0 || now < since ? -1
                                                 : (long long) (now - since);

        ctl_top_read_string(trouble->text, sizeof(trouble->text), one,
                            "text");
        ctl_top_read_string(trouble->affects, sizeof(trouble->affects), one,
                            "affects");
        ctl_top_read_string(trouble->remedy, sizeof(trouble->remedy), one,
                            "remedy");
        ctl_top_read_string(trouble->runbook, sizeof(trouble->runbook), one,
                            "runbook");

        if (trouble->level > f->level) {
            f->level = trouble->level;
        }
    }
}


/* of all servers: how workers last found them, and the fullest */

static void
ctl_top_read_redis(json_t *root, ctl_top_figures_t *f)
{
    size_t       i, n;
    double       good, failed, used, most, share;
    json_t      *one;
    unsigned     reached, lost, down, replica;
    const char  *role, *word;

    reached = lost = down = replica = 0;
    share = -1;
    n = 0;

    json_array_foreach(json_object_get(root, "redis"), i, one) {

        good = ctl_top_read_number(one, "reachable");
        failed = ctl_top_read_number(one, "unreachable");
        used = ctl_top_read_number(one, "memoryBytes");
        most = ctl_top_read_number(one, "memoryMaxBytes");
        role = json_string_value(json_object_get(one, "role"));

        reached |= good > 0;
        lost |= failed > 0;
        down |= failed > 0 && good <= 0;
        replica |= role != NULL && strcmp(role, "replica") == 0;
        n++;

        if (used >= 0 && most > 0 && used / most > share) {
            share = used / most;
        }
    }

    word = n == 0 ? "-" : down ? "unreachable" : lost ? "partly"
           : replica ? "replica" : reached ? "ok" : "unknown";

    if (share >= 0 && !down) {
        snprintf(f->redis, sizeof(f->redis), "%s, %.0f%% full", word,
                 share > 9 ? 999 : share * 100);
        return;
    }

    snprintf(f->redis, sizeof(f->redis), "%s", word);
}


static void
ctl_top_read_service(json_t *root, ctl_top_figures_t *f)
{
    double    n, all, failed;
    size_t    i;
    json_t   *service;

    static const char *const  names[] = {
        "created", "rejected_upstream", "unsent", "unknown"
    };

    service = json_object_get(root, "service");
    all = 0;
    failed = 0;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        n = ctl_top_read_number(json_object_get(service, names[i]), "count");

        if (n < 0) {
            snprintf(f->service, sizeof(f->service), "-");
            return;
        }

        all += n;
        failed += i < 2 ? 0 : n;
    }

    if (all <= 0) {
        snprintf(f->service, sizeof(f->service), "not asked");
        return;
    }

    snprintf(f->service, sizeof(f->service), "%.0f of %.0f", all - failed,
             all);
}


/* an upper bound; beyond the last bucket: more than its bound */

static void
ctl_top_read_time(json_t *time, const char *name, char *buf, size_t size)
{
    double   ms, most;
    json_t  *value, *buckets;

    value = json_object_get(time, name);
    ms = json_is_number(value) ? json_number_value(value) : 0;

    if (ms > 0 && ms < CTL_TOP_MOST) {
        snprintf(buf, size, "%s", ctl_duration((long long) ms));
        return;
    }

    buckets = json_object_get(time, "buckets");
    most = json_array_size(buckets) < 2 ? -1
           : ctl_top_read_number(json_array_get(buckets,
                                                json_array_size(buckets) - 2),
                                 "upToMs");

    if (ms < 0 && most > 0) {
        snprintf(buf, size, ">%s", ctl_duration((long long) most));
        return;
    }

    snprintf(buf, size, "-");
}


static void
ctl_top_read_times(json_t *root, const char *name, char *buf, size_t size)
{
    char     half[14], most[14];
    json_t  *time;

    time = json_object_get(json_object_get(root, "times"), name);

    ctl_top_read_time(time, "recentP50Ms", half, sizeof(half));
    ctl_top_read_time(time, "recentP99Ms", most, sizeof(most));

    snprintf(buf, size, strcmp(half, "-") == 0 && strcmp(most, "-") == 0
             ? "-" : "%s/%s", half, most);
}


int
ctl_top_read(const char *body, size_t len, ctl_top_figures_t *figures)
{
    json_t             *root, *rates;
    json_error_t        error;
    ctl_top_figures_t   f;

    static const char *const  errors[] = {
        "unavailable", "unsent", "unknown", NULL
    };
    static const char *const  claims[] = { "forwarding", "held", NULL };

    root = len ? json_loadb(body, len, 0, &error) : NULL;
    rates = json_object_get(root, "attemptsPerSecond");

    if (!json_is_object(json_object_get(root, "state"))
        || !json_is_object(rates))
    {
        json_decref(root);
        return -1;
    }

    memset(&f, 0, sizeof(f));

    ctl_top_read_string(f.host, sizeof(f.host), root, "host");

    f.level = ctl_top_read_level(json_object_get(root, "state"));
    f.created = ctl_top_read_number(rates, "created");
    f.limited = ctl_top_read_number(rates, "limited");
    f.replayed = ctl_top_read_number(rates, "replayed");
    f.errors = ctl_top_read_sum(rates, errors);
    f.waiting = ctl_top_read_number(root, "waiting");
    f.delayed = ctl_top_read_number(root, "delayed");
    f.claims = ctl_top_read_sum(root, claims);

    ctl_top_read_redis(root, &f);
    ctl_top_read_service(root, &f);
    ctl_top_read_times(root, "admission", f.admission, sizeof(f.admission));
    ctl_top_read_times(root, "service", f.responses, sizeof(f.responses));
    ctl_top_read_troubles(root, &f);

    json_decref(root);
    *figures = f;

    return 0;
}
