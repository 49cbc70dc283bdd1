/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tenant show, set, unset, reset: the limits of one tenant.
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
ctl_overrides(redisReply *all, const char *name, char *buf, size_t size)
{
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

        used += (size_t) snprintf(buf + used, size - used, "%s%s %s",
                                  used ? ", " : "",
                                  all->element[i]->str + len + 1,
                                  all->element[i + 1]->str);
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
    ctl_overrides(t->overrides, text, overrides, sizeof(overrides));

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

    return ctl_show(ctl, t.rows, ctl_tenant_columns);
}


/* the parameter of a limit that a field overrides, by what is behind its dot;
   NULL: none */

static const jr_limit_param_t *
ctl_override_find(const char *what)
{
    int                      kind;
    size_t                   len;
    const jr_limit_param_t  *p;

    len = strlen(what);

    for (kind = 0; kind < JR_LIMIT_LAST; kind++) {
        for (p = jr_limit_kinds[kind].params; p->name != NULL; p++) {
            if (p->override != NULL && strlen(p->name) == len + 1
                && memcmp(p->name, what, len) == 0)
            {
                return p;
            }
        }
    }

    return NULL;
}


/* "daily.limit": the configured names where --conf tells them */

static int
ctl_check_override(ctl_t *ctl, const char *field, const char *value)
{
    size_t                   i, len;
    const char              *dot;
    const jr_limit_param_t  *param;

    dot = strrchr(field, '.');
    len = dot != NULL ? (size_t) (dot - field) : 0;
    param = dot != NULL ? ctl_override_find(dot + 1) : NULL;

    if (param == NULL || jr_limit_name((jr_str_t) { len, field }) != JR_OK) {
        return ctl_fail(CTL_USAGE, "\"%s\" must be the name of a limit with "
                        "\".rate\", \".burst\" or \".limit\"", field);
    }

    for (i = 0; i < ctl->nlimits; i++) {
        if (strlen(ctl->limits[i].name) == len
            && strncmp(ctl->limits[i].name, field, len) == 0)
        {
            break;
        }
    }

    if (ctl->nlimits && i == ctl->nlimits) {
        return ctl_fail(CTL_USAGE, "the configuration has no limit \"%.*s\"",
                        (int) len, field);
    }

    if (value == NULL
        || param->override((jr_str_t) { strlen(value), value }) == JR_OK)
    {
        return CTL_OK;
    }

    return ctl_fail(CTL_USAGE, "\"%s\" is nothing that \"%s\" can be: %s",
                    value, field, param->overridden);
}


static int
ctl_tenant_set(ctl_t *ctl, const char *overrides, const char *field,
    const char *value)
{
    int          rc;
    redisReply  *reply;

    rc = ctl_check_override(ctl, field, value);

    if (rc != CTL_OK) {
        return rc;
    }

    reply = ctl_ask(ctl, value ? "HSET" : "HDEL", overrides, field, value);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    rc = value == NULL && reply->integer == 0
         ? ctl_fail(CTL_NOTHING, "\"%s\" was not overridden", field) : CTL_OK;

    freeReplyObject(reply);

    return rc != CTL_OK ? rc
           : ctl_show_one(ctl, json_pack("{s:s,s:s,s:s?}", "tenant",
                                         ctl->tenant, "field", field, "value",
                                         value));
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
        rc = ctl_tenant_set(ctl, overrides, argv[1], argv[2]);

    } else if (argc == 2 && strcmp(argv[0], "unset") == 0) {
        rc = ctl_tenant_set(ctl, overrides, argv[1], NULL);

    } else if (argc == 2 && strcmp(argv[0], "reset") == 0) {
        rc = ctl_tenant_reset(ctl, argv[1]);

    } else {
        rc = ctl_fail(CTL_USAGE, "tenant show; set LIMIT.WHAT VALUE; unset "
                      "LIMIT.WHAT; or reset LIMIT?");
    }

    free(overrides);

    return rc;
}
