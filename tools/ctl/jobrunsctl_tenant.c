/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tenant show, reset, and the other verbs of tenants: the limits of one.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"


static const ctl_column_t  ctl_tenant_columns[] = {
    { "limit", "LIMIT" },
    { "kind", "KIND" },
    { "of", "OF" },
    { "configured", "CONFIGURED" },
    { "override", "OVERRIDE" },
    { "used", "USED" },
    { "resets", "RESETS IN" },
    { NULL, NULL }
};


typedef struct {
    json_t      *rows;
    redisReply  *overrides;
    long long    now;
    long         deleted;
    const char  *only;          /* a limit's name; NULL: all */
    unsigned     seen[CTL_LIMITS];
} ctl_tenant_t;


static redisReply *
ctl_ask(ctl_t *ctl, const char *command, const char *key, const char *one,
    const char *two)
{
    int          argc;
    const char  *argv[4] = { command, key, one, two };

    argc = one == NULL ? 2 : two == NULL ? 3 : 4;

    return ctl_command(ctl, 0, argc, argv);
}


/* "rate 50, burst 100" of the fields that name a limit; "" if none does */

static void
ctl_overrides(redisReply *all, const char *name, long long now, char *buf,
    size_t size)
{
    char    words[128];
    size_t  i, len, used;

    len = strlen(name);
    used = 0;
    buf[0] = '\0';

    for (i = 0; i + 1 < all->elements && used < size; i += 2) {

        if (all->element[i]->str == NULL || all->element[i + 1]->str == NULL
            || strncmp(all->element[i]->str, name, len) != 0
            || all->element[i]->str[len] != '.')
        {
            continue;
        }

        ctl_override_words(all->element[i + 1]->str, now, words,
                           sizeof(words));
        used += (size_t) snprintf(buf + used, size - used, "%s%s %s",
                                  used ? ", " : "",
                                  all->element[i]->str + len + 1, words);
    }
}


/*
 * What is used of a limit, in words: a function for each kind.  reply is that
 * to the command of ctl_uses; now and resets (-1: never) are in ms.  Returns 0
 * where the value is corrupt.
 */

static int
ctl_used_rate(redisReply *reply, long long now, long long resets, char *used,
    size_t size)
{
    double     since_ms, left;
    long long  first, count;

    if (sscanf(reply->str, "%lld %lld", &first, &count) != 2) {
        return 0;
    }

    /* the key ends when the backlog of its first number is worked off,
       evenly since then */

    /* whole milliseconds, as now is:
       NOLINTNEXTLINE(bugprone-integer-division) */
    since_ms = (double) (now - first / 1000);
    left = (double) count / (double) JR_RATE_REQUEST;

    if (since_ms > 0 && resets >= 0) {
        left = left * (double) resets / ((double) resets + since_ms);
    }

    snprintf(used, size, "%.1f requests ahead", left);

    return 1;
}


static int
ctl_used_quota(redisReply *reply, long long now, long long resets, char *used,
    size_t size)
{
    long long  first, count;

    (void) now;
    (void) resets;

    if (sscanf(reply->str, "%lld %lld", &first, &count) != 2) {
        return 0;
    }

    snprintf(used, size, "%lld", count);

    return 1;
}


static int
ctl_used_concurrency(redisReply *reply, long long now, long long resets,
    char *used, size_t size)
{
    (void) now;
    (void) resets;

    snprintf(used, size, "%lld now", reply->integer);

    return 1;
}


/* by jr_limit_kind_e; between: of the key, those beyond now are counted */

static const struct {
    const char  *command;
    int          between;
    int        (*used)(redisReply *reply, long long now, long long resets,
                       char *used, size_t size);
} ctl_uses[] = {
    { "GET", 0, ctl_used_rate },
    { "GET", 0, ctl_used_quota },
    { "ZCOUNT", 1, ctl_used_concurrency }
};

_Static_assert(sizeof(ctl_uses) / sizeof(ctl_uses[0]) == JR_LIMIT_LAST,
               "what is used, of each kind of limit");


/* what is used of a limit, and ms until it is whole again (-1: not known) */

