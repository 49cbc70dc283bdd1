/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tenant set, unset, list: overrides of limits.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobrunsctl.h"
#include "jr_override.h"


/* rows of a list; more are not read */
#define CTL_OVERRIDES_MOST  10000


/*
 * Sets or deletes one field, and deletes those that have ended.  The key itself
 * never ends: by hand (HSET) a field without an end may be put beside others.
 */
static const char  ctl_override_lua[] =
    "local now, n = redis.call('TIME')[1] + 0, nil\n"
    "if ARGV[2] then\n"
    "  n = redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])\n"
    "else\n"
    "  n = redis.call('HDEL', KEYS[1], ARGV[1])\n"
    "end\n"
    "if redis.call('HLEN', KEYS[1]) <= 1000 then\n"
    "  local all = redis.call('HGETALL', KEYS[1])\n"
    "  for i = 1, #all, 2 do\n"
    "    local ends = string.match(all[i + 1], ' until (%d+)$')\n"
    "    if ends and #ends <= 11 and ends + 0 <= now then\n"
    "      redis.call('HDEL', KEYS[1], all[i])\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return n\n";


static const ctl_column_t  ctl_override_columns[] = {
    { "tenant", "TENANT" },
    { "override", "OVERRIDE" },
    { "value", "VALUE" },
    { "until", "UNTIL" },
    { "state", "STATE" },
    { NULL, NULL }
};


typedef struct {
    json_t     *rows;
    json_t     *seen;           /* a scan may have a key twice */
    long long   now;            /* ms */
    unsigned    cut:1;
} ctl_override_t;


/* "2026-11-28T00:00:00Z" */

