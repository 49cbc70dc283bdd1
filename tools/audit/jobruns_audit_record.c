/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Records of an audit file, and which of them pass the filters of
 * jobruns-audit show.
 */

#include <string.h>

#include "jobruns_audit_show.h"

#include "jr_chain.h"
#include "jr_digest.h"


static const char *
show_text(const json_t *object, const char *name)
{
    const char  *text;

    text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}


void
show_take(const json_t *value, show_record_t *record)
{
    const json_t  *data, *request, *identity, *headers, *total;

    data = json_object_get(value, "data");
    request = json_object_get(data, "request");
    identity = json_object_get(data, "identity");
    headers = json_object_get(request, "headers");

    record->details = json_object_get(data, "additionalDetails");
    record->type = show_text(value, "eventType");
    record->time = show_text(value, "eventTime");
    record->outcome = show_text(record->details, "outcome");
    record->status = show_text(json_object_get(data, "response"), "status");
    record->tenant = show_text(identity, "tenantId");
    record->principal = show_text(identity, "principalId");
    record->platform = show_text(record->details, "aiDataPlatformId");
    record->workspace = show_text(record->details, "workspaceKey");
    record->request_id = show_text(request, "id");
    record->original_id = show_text(record->details, "originalRequestId");
    record->run_key = show_text(data, "resourceId");
    record->attempt = show_text(data, "eventGroupingId");

    record->token = json_string_value(json_array_get(
                       json_object_get(headers, "opc-retry-token-sha256"),
                       0));
    if (record->token == NULL) {
        record->token = "";
    }

    total = json_object_get(json_object_get(record->details, "durationsMs"),
                            "total");
    record->total = json_is_integer(total) ? json_integer_value(total) : -1;
}


/* a record holds the hash of its token within its scope, see
   jobruns_token_hash in docs/directives.md */

static int
show_token(const char *token, const show_record_t *record)
{
    char         hex[JR_DIGEST_HEX];
    jr_str_t     parts[5];
    jr_digest_t  md;

    if (strlen(record->token) != JR_DIGEST_HEX) {
        return 0;
    }

    if (strcmp(record->token, token) == 0) {
        return 1;
    }

    parts[0] = (jr_str_t) { strlen(record->tenant), record->tenant };
    parts[1] = (jr_str_t) { strlen(record->principal), record->principal };
    parts[2] = (jr_str_t) { strlen(record->platform), record->platform };
    parts[3] = (jr_str_t) { strlen(record->workspace), record->workspace };
    parts[4] = (jr_str_t) { strlen(token), token };

    if (jr_digest_parts(parts, 5, &md) != JR_OK) {
        return 0;
    }

    (void) jr_digest_hex(&md, hex);

    return memcmp(record->token, hex, JR_DIGEST_HEX) == 0;
}


static int
show_is(const char *wanted, const char *value)
{
    return wanted == NULL || strcmp(wanted, value) == 0;
}


/* times are written alike, so they compare as text */

int
show_in_time(const show_t *show, const show_record_t *record)
{
    return (show->since[0] == '\0' || strcmp(record->time, show->since) >= 0)
           && (show->until[0] == '\0'
               || strcmp(record->time, show->until) < 0);
}


int
show_passes(const show_t *show, const show_record_t *record)
{
    return show_is(show->tenant, record->tenant)
           && show_is(show->outcome, record->outcome)
           && (show_is(show->request_id, record->request_id)
               || show_is(show->request_id, record->original_id))
           && show_is(show->run_key, record->run_key)
           && show_is(show->attempt, record->attempt)
           && (show->chains
               || strncmp(record->type, "jobruns-gateway.", 16) != 0)
           && (show->token == NULL || show_token(show->token, record));
}


void
show_merge(const show_record_t *begin, show_record_t *end)
{
    end->principal = begin->principal;
    end->platform = begin->platform;
    end->workspace = begin->workspace;
    end->token = begin->token;
}


int
show_is_half(const show_record_t *record, int *ended)
{
    size_t  len;

    len = strlen(record->type);

    *ended = len > 4 && strcmp(record->type + len - 4, ".end") == 0;

    return (*ended
            || (len > 6 && strcmp(record->type + len - 6, ".begin") == 0))
           && strlen(record->attempt) == JR_CHAIN_ID;
}


json_t *
show_record(const char **line, size_t *len)
{
    json_t      *value;
    const char  *p, *end;

    static const char  begin[] = JR_CHAIN_RECORD;

    value = json_loadb(*line, *len, SHOW_JSON, NULL);

    end = *line + *len;

    for (p = *line; value == NULL && p < end; /* void */ ) {

        p = jr_chain_find(p + 1, end - p - 1, begin, sizeof(begin) - 1);
        if (p == NULL) {
            return NULL;
        }

        value = json_loadb(p, end - p, SHOW_JSON, NULL);

        if (value != NULL) {
            *line = p;
            *len = end - p;
        }
    }

    return value;
}