static int
ctl_used(ctl_t *ctl, const char *text, jr_limit_kind_e kind, long long now,
    char *used, size_t size, long long *resets)
{
    int          between;
    char         since[32];
    redisReply  *reply, *life;

    between = ctl_uses[kind].between;
    snprintf(since, sizeof(since), "(%lld", now);

    reply = ctl_ask(ctl, ctl_uses[kind].command, text,
                    between ? since : NULL, between ? "+inf" : NULL);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    life = ctl_ask(ctl, "PTTL", text, NULL, NULL);

    if (life == NULL) {
        freeReplyObject(reply);
        return CTL_FAILED;
    }

    *resets = life->integer;

    if (!between && reply->str == NULL) {
        snprintf(used, size, "nothing");

    } else if (!ctl_uses[kind].used(reply, now, *resets, used, size)) {
        snprintf(used, size, "damaged");
    }

    freeReplyObject(reply);
    freeReplyObject(life);

    return CTL_OK;
}


static void
ctl_row(ctl_tenant_t *t, const char *name, size_t len, jr_limit_kind_e kind,
    const char *of, const char *configured, const char *used,
    long long resets)
{
    char     overrides[256], text[JR_LIMIT_NAME_MAX + 1];
    json_t  *row;

    snprintf(text, sizeof(text), "%.*s", (int) len, name);
    ctl_overrides(t->overrides, text, t->now, overrides, sizeof(overrides));

    row = json_object();

    json_object_set_new(row, "limit", json_string(text));
    json_object_set_new(row, "kind", json_string(jr_limit_kind_name(kind)));
    json_object_set_new(row, "of", ctl_string(of, strlen(of)));
    json_object_set_new(row, "configured", configured == NULL ? json_null()
                                           : json_string(configured));
    json_object_set_new(row, "override", overrides[0] == '\0' ? json_null()
                                         : ctl_string(overrides,
                                                      strlen(overrides)));
    json_object_set_new(row, "used", json_string(used));

    if (resets >= 0) {
        json_object_set_new(row, "resets", json_string(ctl_duration(resets)));
        json_object_set_new(row, "resetsInMs", json_integer(resets));
    }

    json_array_append_new(t->rows, row);
}


/* a counter that is there */

static int
ctl_tenant_on_key(ctl_t *ctl, const char *text, size_t len, void *data)
{
    ctl_tenant_t *t = data;

    int          rc;
    char         used[64], of[JR_NAME_MAX + 1];
    size_t       i;
    jr_key_t     key;
    long long    resets;
    const char  *configured;

    if (jr_key_read((jr_str_t) { len, text },
                    (jr_str_t) { strlen(ctl->prefix), ctl->prefix }, &key)
        != JR_OK
        || key.kind != JR_KEY_LIMIT)
    {
        return CTL_OK;
    }

    rc = ctl_used(ctl, text, key.limit, t->now, used,
                  sizeof(used), &resets);

    if (rc != CTL_OK) {
        return rc;
    }

    configured = NULL;

    for (i = 0; i < ctl->nlimits; i++) {
        if (ctl->limits[i].kind == key.limit
            && jr_str_eq(key.name, ctl->limits[i].name,
                         strlen(ctl->limits[i].name))
            && (key.window.len == 0
                || jr_str_eq(key.window, ctl->limits[i].window,
                             strlen(ctl->limits[i].window))))
        {
            configured = ctl->limits[i].words;
            t->seen[i] = 1;
        }
    }

    snprintf(of, sizeof(of), "%.*s", (int) key.by.len,
             key.by.len ? key.by.data : "");

    ctl_row(t, key.name.data, key.name.len, key.limit,
            of[0] ? of : "tenant", configured, used, resets);

    return CTL_OK;
}


/* the pattern of one tenant's counters */

static char *
ctl_tenant_pattern(ctl_t *ctl)
{
    char    *prefix, *tenant, *pattern;
    size_t   size;

    prefix = ctl_quote(ctl->prefix);
    tenant = ctl_quote(ctl->tenant);
    pattern = NULL;

    if (prefix != NULL && tenant != NULL) {
        size = strlen(prefix) + strlen(tenant) + sizeof("{}:v1:*");
        pattern = malloc(size);

        if (pattern != NULL) {
            snprintf(pattern, size, "%s{%s}:v1:*", prefix, tenant);
        }
    }

    free(prefix);
    free(tenant);

    return pattern;
}


/* Redis has keys in no order: by limit, kind and what it counts by */

