/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Keys that match a pattern, on all masters.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"


typedef struct {
    const char   *pattern;
    ctl_scan_pt   handler;      /* of keys, or */
    int           argc;         /* a question about each, argv[1] the key, */
    const char  **argv;
    ctl_ask_pt    asked;        /* and what its reply is handed to */
    void         *data;
} ctl_scan_t;


static int
ctl_scan_keys(ctl_t *ctl, ctl_scan_t *scan, redisReply *keys)
{
    int     rc;
    size_t  i;

    rc = CTL_OK;

    for (i = 0; i < keys->elements && rc == CTL_OK; i++) {
        if (keys->element[i]->str != NULL) {
            rc = scan->handler(ctl, keys->element[i]->str,
                               (size_t) keys->element[i]->len, scan->data);
        }
    }

    return rc;
}


/* one round trip for all keys of a step; all replies are read, also where the
   handler has enough */

static int
ctl_scan_questions(ctl_t *ctl, ctl_scan_t *scan, redisReply *keys)
{
    int          rc;
    size_t       i;
    redisReply  *reply;

    for (i = 0; i < keys->elements; i++) {
        scan->argv[1] = keys->element[i]->str;
        (void) redisAppendCommandArgv(ctl->redis, scan->argc, scan->argv,
                                      NULL);
    }

    rc = CTL_OK;

    for (i = 0; i < keys->elements; i++) {

        if (redisGetReply(ctl->redis, (void **) &reply) != REDIS_OK) {
            return ctl_fail(CTL_FAILED, "no reply of Redis \"%s\" to %s: %s",
                            ctl->at, scan->argv[0], ctl->redis->errstr);
        }

        if (rc == CTL_OK) {
            rc = scan->asked(ctl, keys->element[i]->str,
                             (size_t) keys->element[i]->len, reply,
                             scan->data);
        }

        freeReplyObject(reply);
    }

    return rc;
}


static int
ctl_scan_node(ctl_t *ctl, void *data)
{
    ctl_scan_t *scan = data;

    int          rc;
    char         cursor[32] = "0";
    redisReply  *reply, *keys;
    const char  *argv[6] = { "SCAN", cursor, "MATCH", scan->pattern, "COUNT",
                             "1000" };

    do {
        reply = ctl_command(ctl, 0, 6, argv);

        if (reply == NULL) {
            return CTL_FAILED;
        }

        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
            || reply->element[0]->str == NULL
            || reply->element[1]->type != REDIS_REPLY_ARRAY)
        {
            freeReplyObject(reply);
            return ctl_fail(CTL_FAILED, "Redis answers SCAN with something "
                            "that is no cursor and no list of keys");
        }

        snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
        keys = reply->element[1];

        rc = scan->handler != NULL ? ctl_scan_keys(ctl, scan, keys)
                                   : ctl_scan_questions(ctl, scan, keys);

        freeReplyObject(reply);

    } while (rc == CTL_OK && strcmp(cursor, "0") != 0);

    return rc;
}


int
ctl_scan(ctl_t *ctl, const char *pattern, ctl_scan_pt handler, void *data)
{
    ctl_scan_t  scan;

    memset(&scan, 0, sizeof(scan));

    scan.pattern = pattern;
    scan.handler = handler;
    scan.data = data;

    return ctl_masters(ctl, ctl_scan_node, &scan);
}


int
ctl_scan_ask(ctl_t *ctl, const char *rest, int argc, const char **argv,
    ctl_ask_pt handler, void *data)
{
    int          rc;
    char        *pattern;
    ctl_scan_t   scan;

    pattern = ctl_pattern(ctl, rest);

    if (pattern == NULL) {
        return ctl_fail(CTL_FAILED, "no memory");
    }

    memset(&scan, 0, sizeof(scan));

    scan.pattern = pattern;
    scan.argc = argc;
    scan.argv = argv;
    scan.asked = handler;
    scan.data = data;

    rc = ctl_masters(ctl, ctl_scan_node, &scan);
    free(pattern);

    return rc;
}


char *
ctl_pattern(ctl_t *ctl, const char *rest)
{
    char    *prefix, *tenant, *pattern;
    size_t   size;

    prefix = ctl_quote(ctl->prefix);
    tenant = ctl->tenant ? ctl_quote(ctl->tenant) : strdup("*");
    pattern = NULL;

    if (prefix != NULL && tenant != NULL) {
        size = strlen(prefix) + strlen(tenant) + strlen(rest) + sizeof("{}");
        pattern = malloc(size);

        if (pattern != NULL) {
            snprintf(pattern, size, "%s{%s}%s", prefix, tenant, rest);
        }
    }

    free(prefix);
    free(tenant);

    return pattern;
}


char *
ctl_quote(const char *text)
{
    char  *quoted, *p;

    quoted = malloc(2 * strlen(text) + 1);

    if (quoted == NULL) {
        return NULL;
    }

    for (p = quoted; *text; text++) {

        if (strchr("*?[]^-\\", *text)) {
            *p++ = '\\';
        }

        *p++ = *text;
    }

    *p = '\0';

    return quoted;
}
