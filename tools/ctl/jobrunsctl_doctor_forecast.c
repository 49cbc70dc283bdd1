/* SPDX-License-Identifier: BSD-2-Clause
 *
 * doctor: for how long a Redis has room, by the tokens that it has.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl_doctor.h"


#define CTL_SAMPLE  200

/* bytes of a token whose response is stored (docs/howto/size-redis.md) */
#define CTL_RECORD  1500.0


static int
ctl_doctor_on_key(ctl_t *ctl, const char *key, size_t len, void *data)
{
    ctl_doctor_t *d = data;

    redisReply  *reply;
    const char  *argv[5] = { "MEMORY", "USAGE", key, "SAMPLES", "0" };

    (void) len;

    if (d->tokens == CTL_SAMPLE) {
        return CTL_NOTHING;
    }

    reply = ctl_command(ctl, 1, 5, argv);

    if (reply == NULL) {
        return CTL_FAILED;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        d->unmeasured = 1;
        (void) ctl_doctor_refused(d, "forecast", reply);
        freeReplyObject(reply);
        return CTL_NOTHING;
    }

    if (reply->type == REDIS_REPLY_INTEGER) {
        d->tokens++;
        d->bytes += reply->integer;
    }

    freeReplyObject(reply);

    return CTL_OK;
}


/*
 * What a day of creations needs, against what Redis may use and what the
 * machine has, half of which is for the rewrite of the append-only file.
 * Without a token to measure it is that of a job run of 400 bytes with its
 * headers.
 */

static void
ctl_doctor_compare(ctl_t *ctl, ctl_doctor_t *d)
{
    int          fits;
    char         found[240], room[100];
    double       each, need, most, half;
    const char  *whose;

    each = d->tokens ? (double) d->bytes / (double) d->tokens : CTL_RECORD;
    whose = d->tokens ? "measured" : "assumed: there is no token";

    if (ctl->rate <= 0) {
        snprintf(found, sizeof(found), "%.0f bytes per token (%s): %.2f GB "
                 "for each creation per second (--rate)", each, whose,
                 each * 86400 / 1e9);
        ctl_doctor_row(d, "forecast", 1, found, "");
        return;
    }

    need = each * ctl->rate * 86400;
    half = (double) d->machine / 2;
    most = d->unlimited ? half : (double) d->maxmemory;

    fits = d->memoryless
           || (need <= most && (d->machine == 0 || need <= half));

    if (d->memoryless) {
        snprintf(room, sizeof(room), "how much it has is unknown");

    } else if (d->unlimited) {
        snprintf(room, sizeof(room), "no maxmemory, the machine has %.2f GB",
                 (double) d->machine / 1e9);

    } else {
        snprintf(room, sizeof(room), "maxmemory is %.2f GB, the machine has "
                 "%.2f GB", most / 1e9, (double) d->machine / 1e9);
    }

    snprintf(found, sizeof(found), "%.0f bytes per token (%s): %.2f GB for "
             "%.1f creations a second over 24 h; %s", each, whose, need / 1e9,
             ctl->rate, room);

    ctl_doctor_row(d, "forecast", fits, found,
                   "it will not fit: raise maxmemory, on a machine with twice "
                   "as much, or shorten jobruns_retry_ttl");
}


/* by the records that are there */

int
ctl_doctor_forecast(ctl_t *ctl, ctl_doctor_t *d)
{
    int    rc;
    char  *prefix, *pattern;

    prefix = ctl_quote(ctl->prefix);

    if (prefix == NULL) {
        return ctl_fail(CTL_FAILED, "no memory");
    }

    pattern = malloc(strlen(prefix) + sizeof("{*}:v1:token:*"));

    if (pattern == NULL) {
        free(prefix);
        return ctl_fail(CTL_FAILED, "no memory");
    }

    sprintf(pattern, "%s{*}:v1:token:*", prefix);
    rc = ctl_scan(ctl, pattern, ctl_doctor_on_key, d);

    free(prefix);
    free(pattern);

    if (rc == CTL_FAILED && ctl->redis->err == 0) {
        ctl_doctor_row(d, "forecast", 0, "unknown: tokens cannot be listed",
                       "grant this user +scan");
        return CTL_OK;
    }

    if (rc != CTL_OK && rc != CTL_NOTHING) {
        return rc;
    }

    if (!d->unmeasured) {
        ctl_doctor_compare(ctl, d);
    }

    return CTL_OK;
}
