/* SPDX-License-Identifier: BSD-2-Clause
 *
 * doctor: whether a Redis is fit for the gateway.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "jobrunsctl_doctor.h"
#include "jr_embedded.h"


static const ctl_column_t  ctl_doctor_columns[] = {
    { "check", "CHECK" },
    { "ok", "FIT" },
    { "found", "FOUND" },
    { "remedy", "REMEDY" },
    { NULL, NULL }
};


void
ctl_doctor_row(ctl_doctor_t *d, const char *check, int ok, const char *found,
    const char *remedy)
{
    d->faults += !ok;

    json_array_append_new(d->rows, json_pack("{s:s,s:b,s:o,s:s}", "check",
                                             check, "ok", ok, "found",
                                             ctl_string(found, strlen(found)),
                                             "remedy", ok ? "" : remedy));
}


/* the value of "name:" in INFO; "" if there is none */

static void
ctl_info(const char *info, const char *name, char *buf, size_t size)
{
    size_t       len;
    const char  *p;

    len = strlen(name);
    buf[0] = '\0';

    for (p = info; p != NULL; p = strchr(p, '\n')) {
        p += (*p == '\n');

        if (strncmp(p, name, len) == 0 && p[len] == ':') {
            p += len + 1;
            snprintf(buf, size, "%.*s", (int) strcspn(p, "\r\n"), p);
            return;
        }
    }
}


/*
 * Valkey has a version of its own, and says in redis_version which Redis it
 * once was.
 */

static void
ctl_doctor_version(ctl_doctor_t *d, const char *info)
{
    int          ok;
    char         version[64], found[80];
    const char  *name;

    name = "Valkey";
    ctl_info(info, "valkey_version", version, sizeof(version));
    ok = atoi(version) >= 8;

    if (version[0] == '\0') {
        name = "Redis";
        ctl_info(info, "redis_version", version, sizeof(version));
        ok = atoi(version) >= 7;
    }

    snprintf(found, sizeof(found), "%s %s", name, version);
    ctl_doctor_row(d, "version", ok, found, "the gateway is made for Redis 7 "
                   "and later, and Valkey 8 and later");
}


int
ctl_doctor_refused(ctl_doctor_t *d, const char *check, redisReply *reply)
{
    char  found[160];

    if (reply->type != REDIS_REPLY_ERROR) {
        return 0;
    }

    snprintf(found, sizeof(found), "unknown: %.140s", reply->str);
    ctl_doctor_row(d, check, 0, found,
                   "grant this user what docs/redis.md lists");

    return 1;
}


static int
ctl_doctor_info(ctl_t *ctl, ctl_doctor_t *d)
{
    char         value[64], most[64], memory[136];
    redisReply  *reply;
    const char  *argv[1] = { "INFO" };

    reply = ctl_command(ctl, 1, 1, argv);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    if (ctl_doctor_refused(d, "info", reply) || reply->str == NULL) {
        d->memoryless = 1;
        freeReplyObject(reply);
        return CTL_OK;
    }

    ctl_doctor_version(d, reply->str);

    ctl_info(reply->str, "role", value, sizeof(value));
    ctl_doctor_row(d, "role", strcmp(value, "master") == 0, value,
                   "gateways must use the master: admissions write");

    ctl_info(reply->str, "maxmemory_policy", value, sizeof(value));
    ctl_doctor_row(d, "policy", strcmp(value, "noeviction") == 0, value,
                   "CONFIG SET maxmemory-policy noeviction: an evicted record "
                   "is a forgotten token");

    ctl_info(reply->str, "aof_enabled", value, sizeof(value));
    ctl_doctor_row(d, "persistence", strcmp(value, "1") == 0,
                   strcmp(value, "1") == 0 ? "append-only file" : "none",
                   "appendonly yes: without it a restart forgets all tokens");

    ctl_info(reply->str, "maxmemory", value, sizeof(value));
    d->maxmemory += strtoll(value, NULL, 10);
    d->unlimited |= strtoll(value, NULL, 10) == 0;
    ctl_info(reply->str, "total_system_memory", value, sizeof(value));
    d->machine += strtoll(value, NULL, 10);

    ctl_info(reply->str, "used_memory_human", value, sizeof(value));
    ctl_info(reply->str, "maxmemory_human", most, sizeof(most));
    snprintf(memory, sizeof(memory), "%s of %s", value,
             strcmp(most, "0B") == 0 ? "no limit" : most);
    ctl_doctor_row(d, "memory", 1, memory, "");

    freeReplyObject(reply);

    return CTL_OK;
}


