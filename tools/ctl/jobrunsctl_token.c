/* SPDX-License-Identifier: BSD-2-Clause
 *
 * token show, release, expire: the record of one retry token.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"


/* as settle.lua's "unknown": the owner's next renewal finds the lease lost,
   and a 2xx of it is kept all the same */

static const char  ctl_expire_lua[] =
    "if redis.call('HGET', KEYS[1], 's') ~= 'c' then return '' end\n"
    "redis.call('HSET', KEYS[1], 's', 'u')\n"
    "redis.call('HDEL', KEYS[1], 'l', 't', 'k', 'b')\n"
    "return 'expired'\n";


/* fields of a record, in the order they are shown; see admit.lua */

static const struct {
    const char  *field;
    const char  *name;
} ctl_fields[] = {
    { "s", "state" },
    { "o", "owner" },
    { "r", "firstRequestId" },
    { "i", "requestId" },
    { "f", "fingerprint" },
    { "l", "leaseMs" },
    { "x", "endsInMs" },
    { "j", "runKey" },
    { "n", "location" },
    { "k", "consumed" },
    { NULL, NULL }
};


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
ctl_state(const char *state, long long lease)
{
    if (strcmp(state, "d") == 0) {
        return "done";
    }

    if (strcmp(state, "u") == 0) {
        return "unknown";
    }

    if (strcmp(state, "c") == 0) {
        return lease > 0 ? "running" : "unknown (its lease has ended)";
    }

    return "damaged";
}


static json_t *
ctl_record(ctl_t *ctl, const char *key, redisReply *reply)
{
    size_t       i, n;
    json_t      *object;
    long long    now, lease;
    const char  *text;

    now = ctl_now(ctl);
    object = json_object();
    n = reply->elements;
    lease = n > 5 && reply->element[5]->str != NULL
            ? atoll(reply->element[5]->str) - now : 0;

    json_object_set_new(object, "key", ctl_string(key, strlen(key)));

    for (i = 0; i < n && ctl_fields[i].field != NULL; i++) {

        text = reply->element[i]->str;

        if (text == NULL || reply->element[i]->len == 0) {
            continue;
        }

        if (i == 0) {
            json_object_set_new(object, "state",
                                json_string(ctl_state(text, lease)));

        } else if (i == 5 || i == 6) {
            json_object_set_new(object, ctl_fields[i].name,
                                json_integer(atoll(text) - now));

        } else {
            json_object_set_new(object, ctl_fields[i].name,
                                ctl_string(text, reply->element[i]->len));
        }
    }

    return object;
}


/* NULL after saying why */

static json_t *
ctl_token_read(ctl_t *ctl, const char *key)
{
    int          i;
    json_t      *object;
    redisReply  *reply;
    const char  *argv[16] = { "HMGET", key };

    for (i = 0; ctl_fields[i].field != NULL; i++) {
        argv[2 + i] = ctl_fields[i].field;
    }

    reply = ctl_command(ctl, 0, 2 + i, argv);

    if (reply == NULL) {
        return NULL;
    }

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != (size_t) i
        || reply->element[0]->str == NULL)
    {
        freeReplyObject(reply);
        (void) ctl_fail(CTL_NOTHING, "there is no such token: \"%s\"", key);
        return NULL;
    }

    object = ctl_record(ctl, key, reply);
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

    if (argc != 1 || (strcmp(argv[0], "show") != 0
                      && strcmp(argv[0], "release") != 0
                      && strcmp(argv[0], "expire") != 0))
    {
        return ctl_fail(CTL_USAGE, "token show, release or expire?");
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
