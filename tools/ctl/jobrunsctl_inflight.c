/* SPDX-License-Identifier: BSD-2-Clause
 *
 * inflight: the attempts that hold a claim now.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"

#include "jr_digest.h"
#include "jr_hex.h"
#include "jr_record.h"


static const ctl_column_t  ctl_inflight_columns[] = {
    { "tenant", "TENANT" },
    { "requestId", "REQUEST ID" },
    { "owner", "OWNER" },
    { "age", "AGE" },
    { "lease", "LEASE ENDS IN" },
    { "token", "TOKEN" },
    { NULL, NULL }
};


typedef struct {
    json_t     *rows;
    long long   now;
} ctl_inflight_t;


static void
ctl_inflight_row(ctl_inflight_t *f, const jr_key_t *key,
    const jr_record_t *record)
{
    char              hex[2 * JR_DIGEST_LEN], *end;
    json_t           *row;
    long long         lease, age;
    const jr_pack_t  *head;

    head = record->head;
    lease = (long long) head[JR_RECORD_LEASE_END].number - f->now;
    age = f->now - (long long) head[JR_RECORD_BEGIN].number;
    row = json_object();

    end = jr_hex(hex, (const unsigned char *)
                      head[JR_RECORD_OWNER].text.data,
                 head[JR_RECORD_OWNER].text.len, JR_HEX_LOWER);

    json_object_set_new(row, "tenant", ctl_string(key->tenant.data,
                                                  key->tenant.len));
    json_object_set_new(row, "requestId", ctl_string(record->id.data,
                                                     record->id.len));
    json_object_set_new(row, "owner", ctl_string(hex, (size_t) (end - hex)));
    json_object_set_new(row, "token",
                        key->kind == JR_KEY_TOKEN
                        ? ctl_string(key->name.data, key->name.len)
                        : json_null());
    json_object_set_new(row, "leaseMs", json_integer(lease));
    json_object_set_new(row, "lease",
                        json_string(lease > 0 ? ctl_duration(lease)
                                              : "ended: unknown"));
    json_object_set_new(row, "ageMs", json_integer(age));
    json_object_set_new(row, "age", json_string(ctl_duration(age)));

    json_array_append_new(f->rows, row);
}


static int
ctl_inflight_on_key(ctl_t *ctl, const char *text, size_t len, void *data)
{
    ctl_inflight_t *f = data;

    jr_key_t      key;
    redisReply   *reply;
    jr_record_t   record;
    const char   *argv[2] = { "GET", text };

    if (!ctl_key_split(ctl, text, len, &key)
        || (key.kind != JR_KEY_TOKEN && key.kind != JR_KEY_ATTEMPT))
    {
        return CTL_OK;
    }

    reply = ctl_command(ctl, 1, 2, argv);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    if (reply->type == REDIS_REPLY_STRING
        && jr_record_read((jr_str_t) { reply->len, reply->str }, &record)
           == JR_OK
        && record.head[JR_RECORD_STATE].text.data[0] == JR_STATE_CLAIMED[0])
    {
        ctl_inflight_row(f, &key, &record);
    }

    freeReplyObject(reply);

    return CTL_OK;
}


int
ctl_inflight(ctl_t *ctl, int argc, char **argv)
{
    int              rc;
    char            *prefix, *tenant, *pattern;
    size_t           size;
    ctl_inflight_t   f;

    (void) argv;

    if (argc) {
        return ctl_fail(CTL_USAGE, "inflight takes no argument");
    }

    f.now = ctl_now(ctl);

    if (f.now == -1) {
        return CTL_FAILED;
    }

    prefix = ctl_quote(ctl->prefix);
    tenant = ctl->tenant ? ctl_quote(ctl->tenant) : strdup("*");

    if (prefix == NULL || tenant == NULL) {
        free(prefix);
        free(tenant);
        return ctl_fail(CTL_FAILED, "no memory");
    }

    size = strlen(prefix) + strlen(tenant) + sizeof("{}:v1:*");
    pattern = malloc(size);

    if (pattern == NULL) {
        free(prefix);
        free(tenant);
        return ctl_fail(CTL_FAILED, "no memory");
    }

    snprintf(pattern, size, "%s{%s}:v1:*", prefix, tenant);

    f.rows = json_array();
    rc = ctl_scan(ctl, pattern, ctl_inflight_on_key, &f);

    free(prefix);
    free(tenant);
    free(pattern);

    if (rc != CTL_OK) {
        json_decref(f.rows);
        return rc;
    }

    return ctl_show(ctl, f.rows, ctl_inflight_columns);
}
