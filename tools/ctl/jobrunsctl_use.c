/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tenant top: who has used most of which limit.
 *
 * What is in force is known of a limit that the configuration has, with the
 * tenant's overrides; of others only what is used.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"
#include "jr_counter_read.h"
#include "jr_decimal.h"
#include "jr_override.h"


/* counters and overrides that are read, and rows at the most */
#define CTL_USE_COUNTERS   200000
#define CTL_USE_OVERRIDES  10000
#define CTL_USE_ROWS       1000


static const ctl_column_t  ctl_use_columns[] = {
    { "share", "SHARE" },
    { "tenant", "TENANT" },
    { "limit", "LIMIT" },
    { "kind", "KIND" },
    { "of", "OF" },
    { "used", "USED" },
    { "inForce", "IN FORCE" },
    { "resets", "RESETS IN" },
    { NULL, NULL }
};


/* one counter; texts are its own */
typedef struct {
    char             tenant[JR_NAME_MAX + 1];
    char             name[JR_LIMIT_NAME_MAX + 1];
    char             by[JR_NAME_MAX + 1];
    jr_limit_kind_e  kind;
    double           used;
    double           most;      /* in force; -1: not known */
    double           share;     /* -1: not known */
    long long        resets;    /* ms; 0: not known */
} ctl_use_row_t;


typedef struct {
    json_t          *overrides; /* "tenant\nfield": value in force */
    ctl_use_row_t   *rows;      /* the first of all, in order */
    size_t           n;
    size_t           most;
    size_t           seen;
    long long        now;
    unsigned         cut:1;
} ctl_use_t;


static void
ctl_use_copy(char *dst, size_t size, jr_str_t text)
{
    snprintf(dst, size, "%.*s", (int) text.len, text.len ? text.data : "");
}


/* whether a comes before b */

static int
ctl_use_before(const ctl_use_row_t *a, const ctl_use_row_t *b)
{
    if (a->share < b->share || a->share > b->share) {
        return a->share > b->share;
    }

    if (a->used < b->used || a->used > b->used) {
        return a->used > b->used;
    }

    return strcmp(a->tenant, b->tenant) < 0;
}


static int
ctl_use_same(const ctl_use_row_t *a, const ctl_use_row_t *b)
{
    return a->kind == b->kind && strcmp(a->tenant, b->tenant) == 0
           && strcmp(a->name, b->name) == 0 && strcmp(a->by, b->by) == 0
           && a->resets == b->resets;
}


/* into its place, or nowhere; a scan may have a key twice */

static void
ctl_use_insert(ctl_use_t *t, const ctl_use_row_t *row)
{
    size_t  i, k;

    for (i = t->n; i && ctl_use_before(row, &t->rows[i - 1]); i--) {
        /* void */
    }

    for (k = i; k && t->rows[k - 1].used >= row->used
                && t->rows[k - 1].used <= row->used; k--)
    {
        if (ctl_use_same(&t->rows[k - 1], row)) {
            return;
        }
    }

    if (i == t->most) {
        return;
    }

    if (t->n < t->most) {
        t->n++;
    }

    memmove(&t->rows[i + 1], &t->rows[i], (t->n - i - 1) * sizeof(*row));
    t->rows[i] = *row;
}


/* the override of one field, in force; NULL: none.  value is not terminated */

static const char *
ctl_use_override(ctl_use_t *t, const ctl_use_row_t *row, const char *what)
{
    char  name[JR_NAME_MAX + JR_LIMIT_NAME_MAX + 16];

    snprintf(name, sizeof(name), "%s\n%s.%s", row->tenant, row->name, what);

    return json_string_value(json_object_get(t->overrides, name));
}


/* what a configured limit allows, with the tenant's overrides */

static double
ctl_use_most(ctl_use_t *t, const ctl_limit_t *configured,
    const ctl_use_row_t *row)
{
    char                    *words, *word, *rest;
    int64_t                  n;
    jr_limit_t               limit;
    const char              *override;
    const jr_limit_param_t  *p;

    memset(&limit, 0, sizeof(limit));
    words = strdup(configured->words);

    for (word = words ? strtok_r(words, " ", &rest) : NULL; word != NULL;
         word = strtok_r(NULL, " ", &rest))
    {
        for (p = jr_limit_kinds[row->kind].params; p->name != NULL; p++) {
            if (strncmp(word, p->name, strlen(p->name)) == 0) {
                word += strlen(p->name);
                (void) p->set(&limit, (jr_str_t) { strlen(word), word });
                break;
            }
        }
    }

    free(words);

    override = ctl_use_override(t, row, row->kind == JR_LIMIT_RATE ? "rate"
                                                                   : "limit");

    if (override != NULL && strcmp(override, "none") == 0) {
        return -1;
    }

    if (row->kind == JR_LIMIT_RATE) {
        override = ctl_use_override(t, row, "burst");
        n = limit.burst;

        if (override != NULL) {
            (void) jr_decimal_read((jr_str_t) { strlen(override), override },
                                   JR_BURST_MAX, &n);
        }

        return (double) n + 1;
    }

    n = limit.count;

    if (override != NULL) {
        (void) jr_decimal_read((jr_str_t) { strlen(override), override },
                               JR_QUOTA_MAX, &n);
    }

    return (double) n;
}


