/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Keys that match a pattern, on all masters.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"


typedef struct {
    const char   *pattern;
    ctl_scan_pt   handler;
    void         *data;
} ctl_scan_t;


static int
ctl_scan_node(ctl_t *ctl, void *data)
{
    ctl_scan_t *scan = data;

    int          rc;
    char         cursor[32] = "0";
    size_t       i;
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
        rc = CTL_OK;

        for (i = 0; i < keys->elements && rc == CTL_OK; i++) {
            if (keys->element[i]->str != NULL) {
                rc = scan->handler(ctl, keys->element[i]->str,
                                   (size_t) keys->element[i]->len,
                                   scan->data);
            }
        }

        freeReplyObject(reply);

    } while (rc == CTL_OK && strcmp(cursor, "0") != 0);

    return rc;
}


int
ctl_scan(ctl_t *ctl, const char *pattern, ctl_scan_pt handler, void *data)
{
    ctl_scan_t  scan;

    scan.pattern = pattern;
    scan.handler = handler;
    scan.data = data;

    return ctl_masters(ctl, ctl_scan_node, &scan);
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
