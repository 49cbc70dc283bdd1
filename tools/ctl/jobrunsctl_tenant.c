/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tenant show, reset, and the other verbs of tenants: the limits of one.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"

#include "jr_counter_read.h"
#include "jr_script.h"


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


/* a counter without those of one name: the rest, and how many there were */

static const char  ctl_reset_lua[] =
    "local text = redis.call('GET', KEYS[1])\n"
    "if not text or string.sub(text, 1, 1) ~= '" JR_SCRIPT_FORMAT "' then\n"
    "  return 0\n"
    "end\n"
    "local rest, at, n = { '" JR_SCRIPT_FORMAT "' }, 2, 0\n"
    "while at + 2 <= #text do\n"
    "  local after = at + 3 + string.byte(text, at + 2) + ARGV[2]\n"
    "  if string.sub(text, at + 3, after - 1 - ARGV[2]) == ARGV[1] then\n"
    "    n = n + 1\n"
    "  else\n"
    "    rest[#rest + 1] = string.sub(text, at, after - 1)\n"
    "  end\n"
    "  at = after\n"
    "end\n"
    "if n == 0 then\n"
    "  return 0\n"
    "elseif #rest == 1 then\n"
    "  redis.call('DEL', KEYS[1])\n"
    "else\n"
    "  redis.call('SET', KEYS[1], table.concat(rest), 'KEEPTTL')\n"
    "end\n"
    "return n\n";


/* what is used of a counter, in words */

static void
ctl_used(const jr_counter_t *c, long long now, char *used, size_t size)
{
    if (c->end <= now) {
        snprintf(used, size, "nothing");

    } else if (c->kind == JR_LIMIT_RATE) {
        snprintf(used, size, "%.1f requests ahead", jr_counter_used(c, now));

    } else {
        snprintf(used, size, "%lld", (long long) c->count);
    }
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


/* a row, with what is configured for it */

static void
ctl_tenant_row(ctl_t *ctl, ctl_tenant_t *t, const jr_key_t *key,
    const jr_counter_t *c, const char *used)
{
    char         of[JR_NAME_MAX + 1];
    size_t       i;
    long long    resets;
    const char  *configured;

    configured = NULL;

    for (i = 0; i < ctl->nlimits; i++) {
        if (ctl->limits[i].kind == c->kind
            && jr_str_eq(c->name, ctl->limits[i].name,
                         strlen(ctl->limits[i].name))
            && (!jr_limit_kinds[c->kind].windowed
                || ctl->limits[i].window[0] == c->window))
        {
            configured = ctl->limits[i].words;
            t->seen[i] = 1;
        }
    }

    snprintf(of, sizeof(of), "%.*s", (int) key->by.len,
             key->by.len ? key->by.data : "");

    resets = (long long) c->end - t->now;

    ctl_row(t, c->name.data, c->name.len, c->kind, of[0] ? of : "tenant",
            configured, used, resets > 0 ? resets : -1);
}


static int
ctl_tenant_on_counters(ctl_t *ctl, ctl_tenant_t *t, const char *text,
    const jr_key_t *key)
{
    char           used[64];
    jr_str_t       rest;
    redisReply    *reply;
    jr_counter_t   c;

    reply = ctl_ask(ctl, "GET", text, NULL, NULL);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    rest = (jr_str_t) { reply->len, reply->str };

    if (reply->type == REDIS_REPLY_STRING
        && jr_counter_begin(&rest) == JR_OK)
    {
        while (rest.len && jr_counter_next(&rest, &c) == JR_OK) {

            if (c.kind != JR_LIMIT_LAST) {
                ctl_used(&c, t->now, used, sizeof(used));
                ctl_tenant_row(ctl, t, key, &c, used);
            }
        }
    }

    if (reply->type == REDIS_REPLY_STRING && rest.len) {
        ctl_row(t, "", 0, JR_LIMIT_LAST, key->by.len ? key->by.data : "tenant",
                NULL, "damaged", -1);
    }

    freeReplyObject(reply);

    return CTL_OK;
}


static int
ctl_tenant_on_slots(ctl_t *ctl, ctl_tenant_t *t, const char *text,
    const jr_key_t *key)
{
    char          used[64], since[32];
    redisReply   *held, *last;
    jr_counter_t  c;
    const char   *argv[5] = { "ZRANGE", text, "-1", "-1", "WITHSCORES" };

    snprintf(since, sizeof(since), "(%lld", t->now);

    held = ctl_ask(ctl, "ZCOUNT", text, since, "+inf");

    if (held == NULL) {
        return CTL_FAILED;
    }

    last = ctl_command(ctl, 0, 5, argv);

    if (last == NULL) {
        freeReplyObject(held);
        return CTL_FAILED;
    }

    memset(&c, 0, sizeof(c));

    c.kind = JR_LIMIT_CONCURRENCY;
    c.name = key->name;

    if (last->type == REDIS_REPLY_ARRAY && last->elements == 2) {
        c.end = atoll(last->element[1]->str);
    }

    if (held->type == REDIS_REPLY_INTEGER) {
        snprintf(used, sizeof(used), "%lld now", held->integer);

    } else {
        snprintf(used, sizeof(used), "damaged");
    }

    ctl_tenant_row(ctl, t, key, &c, used);

    freeReplyObject(held);
    freeReplyObject(last);

    return CTL_OK;
}


static int
ctl_tenant_on_key(ctl_t *ctl, const char *text, size_t len, void *data)
{
    ctl_tenant_t *t = data;

    jr_key_t  key;

    if (!ctl_key_split(ctl, text, len, &key)) {
        return CTL_OK;
    }

    switch (key.kind) {

    case JR_KEY_COUNTERS:
        return ctl_tenant_on_counters(ctl, t, text, &key);

    case JR_KEY_SLOTS:
        return ctl_tenant_on_slots(ctl, t, text, &key);

    default:
        return CTL_OK;
    }
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

    char         size[24];
    jr_key_t     key;
    redisReply  *reply;
    const char  *argv[6] = { "EVAL", ctl_reset_lua, "1", text, t->only,
                             size };

    if (!ctl_key_split(ctl, text, len, &key)) {
        return CTL_OK;
    }

    if (key.kind == JR_KEY_COUNTERS) {
        snprintf(size, sizeof(size), "%d", JR_COUNTER_SIZE);
        reply = ctl_command(ctl, 0, 6, argv);

    } else if (key.kind == JR_KEY_SLOTS
               && jr_str_eq(key.name, t->only, strlen(t->only)))
    {
        reply = ctl_ask(ctl, "DEL", text, NULL, NULL);

    } else {
        return CTL_OK;
    }

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

    if ((argc == 1 || argc == 2) && strcmp(argv[0], "top") == 0) {
        return ctl_use(ctl, argc == 2 ? argv[1] : "20");
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
        rc = ctl_fail(CTL_USAGE, "tenant show; list; top [N]; set "
                      "LIMIT.WHAT VALUE; unset LIMIT.WHAT; or reset LIMIT?");
    }

    free(overrides);

    return rc;
}
