/* SPDX-License-Identifier: BSD-2-Clause
 *
 * token show, release, expire: the record of one retry token.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"

#include "jr_digest.h"
#include "jr_hex.h"
#include "jr_record.h"


/* as settle.lua's "unknown": the owner's next renewal finds the lease lost,
   and a 2xx of it is kept all the same */

static const char  ctl_expire_lua[] =
    "local text = redis.call('GET', KEYS[1])\n"
    "local claimed = '" JR_SCRIPT_FORMAT JR_STATE_CLAIMED "'\n"
    "if not text or string.sub(text, 1, 2) ~= claimed then return '' end\n"
    "local head = select(11, struct.unpack('" JR_RECORD_HEAD "', text))\n"
    "redis.call('SET', KEYS[1], '" JR_SCRIPT_FORMAT JR_STATE_UNKNOWN "' ..\n"
    "           string.sub(text, 3, head), 'KEEPTTL')\n"
    "return 'expired'\n";


/* the token's key; NULL after saying what is missing */

static char *
ctl_token_key(ctl_t *ctl)
{
    char  hex[JR_DIGEST_HEX + 1];

    if (ctl->tenant == NULL) {
        (void) ctl_fail(CTL_USAGE, "whose token? Say --tenant");
        return NULL;
    }

    if (ctl->hash != NULL) {

        if (strlen(ctl->hash) != JR_DIGEST_HEX
            || strspn(ctl->hash, "0123456789abcdef") != JR_DIGEST_HEX)
        {
            (void) ctl_fail(CTL_USAGE, "--hash \"%s\" must be %d digits of "
                            "0-9a-f, as audit records have it", ctl->hash,
                            JR_DIGEST_HEX);
            return NULL;
        }

        return ctl_key(ctl, JR_KEY_TOKEN, ctl->hash);
    }

    if (ctl->token == NULL || ctl->platform == NULL
        || ctl->workspace == NULL)
    {
        (void) ctl_fail(CTL_USAGE, "which token? Say --hash, or --token, "
                        "--platform, --workspace and --principal");
        return NULL;
    }

    if (ctl->principal == NULL) {
        ctl->principal = "";
    }

    if (jr_key_token((jr_str_t) { strlen(ctl->tenant), ctl->tenant },
                     (jr_str_t) { strlen(ctl->principal), ctl->principal },
                     (jr_str_t) { strlen(ctl->platform), ctl->platform },
                     (jr_str_t) { strlen(ctl->workspace), ctl->workspace },
                     (jr_str_t) { strlen(ctl->token), ctl->token }, hex)
        != JR_OK)
    {
        (void) ctl_fail(CTL_FAILED, "no memory");
        return NULL;
    }

    hex[JR_DIGEST_HEX] = '\0';

    return ctl_key(ctl, JR_KEY_TOKEN, hex);
}


static const char *
ctl_state(char state, long long lease)
{
    if (state == JR_STATE_DONE[0]) {
        return "done";
    }

    if (state == JR_STATE_UNKNOWN[0]) {
        return "unknown";
    }

    return lease > 0 ? "running" : "unknown (its lease has ended)";
}


static void
ctl_record_text(json_t *object, const char *name, jr_str_t text)
{
    if (text.len) {
        json_object_set_new(object, name, ctl_string(text.data, text.len));
    }
}


static json_t *
ctl_record(ctl_t *ctl, const char *key, const jr_record_t *record)
{
    char               hex[2 * JR_DIGEST_LEN], *end, print[128];
    char               state;
    json_t            *object;
    long long          now, lease;
    const jr_pack_t   *head;
    jr_record_done_t   done;

    head = record->head;
    state = head[JR_RECORD_STATE].text.data[0];
    now = ctl_now(ctl);
    lease = (long long) head[JR_RECORD_LEASE_END].number - now;

    object = json_object();

    json_object_set_new(object, "key", ctl_string(key, strlen(key)));
    json_object_set_new(object, "state", json_string(ctl_state(state, lease)));

    end = jr_hex(hex, (const unsigned char *)
                      head[JR_RECORD_OWNER].text.data,
                 head[JR_RECORD_OWNER].text.len, JR_HEX_LOWER);
    json_object_set_new(object, "owner", ctl_string(hex,
                                                    (size_t) (end - hex)));

    ctl_record_text(object, "firstRequestId", record->first_id);
    ctl_record_text(object, "requestId", record->id);

    end = jr_hex(hex, (const unsigned char *)
                      head[JR_RECORD_FINGERPRINT].text.data,
                 head[JR_RECORD_FINGERPRINT].text.len, JR_HEX_LOWER);
    snprintf(print, sizeof(print), "%d:%.*s",
             (int) head[JR_RECORD_VERSION].number, (int) (end - hex), hex);
    json_object_set_new(object, "fingerprint", json_string(print));

    if (state == JR_STATE_CLAIMED[0]) {
        json_object_set_new(object, "leaseMs", json_integer(lease));
    }

    json_object_set_new(object, "endsInMs",
                        json_integer((long long) head[JR_RECORD_END].number
                                     - now));

    if (state == JR_STATE_CLAIMED[0]) {
        ctl_record_text(object, "consumed", record->tail);
    }

    if (state == JR_STATE_DONE[0]) {

        if (jr_record_read_done(record, &done) != JR_OK) {
            json_object_set_new(object, "state", json_string("damaged"));
            return object;
        }

        ctl_record_text(object, "runKey", done.run_key);
        ctl_record_text(object, "location", done.location);
    }

    return object;
}