/*
 * What a gateway with this user could not send.  Redis is asked within a
 * script, which changes nothing (redis.acl_check_cmd(), Redis 7); a server
 * that has no such function is not asked.  The key is an argument, so that
 * each node of a cluster replies for itself.
 */

static int
ctl_doctor_acl(ctl_t *ctl, ctl_doctor_t *d)
{
    char         key[300], found[200];
    redisReply  *reply;
    const char  *argv[4];

    static const char  script[] =
        "if not redis.acl_check_cmd then return '' end "
        "local k, missing = ARGV[1], {} "
        "for _, c in ipairs({{'EVALSHA', 'x', '1', k}, {'EVAL', 'x', '1', k}, "
        "{'EXISTS', k}, {'HMGET', k, 'f'}, {'GET', k}, "
        "{'SET', k, 'v'}, {'DEL', k}, {'TIME'}, {'PTTL', k}, "
        "{'PEXPIREAT', k, '1'}, {'ZADD', k, '1', 'm'}, {'ZREM', k, 'm'}, "
        "{'ZCARD', k}, {'ZCOUNT', k, '0', '1'}, "
        "{'ZRANGEBYSCORE', k, '0', '1'}, {'ZREMRANGEBYSCORE', k, '0', '1'}, "
        "{'PING'}, {'ROLE'}, {'INFO'}, {'CLIENT', 'SETNAME', 'x'}}) do "
        "if not redis.acl_check_cmd(unpack(c)) then "
        "missing[#missing + 1] = '+' .. (c[1] == 'CLIENT' and "
        "'client|setname' or string.lower(c[1])) end end "
        "return table.concat(missing, ' ')";

    snprintf(key, sizeof(key), "%.200s{doctor}:v1:token:doctor", ctl->prefix);

    argv[0] = "EVAL";
    argv[1] = script;
    argv[2] = "0";
    argv[3] = key;

    reply = ctl_command(ctl, 1, 4, argv);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    if (!ctl_doctor_refused(d, "permissions", reply)) {
        snprintf(found, sizeof(found), "%s%.180s", reply->len ? "missing "
                 : "all that a gateway needs", reply->str ? reply->str : "");

        /* only nginx.conf says which user is the gateways' */

        ctl_doctor_row(d, "permissions", reply->len == 0 || ctl->conf == NULL,
                       found,
                       "ACL SETUSER with these, if this is the gateways' "
                       "user");
    }

    freeReplyObject(reply);

    return CTL_OK;
}


/* the value of a name in the reply of ACL GETUSER; NULL: there is none */

static redisReply *
ctl_doctor_member(redisReply *user, const char *name)
{
    size_t  i;

    for (i = 0; user->type == REDIS_REPLY_ARRAY && i + 1 < user->elements;
         i += 2)
    {
        if (user->element[i]->str != NULL
            && strcmp(user->element[i]->str, name) == 0)
        {
            return user->element[i + 1];
        }
    }

    return NULL;
}


/* whether keys are all: "~*", before Redis 7 a list with "*" */

static int
ctl_doctor_all_keys(redisReply *keys)
{
    if (keys != NULL && keys->type == REDIS_REPLY_ARRAY && keys->elements) {
        keys = keys->element[0];
    }

    return keys != NULL && keys->str != NULL
           && (strcmp(keys->str, "~*") == 0 || strcmp(keys->str, "*") == 0);
}


/*
 * Redis 7.0 reads its append-only file with the rights of "default": what that
 * one may not do is not there after a restart.  Users that may not ask, as
 * docs/redis.md has them, are not told.
 */

static int
ctl_doctor_default(ctl_t *ctl, ctl_doctor_t *d)
{
    int          all;
    char         found[160];
    redisReply  *reply, *commands;
    const char  *argv[3] = { "ACL", "GETUSER", "default" };

    reply = ctl_command(ctl, 1, 3, argv);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    commands = ctl_doctor_member(reply, "commands");

    if (reply->type == REDIS_REPLY_ERROR || commands == NULL
        || commands->str == NULL)
    {
        ctl_doctor_row(d, "user default", 1,
                       "unknown: this user may not ask ACL GETUSER", "");
        freeReplyObject(reply);
        return CTL_OK;
    }

    all = strncmp(commands->str, "+@all", 5) == 0
          && strstr(commands->str, " -") == NULL
          && ctl_doctor_all_keys(ctl_doctor_member(reply, "keys"));

    snprintf(found, sizeof(found), all ? "all rights, as the append-only file "
             "needs" : "%.60s: at a restart Redis 7.0 drops what it may not "
             "do from the append-only file", commands->str);

    ctl_doctor_row(d, "user default", all, found,
                   "ACL SETUSER default off resetpass ~* &* +@all: nobody "
                   "can log in, and tokens survive a restart");
    freeReplyObject(reply);

    return CTL_OK;
}