static int
ctl_compare(const void *one, const void *two)
{
    int            rc;
    size_t         i;
    const char    *left, *right;
    json_t *const *first = one;
    json_t *const *second = two;

    static const char *const  names[] = { "limit", "kind", "of" };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        left = json_string_value(json_object_get(*first, names[i]));
        right = json_string_value(json_object_get(*second, names[i]));

        rc = strcmp(left ? left : "", right ? right : "");

        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


static int
ctl_tenant_show(ctl_t *ctl, const char *overrides)
{
    int           rc;
    char         *pattern;
    size_t        i;
    ctl_tenant_t  t;

    memset(&t, 0, sizeof(t));

    t.now = ctl_now(ctl);
    t.overrides = ctl_ask(ctl, "HGETALL", overrides, NULL, NULL);

    if (t.now == -1 || t.overrides == NULL) {
        return CTL_FAILED;
    }

    t.rows = json_array();
    pattern = ctl_tenant_pattern(ctl);
    rc = pattern != NULL ? ctl_scan(ctl, pattern, ctl_tenant_on_key, &t)
                         : ctl_fail(CTL_FAILED, "no memory");
    free(pattern);

    for (i = 0; i < ctl->nlimits && rc == CTL_OK; i++) {
        if (!t.seen[i]) {
            ctl_row(&t, ctl->limits[i].name, strlen(ctl->limits[i].name),
                    ctl->limits[i].kind, ctl->limits[i].key,
                    ctl->limits[i].words, "nothing", -1);
        }
    }

    freeReplyObject(t.overrides);

    if (rc != CTL_OK) {
        json_decref(t.rows);
        return rc;
    }

    ctl_sort(t.rows, ctl_compare);

    return ctl_show(ctl, t.rows, ctl_tenant_columns);
}


static int
ctl_reset_on_key(ctl_t *ctl, const char *text, size_t len, void *data)
{
    ctl_tenant_t *t = data;

    jr_key_t     key;
    redisReply  *reply;

    if (jr_key_read((jr_str_t) { len, text },
                    (jr_str_t) { strlen(ctl->prefix), ctl->prefix }, &key)
        != JR_OK
        || key.kind != JR_KEY_LIMIT
        || !jr_str_eq(key.name, t->only, strlen(t->only)))
    {
        return CTL_OK;
    }

    reply = ctl_ask(ctl, "DEL", text, NULL, NULL);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    t->deleted += (long) reply->integer;
    freeReplyObject(reply);

    return CTL_OK;
}


static int
ctl_tenant_reset(ctl_t *ctl, const char *name)
{
    int           rc;
    char         *pattern;
    ctl_tenant_t  t;

    rc = ctl_confirm(ctl, "What the tenant has used of this limit is "
                     "forgotten. Reset it?");

    if (rc != CTL_OK) {
        return rc;
    }

    memset(&t, 0, sizeof(t));
    t.only = name;

    pattern = ctl_tenant_pattern(ctl);
    rc = pattern != NULL ? ctl_scan(ctl, pattern, ctl_reset_on_key, &t)
                         : ctl_fail(CTL_FAILED, "no memory");
    free(pattern);

    if (rc == CTL_OK && t.deleted == 0) {
        return ctl_fail(CTL_NOTHING, "nothing is used of a limit \"%s\"",
                        name);
    }

    return rc != CTL_OK ? rc
           : ctl_show_one(ctl, json_pack("{s:s,s:s,s:i}", "tenant",
                                         ctl->tenant, "limit", name,
                                         "countersReset", (int) t.deleted));
}


int
ctl_tenant(ctl_t *ctl, int argc, char **argv)
{
    int    rc;
    char  *overrides;

    if (ctl->until != NULL && (argc != 3 || strcmp(argv[0], "set") != 0)) {
        return ctl_fail(CTL_USAGE, "--until is for \"tenant set\"");
    }

    if (argc == 1 && strcmp(argv[0], "list") == 0) {
        return ctl_override_list(ctl);
    }

    if (ctl->tenant == NULL) {
        return ctl_fail(CTL_USAGE, "which tenant? Say --tenant");
    }

    overrides = ctl_key(ctl, JR_KEY_OVERRIDES, NULL);

    if (overrides == NULL) {
        return ctl_fail(CTL_FAILED, "no memory");
    }

    if (argc == 1 && strcmp(argv[0], "show") == 0) {
        rc = ctl_tenant_show(ctl, overrides);

    } else if (argc == 3 && strcmp(argv[0], "set") == 0) {
        rc = ctl_override_set(ctl, overrides, argv[1], argv[2]);

    } else if (argc == 2 && strcmp(argv[0], "unset") == 0) {
        rc = ctl_override_set(ctl, overrides, argv[1], NULL);

    } else if (argc == 2 && strcmp(argv[0], "reset") == 0) {
        rc = ctl_tenant_reset(ctl, argv[1]);

    } else {
        rc = ctl_fail(CTL_USAGE, "tenant show; list; set LIMIT.WHAT VALUE; "
                      "unset LIMIT.WHAT; or reset LIMIT?");
    }

    free(overrides);

    return rc;
}