static void
ctl_use_counter(ctl_t *ctl, ctl_use_t *t, ctl_use_row_t *row, char window)
{
    size_t  i;

    if (t->seen == CTL_USE_COUNTERS) {
        t->cut = 1;
        return;
    }

    t->seen++;
    row->most = -1;

    for (i = 0; i < ctl->nlimits; i++) {
        if (ctl->limits[i].kind == row->kind
            && strcmp(ctl->limits[i].name, row->name) == 0
            && (!jr_limit_kinds[row->kind].windowed
                || ctl->limits[i].window[0] == window))
        {
            row->most = ctl_use_most(t, &ctl->limits[i], row);
            break;
        }
    }

    /* a limit of 0 is used up */

    row->share = row->most < 0 ? -1
                 : row->most > 0 ? row->used / row->most * 100 : 100;

    if (row->used > 0) {
        ctl_use_insert(t, row);
    }
}


static int
ctl_use_key(ctl_t *ctl, const char *text, size_t len, jr_key_t *key,
    ctl_use_row_t *row)
{
    if (!ctl_key_split(ctl, text, len, key)) {
        return 0;
    }

    memset(row, 0, sizeof(*row));

    ctl_use_copy(row->tenant, sizeof(row->tenant), key->tenant);
    ctl_use_copy(row->by, sizeof(row->by), key->by);

    return 1;
}


static int
ctl_use_on_counters(ctl_t *ctl, const char *text, size_t len,
    redisReply *reply, void *data)
{
    ctl_use_t *t = data;

    jr_key_t       key;
    jr_str_t       rest;
    jr_counter_t   c;
    ctl_use_row_t  row;

    if (reply->type != REDIS_REPLY_STRING
        || !ctl_use_key(ctl, text, len, &key, &row)
        || key.kind != JR_KEY_COUNTERS)
    {
        return CTL_OK;
    }

    rest = (jr_str_t) { reply->len, reply->str };

    if (jr_counter_begin(&rest) != JR_OK) {
        return CTL_OK;
    }

    while (rest.len && jr_counter_next(&rest, &c) == JR_OK) {

        if (c.kind == JR_LIMIT_LAST || c.end <= t->now) {
            continue;
        }

        ctl_use_copy(row.name, sizeof(row.name), c.name);
        row.kind = c.kind;
        row.resets = (long long) c.end - t->now;
        row.used = jr_counter_used(&c, t->now);

        ctl_use_counter(ctl, t, &row, c.window);
    }

    return t->cut ? CTL_ENOUGH : CTL_OK;
}


static int
ctl_use_on_slots(ctl_t *ctl, const char *text, size_t len, redisReply *reply,
    void *data)
{
    ctl_use_t *t = data;

    jr_key_t       key;
    ctl_use_row_t  row;

    if (reply->type != REDIS_REPLY_INTEGER
        || !ctl_use_key(ctl, text, len, &key, &row)
        || key.kind != JR_KEY_SLOTS)
    {
        return CTL_OK;
    }

    ctl_use_copy(row.name, sizeof(row.name), key.name);
    row.kind = JR_LIMIT_CONCURRENCY;
    row.used = (double) reply->integer;

    ctl_use_counter(ctl, t, &row, '-');

    return t->cut ? CTL_ENOUGH : CTL_OK;
}


/* a field of a tenant, if it is in force */

static void
ctl_use_field(ctl_use_t *t, const jr_key_t *key, redisReply *field,
    redisReply *text)
{
    char      name[JR_NAME_MAX + JR_LIMIT_NAME_MAX + 16];
    int64_t   until;
    jr_str_t  value;

    if (field->str == NULL || text->str == NULL
        || jr_override_read((jr_str_t) { text->len, text->str }, &value,
                            &until) != JR_OK
        || (until && until * 1000 <= t->now))
    {
        return;
    }

    snprintf(name, sizeof(name), "%.*s\n%s", (int) key->tenant.len,
             key->tenant.data, field->str);
    json_object_set_new(t->overrides, name, ctl_string(value.data,
                                                       value.len));
}