static void
ctl_override_time(int64_t until, char *buf, size_t size)
{
    time_t     t;
    struct tm  tm;

    t = (time_t) until;

    if (gmtime_r(&t, &tm) == NULL
        || strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
    {
        snprintf(buf, size, "%lld", (long long) until);
    }
}


void
ctl_override_words(const char *text, long long now, char *buf, size_t size)
{
    char      at[32];
    int64_t   until;
    jr_str_t  value;

    if (jr_override_read((jr_str_t) { strlen(text), text }, &value, &until)
        != JR_OK
        || until == 0)
    {
        snprintf(buf, size, "%s", text);
        return;
    }

    ctl_override_time(until, at, sizeof(at));

    snprintf(buf, size, "%.*s %s %s", (int) value.len, value.data,
             until * 1000 > now ? "until" : "ended", at);
}


/*
 * The parameter of a kind of limit that what is behind a field's dot overrides;
 * NULL: none.
 */

static const jr_limit_param_t *
ctl_override_param(int kind, const char *what)
{
    size_t                   len;
    const jr_limit_param_t  *p;

    len = strlen(what);

    for (p = jr_limit_kinds[kind].params; p->name != NULL; p++) {
        if (p->override != NULL && strlen(p->name) == len + 1
            && memcmp(p->name, what, len) == 0)
        {
            return p;
        }
    }

    return NULL;
}


/* "daily.limit": the parameter, *len the length of the name; NULL: it cannot
   be a field */

static const jr_limit_param_t *
ctl_override_field(const char *field, size_t *len)
{
    int                      kind;
    const char              *dot;
    const jr_limit_param_t  *param;

    dot = strrchr(field, '.');

    if (dot == NULL) {
        return NULL;
    }

    *len = (size_t) (dot - field);

    if (jr_limit_name((jr_str_t) { *len, field }) != JR_OK) {
        return NULL;
    }

    for (kind = 0; kind < JR_LIMIT_LAST; kind++) {
        param = ctl_override_param(kind, dot + 1);

        if (param != NULL) {
            return param;
        }
    }

    return NULL;
}


/* whether a limit of the configuration has this field */

static int
ctl_override_configured(ctl_t *ctl, const char *field, size_t len)
{
    size_t  i;

    if (ctl->limits_cut) {
        return 1;
    }

    for (i = 0; i < ctl->nlimits; i++) {
        if (strlen(ctl->limits[i].name) == len
            && strncmp(ctl->limits[i].name, field, len) == 0
            && ctl_override_param(ctl->limits[i].kind, field + len + 1))
        {
            return 1;
        }
    }

    return 0;
}


/* "daily.limit, per_tenant.rate, per_tenant.burst": what there is */

static void
ctl_override_fields(ctl_t *ctl, char *buf, size_t size)
{
    size_t                   i, used;
    const jr_limit_param_t  *p;

    used = 0;
    snprintf(buf, size, "none");

    for (i = 0; i < ctl->nlimits; i++) {

        p = jr_limit_kinds[ctl->limits[i].kind].params;

        for ( /* void */ ; p->name != NULL && used < size; p++) {
            if (p->override != NULL) {
                used += (size_t) snprintf(buf + used, size - used,
                                          "%s%s.%.*s", used ? ", " : "",
                                          ctl->limits[i].name,
                                          (int) strlen(p->name) - 1,
                                          p->name);
            }
        }
    }
}


/* names are known where --conf tells them; without it a warning is all */

static int
ctl_override_check(ctl_t *ctl, const char *field, const char *value)
{
    char                     fields[1024];
    size_t                   len;
    const jr_limit_param_t  *param;

    param = ctl_override_field(field, &len);

    if (param == NULL) {
        return ctl_fail(CTL_USAGE, "\"%s\" must be the name of a limit with "
                        "\".rate\", \".burst\" or \".limit\"", field);
    }

    /* what no limit has any more can be unset all the same */

    if (value == NULL) {
        return CTL_OK;
    }

    if (ctl->conf == NULL) {
        ctl_warn("warning: whether a limit \"%.*s\" is configured is not "
                 "known; name the configuration with --conf", (int) len,
                 field);

    } else if (!ctl_override_configured(ctl, field, len)) {
        ctl_override_fields(ctl, fields, sizeof(fields));

        return ctl_fail(CTL_USAGE, "\"%s\" has no limit with \"%s\"; what can "
                        "be set: %s", ctl->conf, field, fields);
    }

    if (param->override((jr_str_t) { strlen(value), value }) == JR_OK) {
        return CTL_OK;
    }

    return ctl_fail(CTL_USAGE, "\"%s\" is not a value of \"%s\"; set it to "
                    "%s", value, field, param->overridden);
}


/* value with its end, as it is stored */

static int
ctl_override_value(ctl_t *ctl, const char *value, char *buf, size_t size)
{
    int64_t    until;
    long long  now;

    if (ctl->until == NULL) {
        snprintf(buf, size, "%s", value);
        return CTL_OK;
    }

    now = ctl_now(ctl);

    if (now == -1) {
        return CTL_FAILED;
    }

    if (jr_override_until((jr_str_t) { strlen(ctl->until), ctl->until },
                          now / 1000, &until) != JR_OK)
    {
        return ctl_fail(CTL_USAGE, "--until \"%s\" must be \"today\", a time "
                        "from now as \"+4h\" (s, m, h or d), or a time in "
                        "UTC as \"2026-11-28T12:00:00Z\", and later than "
                        "Redis' clock", ctl->until);
    }

    snprintf(buf, size, "%s until %lld", value, (long long) until);

    return CTL_OK;
}


int
ctl_override_set(ctl_t *ctl, const char *key, const char *field,
    const char *value)
{
    int          rc;
    char         text[96], words[96];
    json_t      *shown;
    redisReply  *reply;
    const char  *argv[6] = { "EVAL", ctl_override_lua, "1", key, field, text };

    rc = ctl_override_check(ctl, field, value);

    if (rc == CTL_OK && value != NULL) {
        rc = ctl_override_value(ctl, value, text, sizeof(text));
    }

    if (rc != CTL_OK) {
        return rc;
    }

    reply = ctl_command(ctl, 0, value ? 6 : 5, argv);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    rc = value == NULL && reply->integer == 0
         ? ctl_fail(CTL_NOTHING, "\"%s\" was not overridden", field) : CTL_OK;

    freeReplyObject(reply);

    if (rc != CTL_OK) {
        return rc;
    }

    if (value != NULL) {
        ctl_override_words(text, 0, words, sizeof(words));
    }

    shown = json_pack("{s:s,s:s,s:s?}", "tenant", ctl->tenant, "field", field,
                      "value", value ? words : NULL);

    return ctl_show_one(ctl, shown);
}


/* ------------------------------------------------------------------- list */


static const char *
ctl_override_state(ctl_t *ctl, const char *field, jr_str_t value,
    int64_t until, long long now)
{
    size_t                   len;
    const jr_limit_param_t  *param;

    param = ctl_override_field(field, &len);

    if (param == NULL || param->override(value) != JR_OK) {
        return "invalid, ignored";
    }

    if (until && until * 1000 <= now) {
        return "ended";
    }

    return ctl->conf != NULL && !ctl_override_configured(ctl, field, len)
           ? "no such limit" : "in force";
}


static void
ctl_override_row(ctl_t *ctl, ctl_override_t *o, const jr_key_t *key,
    const char *field, const char *text)
{
    char         at[32];
    json_t      *row;
    int64_t      until;
    jr_str_t     value;
    const char  *state;

    row = json_object();
    json_object_set_new(row, "tenant", ctl_string(key->tenant.data,
                                                  key->tenant.len));
    json_object_set_new(row, "override", ctl_string(field, strlen(field)));

    if (jr_override_read((jr_str_t) { strlen(text), text }, &value, &until)
        == JR_OK)
    {
        state = ctl_override_state(ctl, field, value, until, o->now);

    } else {
        value = (jr_str_t) { strlen(text), text };
        state = "invalid, ignored";
    }

    json_object_set_new(row, "value", ctl_string(value.data, value.len));
    ctl_override_time(until, at, sizeof(at));
    json_object_set_new(row, "until", until ? json_string(at) : json_null());
    json_object_set_new(row, "state", json_string(state));

    if (until) {
        json_object_set_new(row, "endsInMs", json_integer(until * 1000
                                                          - o->now));
    }

    json_array_append_new(o->rows, row);
}


/* of the first step of HSCAN, which has all but of a hash that is not the
   gateway's */

static int
ctl_override_on_hash(ctl_t *ctl, const char *text, size_t len,
    redisReply *reply, void *data)
{
    ctl_override_t *o = data;

    size_t       i;
    jr_key_t     key;
    redisReply  *fields;

    if (!ctl_key_split(ctl, text, len, &key)
        || key.kind != JR_KEY_OVERRIDES || key.name.len
        || json_object_get(o->seen, text) != NULL)
    {
        return CTL_OK;
    }

    if (json_array_size(o->rows) >= CTL_OVERRIDES_MOST) {
        o->cut = 1;
        return CTL_ENOUGH;
    }

    json_object_set_new(o->seen, text, json_true());

    if (reply->type == REDIS_REPLY_ERROR
        && strncmp(reply->str, "WRONGTYPE", 9) == 0)
    {
        ctl_override_row(ctl, o, &key, "*", "not a hash");
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || reply->element[0]->str == NULL
        || reply->element[1]->type != REDIS_REPLY_ARRAY)
    {
        return CTL_OK;
    }

    fields = reply->element[1];

    for (i = 0; i + 1 < fields->elements; i += 2) {
        if (fields->element[i]->str != NULL
            && fields->element[i + 1]->str != NULL)
        {
            ctl_override_row(ctl, o, &key, fields->element[i]->str,
                             fields->element[i + 1]->str);
        }
    }

    if (strcmp(reply->element[0]->str, "0") != 0) {
        ctl_override_row(ctl, o, &key, "*", "more fields");
    }

    return CTL_OK;
}


static int
ctl_override_order(const void *one, const void *two)
{
    int           rc;
    size_t        i;
    json_t *const *a = one, *const *b = two;

    static const char *const  names[] = { "tenant", "override" };

    for (i = 0, rc = 0; i < 2 && rc == 0; i++) {
        rc = strcmp(json_string_value(json_object_get(*a, names[i])),
                    json_string_value(json_object_get(*b, names[i])));
    }

    return rc;
}


int
ctl_override_list(ctl_t *ctl)
{
    int              rc;
    ctl_override_t   o;
    const char      *argv[5] = { "HSCAN", NULL, "0", "COUNT", "1000" };

    memset(&o, 0, sizeof(o));
    o.now = ctl_now(ctl);

    if (o.now == -1) {
        return CTL_FAILED;
    }

    o.rows = json_array();
    o.seen = json_object();

    rc = ctl_scan_ask(ctl, ":limits", 5, argv, ctl_override_on_hash, &o);

    json_decref(o.seen);

    if (rc != CTL_OK && rc != CTL_ENOUGH) {
        json_decref(o.rows);
        return rc;
    }

    if (o.cut) {
        ctl_warn("there are more: only %zu overrides are shown; name one "
                 "tenant with --tenant", json_array_size(o.rows));
    }

    ctl_sort(o.rows, ctl_override_order);

    return ctl_show(ctl, o.rows, ctl_override_columns);
}