static int
ctl_doctor_clock(ctl_t *ctl, ctl_doctor_t *d)
{
    long long         there, here;
    redisReply       *reply;
    const char       *argv[1] = { "TIME" };
    struct timespec   ts;

    reply = ctl_command(ctl, 1, 1, argv);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    if (ctl_doctor_refused(d, "clock", reply)) {
        freeReplyObject(reply);
        return CTL_OK;
    }

    freeReplyObject(reply);

    there = ctl_now(ctl);

    if (there == -1) {
        return CTL_FAILED;
    }

    clock_gettime(CLOCK_REALTIME, &ts);
    here = (long long) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;

    ctl_doctor_row(d, "clock", llabs(there - here) < 2000,
                   ctl_duration(there - here),
                   "limits follow Redis' clock: let NTP set it");

    return CTL_OK;
}


/* whether gateways have used just this script there; its name by Redis */

static int
ctl_doctor_known(ctl_t *ctl, const char *text, char sha[41])
{
    int             known;
    unsigned        i, len;
    redisReply     *reply;
    const char     *argv[3] = { "SCRIPT", "EXISTS", sha };
    unsigned char   md[EVP_MAX_MD_SIZE];

    sha[0] = '\0';

    if (EVP_Digest(text, strlen(text), md, &len, EVP_sha1(), NULL) != 1) {
        return 0;
    }

    for (i = 0; i < 20; i++) {
        snprintf(sha + 2 * i, 3, "%02x", md[i]);
    }

    reply = ctl_command(ctl, 1, 3, argv);

    known = reply != NULL && reply->type == REDIS_REPLY_ARRAY
            && reply->elements == 1 && reply->element[0]->integer == 1;

    if (reply != NULL) {
        freeReplyObject(reply);
    }

    return known;
}


static int
ctl_doctor_script(ctl_t *ctl, ctl_doctor_t *d, const char *name,
    const char *text)
{
    int          loaded, known;
    char         check[32], found[160], sha[41];
    redisReply  *reply;
    const char  *argv[3] = { "SCRIPT", "LOAD", text };

    known = ctl_doctor_known(ctl, text, sha);

    /* loading is what a gateway's EVAL does anyway, and compiles it */

    reply = ctl_command(ctl, 1, 3, argv);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    loaded = reply->type == REDIS_REPLY_STRING
             || reply->type == REDIS_REPLY_STATUS;

    snprintf(check, sizeof(check), "script %s", name);
    snprintf(found, sizeof(found), "%.60s, %s", loaded ? sha
             : reply->str ? reply->str : "?",
             known ? "known" : "not known: no gateway of this version has "
                               "used it since Redis started");
    ctl_doctor_row(d, check, loaded, found,
                   "this Redis cannot run the gateway's scripts: check its "
                   "version and the user's ACL (+eval +evalsha)");
    freeReplyObject(reply);

    return CTL_OK;
}


/* one master */

static int
ctl_doctor_visit(ctl_t *ctl, void *data)
{
    ctl_doctor_t *d = data;

    ctl_doctor_row(d, "connection", 1, ctl->at, "");

    if (ctl_doctor_info(ctl, d) != CTL_OK
        || ctl_doctor_clock(ctl, d) != CTL_OK
        || ctl_doctor_acl(ctl, d) != CTL_OK
        || ctl_doctor_default(ctl, d) != CTL_OK
        || ctl_doctor_script(ctl, d, "admit", jr_embedded_admit_lua)
           != CTL_OK
        || ctl_doctor_script(ctl, d, "renew", jr_embedded_renew_lua)
           != CTL_OK
        || ctl_doctor_script(ctl, d, "settle", jr_embedded_settle_lua)
           != CTL_OK)
    {
        return CTL_FAILED;
    }

    return CTL_OK;
}


int
ctl_doctor(ctl_t *ctl, int argc, char **argv)
{
    int           rc;
    ctl_doctor_t  d;

    (void) argv;

    if (argc) {
        return ctl_fail(CTL_USAGE, "doctor takes no argument");
    }

    memset(&d, 0, sizeof(d));
    d.rows = json_array();

    if (ctl_masters(ctl, ctl_doctor_visit, &d) != CTL_OK
        || ctl_doctor_forecast(ctl, &d) != CTL_OK)
    {
        json_decref(d.rows);
        return CTL_FAILED;
    }

    rc = ctl_show(ctl, d.rows, ctl_doctor_columns);

    return rc != CTL_OK ? rc : d.faults ? CTL_NOTHING : CTL_OK;
}