/* of the first step of HSCAN, which has all but of a hash that is not the
   gateway's */

static int
ctl_use_on_overrides(ctl_t *ctl, const char *text, size_t len,
    redisReply *reply, void *data)
{
    ctl_use_t *t = data;

    size_t       i;
    jr_key_t     key;
    redisReply  *fields;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || reply->element[1]->type != REDIS_REPLY_ARRAY
        || !ctl_key_split(ctl, text, len, &key)
        || key.kind != JR_KEY_OVERRIDES || key.name.len)
    {
        return CTL_OK;
    }

    fields = reply->element[1];

    for (i = 0; i + 1 < fields->elements; i += 2) {

        if (json_object_size(t->overrides) >= CTL_USE_OVERRIDES) {
            ctl_warn("only %d overrides are considered", CTL_USE_OVERRIDES);
            return CTL_ENOUGH;
        }

        ctl_use_field(t, &key, fields->element[i], fields->element[i + 1]);
    }

    return CTL_OK;
}


static int
ctl_use_read(ctl_t *ctl, ctl_use_t *t)
{
    int          rc;
    char         since[32];
    const char  *all[5] = { "HSCAN", NULL, "0", "COUNT", "1000" };
    const char  *get[2] = { "GET", NULL };
    const char  *held[4] = { "ZCOUNT", NULL, since, "+inf" };

    snprintf(since, sizeof(since), "(%lld", t->now);

    rc = ctl_scan_ask(ctl, ":limits", 5, all, ctl_use_on_overrides, t);

    if (rc == CTL_OK || rc == CTL_ENOUGH) {
        rc = ctl_scan_ask(ctl, ":v1:counters*", 2, get, ctl_use_on_counters,
                          t);
    }

    if (rc == CTL_OK) {
        rc = ctl_scan_ask(ctl, ":v1:slots:*", 4, held, ctl_use_on_slots, t);
    }

    if (rc == CTL_ENOUGH) {
        ctl_warn("only %d counters were read; name one tenant with --tenant",
                 CTL_USE_COUNTERS);
        return CTL_OK;
    }

    return rc;
}


static json_t *
ctl_use_show(const ctl_use_row_t *row)
{
    char     text[32];
    json_t  *object;

    object = json_object();

    json_object_set_new(object, "tenant", ctl_string(row->tenant,
                                                     strlen(row->tenant)));
    json_object_set_new(object, "limit", ctl_string(row->name,
                                                    strlen(row->name)));
    json_object_set_new(object, "kind",
                        json_string(jr_limit_kind_name(row->kind)));
    json_object_set_new(object, "of", row->by[0]
                        ? ctl_string(row->by, strlen(row->by))
                        : json_string("tenant"));
    json_object_set_new(object, "used", row->kind == JR_LIMIT_RATE
                        ? json_real(row->used)
                        : json_integer((json_int_t) row->used));
    json_object_set_new(object, "inForce", row->most < 0 ? json_null()
                        : json_integer((json_int_t) row->most));

    snprintf(text, sizeof(text), "%.0f%%", row->share);
    json_object_set_new(object, "share", row->share < 0 ? json_null()
                                         : json_string(text));

    if (row->resets > 0) {
        json_object_set_new(object, "resets",
                            json_string(ctl_duration(row->resets)));
        json_object_set_new(object, "resetsInMs", json_integer(row->resets));
    }

    return object;
}


int
ctl_use(ctl_t *ctl, const char *number)
{
    int         rc;
    size_t      i;
    json_t     *rows;
    int64_t     most;
    ctl_use_t   t;

    if (jr_decimal_read((jr_str_t) { strlen(number), number }, CTL_USE_ROWS,
                        &most) != JR_OK
        || most == 0)
    {
        return ctl_fail(CTL_USAGE, "tenant top \"%s\": must be a number from "
                        "1 to %d", number, CTL_USE_ROWS);
    }

    memset(&t, 0, sizeof(t));

    t.most = (size_t) most;
    t.now = ctl_now(ctl);

    if (t.now == -1) {
        return CTL_FAILED;
    }

    t.rows = calloc(t.most, sizeof(ctl_use_row_t));

    if (t.rows == NULL) {
        return ctl_fail(CTL_FAILED, "no memory");
    }

    t.overrides = json_object();
    rc = ctl_use_read(ctl, &t);
    rows = json_array();

    for (i = 0; i < t.n; i++) {
        json_array_append_new(rows, ctl_use_show(&t.rows[i]));
    }

    json_decref(t.overrides);
    free(t.rows);

    if (rc != CTL_OK) {
        json_decref(rows);
        return rc;
    }

    return ctl_show(ctl, rows, ctl_use_columns);
}