/* NULL after saying why */

static json_t *
ctl_token_read(ctl_t *ctl, const char *key)
{
    json_t       *object;
    redisReply   *reply;
    jr_record_t   record;
    const char   *argv[2] = { "GET", key };

    reply = ctl_command(ctl, 0, 2, argv);

    if (reply == NULL) {
        return NULL;
    }

    if (reply->type != REDIS_REPLY_STRING) {
        freeReplyObject(reply);
        (void) ctl_fail(CTL_NOTHING, "there is no such token: \"%s\"", key);
        return NULL;
    }

    if (jr_record_read((jr_str_t) { reply->len, reply->str }, &record)
        == JR_OK)
    {
        object = ctl_record(ctl, key, &record);

    } else {
        object = json_pack("{s:s,s:s}", "key", key, "state", "damaged");
    }

    freeReplyObject(reply);

    return object;
}


static int
ctl_token_release(ctl_t *ctl, const char *key)
{
    int          rc;
    redisReply  *reply;
    const char  *argv[2] = { "DEL", key };

    rc = ctl_confirm(ctl, "The token and its kept answer are forgotten: the "
                     "next request with it makes a job run, even if this one "
                     "did. Release it?");

    if (rc != CTL_OK) {
        return rc;
    }

    reply = ctl_command(ctl, 0, 2, argv);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    freeReplyObject(reply);

    return ctl_show_one(ctl, json_pack("{s:s,s:s}", "key", key, "state",
                                       "released"));
}


static int
ctl_token_expire(ctl_t *ctl, const char *key)
{
    int          rc;
    redisReply  *reply;
    const char  *argv[4] = { "EVAL", ctl_expire_lua, "1", key };

    rc = ctl_confirm(ctl, "The running attempt loses its lease: a retry may "
                     "go to the service beside it. Expire it?");

    if (rc != CTL_OK) {
        return rc;
    }

    reply = ctl_command(ctl, 0, 4, argv);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    if (reply->str == NULL || strcmp(reply->str, "expired") != 0) {
        freeReplyObject(reply);
        return ctl_fail(CTL_NOTHING, "no attempt runs with this token, "
                        "nothing was changed");
    }

    freeReplyObject(reply);

    return ctl_show_one(ctl, json_pack("{s:s,s:s}", "key", key, "state",
                                       "unknown"));
}


int
ctl_token(ctl_t *ctl, int argc, char **argv)
{
    int      rc;
    char    *key;
    json_t  *object;

    if (argc == 1 && strcmp(argv[0], "list") == 0) {
        return ctl->unknown ? ctl_tokens_unknown(ctl)
               : ctl_fail(CTL_USAGE, "which tokens? Say token list --unknown");
    }

    if (argc != 1 || (strcmp(argv[0], "show") != 0
                      && strcmp(argv[0], "release") != 0
                      && strcmp(argv[0], "expire") != 0))
    {
        return ctl_fail(CTL_USAGE, "token show, list, release or expire?");
    }

    key = ctl_token_key(ctl);

    if (key == NULL) {
        return CTL_USAGE;
    }

    object = ctl_token_read(ctl, key);

    if (object == NULL) {
        rc = ctl->redis->err ? CTL_FAILED : CTL_NOTHING;

    } else if (strcmp(argv[0], "show") == 0) {
        rc = ctl_show_one(ctl, object);

    } else {
        json_decref(object);

        rc = strcmp(argv[0], "release") == 0 ? ctl_token_release(ctl, key)
                                             : ctl_token_expire(ctl, key);
    }

    free(key);

    return rc;
}
