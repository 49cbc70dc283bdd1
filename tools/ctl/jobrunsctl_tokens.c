/* SPDX-License-Identifier: BSD-2-Clause
 *
 * token list --unknown: tokens of which nobody knows whether they have made a
 * job run.
 */

#include <string.h>

#include "jobrunsctl.h"
#include "jr_record.h"


/* rows; more are not read */
#define CTL_TOKENS_MOST  10000


static const ctl_column_t  ctl_tokens_columns[] = {
    { "tenant", "TENANT" },
    { "token", "TOKEN" },
    { "requestId", "REQUEST ID" },
    { "firstRequestId", "FIRST REQUEST ID" },
    { "age", "AGE" },
    { "ends", "ENDS IN" },
    { "reason", "REASON" },
    { NULL, NULL }
};


typedef struct {
    json_t     *rows;
    json_t     *seen;           /* a scan may have a key twice */
    long long   now;
    unsigned    cut:1;
} ctl_tokens_t;


static void
ctl_tokens_row(ctl_tokens_t *t, const jr_key_t *key,
    const jr_record_t *record, const char *reason)
{
    json_t           *row;
    long long         age, ends;
    const jr_pack_t  *head;

    head = record->head;
    age = t->now - (long long) head[JR_RECORD_BEGIN].number;
    ends = (long long) head[JR_RECORD_END].number - t->now;

    row = json_object();

    json_object_set_new(row, "tenant", ctl_string(key->tenant.data,
                                                  key->tenant.len));
    json_object_set_new(row, "token", ctl_string(key->name.data,
                                                 key->name.len));
    json_object_set_new(row, "requestId", ctl_string(record->id.data,
                                                     record->id.len));
    json_object_set_new(row, "firstRequestId",
                        ctl_string(record->first_id.data,
                                   record->first_id.len));
    json_object_set_new(row, "ageMs", json_integer(age));
    json_object_set_new(row, "age", json_string(ctl_duration(age)));
    json_object_set_new(row, "endsInMs", json_integer(ends));
    json_object_set_new(row, "ends", json_string(ctl_duration(ends)));
    json_object_set_new(row, "reason", json_string(reason));

    json_array_append_new(t->rows, row);
}


/* why the outcome of a token is unknown; NULL: it is not */

static const char *
ctl_tokens_reason(const jr_record_t *record, long long now)
{
    char  state;

    state = record->head[JR_RECORD_STATE].text.data[0];

    if (state == JR_STATE_UNKNOWN[0]) {
        return "no usable response";
    }

    /* whoever held it is dead, or cannot reach Redis */

    return state == JR_STATE_CLAIMED[0]
           && (long long) record->head[JR_RECORD_LEASE_END].number <= now
           ? "its lease has ended" : NULL;
}


static int
ctl_tokens_on_record(ctl_t *ctl, const char *text, size_t len,
    redisReply *reply, void *data)
{
    ctl_tokens_t *t = data;

    jr_key_t      key;
    jr_record_t   record;
    const char   *reason;

    if (reply->type != REDIS_REPLY_STRING
        || !ctl_key_split(ctl, text, len, &key)
        || key.kind != JR_KEY_TOKEN
        || jr_record_read((jr_str_t) { reply->len, reply->str }, &record)
           != JR_OK)
    {
        return CTL_OK;
    }

    reason = ctl_tokens_reason(&record, t->now);

    if (reason == NULL || json_object_get(t->seen, text) != NULL) {
        return CTL_OK;
    }

    if (json_array_size(t->rows) >= CTL_TOKENS_MOST) {
        t->cut = 1;
        return CTL_ENOUGH;
    }

    json_object_set_new(t->seen, text, json_true());
    ctl_tokens_row(t, &key, &record, reason);

    return CTL_OK;
}


/* the oldest first */

static int
ctl_tokens_order(const void *one, const void *two)
{
    json_int_t  a, b;

    a = json_integer_value(json_object_get(*(json_t *const *) one, "ageMs"));
    b = json_integer_value(json_object_get(*(json_t *const *) two, "ageMs"));

    return a < b ? 1 : a > b ? -1 : 0;
}


int
ctl_tokens_unknown(ctl_t *ctl)
{
    int            rc;
    char           last[16];
    ctl_tokens_t   t;
    const char    *argv[4] = { "GETRANGE", NULL, "0", last };

    memset(&t, 0, sizeof(t));

    t.now = ctl_now(ctl);

    if (t.now == -1) {
        return CTL_FAILED;
    }

    /* the head and both ids, and of a stored response next to nothing */

    snprintf(last, sizeof(last), "%d", JR_RECORD_SIZE + 2 * 256 - 1);

    t.rows = json_array();
    t.seen = json_object();

    rc = ctl_scan_ask(ctl, ":v1:token:*", 4, argv, ctl_tokens_on_record, &t);

    json_decref(t.seen);

    if (rc != CTL_OK && rc != CTL_ENOUGH) {
        json_decref(t.rows);
        return rc;
    }

    if (t.cut) {
        ctl_warn("there are more: only %zu tokens are shown; name one tenant "
                 "with --tenant", json_array_size(t.rows));
    }

    ctl_sort(t.rows, ctl_tokens_order);

    return ctl_show(ctl, t.rows, ctl_tokens_columns);
}
