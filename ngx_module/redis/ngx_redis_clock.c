/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The clock of a server, and deadlines by it: an operation may carry the time
 * by which it is to be carried out, so that one that comes late does nothing.
 *
 * Each connection knows its server's clock as a distance from this machine's
 * monotonic one: from TIME in the greeting, and from replies that tell the
 * time.  The distance is taken from when the question left, so that it is
 * rather too long: then a deadline is too late by a round trip at most, and no
 * operation is refused that came in time.
 */

#include "ngx_redis_clock.h"
#include "ngx_redis_connection.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_stats.h"


/* The reply to TIME, sent at sent_us: seconds and microseconds, as strings. */

void
ngx_redis_clock_greeting(ngx_redis_connection_t *conn, redisReply *reply,
    uint64_t sent_us)
{
    ngx_uint_t  i;
    ngx_int_t   part[2];

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_redis_server_log(conn->server, ngx_redis_log_clock, NGX_LOG_ERR, 0,
                             "%V refused TIME, which every script needs: "
                             "nothing is written and creations are refused, "
                             "also if jobruns_redis_failure is \"allow\"; "
                             "grant the user +time, docs/redis.md lists the "
                             "ACL it needs", conn->peer.name);
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        return;
    }

    for (i = 0; i < 2; i++) {

        if (reply->element[i]->type != REDIS_REPLY_STRING) {
            return;
        }

        part[i] = ngx_atoi((u_char *) reply->element[i]->str,
                           reply->element[i]->len);
    }

    if (part[0] <= 0 || part[0] > (ngx_int_t) (NGX_REDIS_CLOCK_MAX / 1000)
        || part[1] < 0 || part[1] > 999999)
    {
        return;
    }

    conn->clock = (int64_t) part[0] * 1000000 + part[1] - (int64_t) sent_us;
    conn->timed = 1;
}


void
ngx_redis_clock(ngx_redis_op_t *op, int64_t ms)
{
    ngx_redis_connection_t  *conn;

    conn = op->server->connection;

    if (conn == NULL || ms <= 0 || ms > (int64_t) NGX_REDIS_CLOCK_MAX) {
        return;
    }

    /* the millisecond may be over nearly */

    conn->clock = ms * 1000 + 999 - (int64_t) op->sent_us;
    conn->timed = 1;
}


/*
 * Writes the deadline of an operation into its command, of which nothing has
 * left yet: the time that it has left, by the clock of the server that it is
 * sent to.
 */

void
ngx_redis_clock_stamp(ngx_redis_slot_t *slot, ngx_redis_connection_t *conn)
{
    int64_t         now;
    ngx_msec_int_t  left;

    if (slot->stamp == NULL || slot->op == NULL) {
        return;
    }

    slot->op->expires = 0;

    if (conn->timed) {
        now = ((int64_t) ngx_redis_stats_clock() + conn->clock) / 1000;
        left = (ngx_msec_int_t) (slot->deadline.timer.key - ngx_current_msec);

        if (now > 0 && now <= (int64_t) NGX_REDIS_CLOCK_MAX) {
            slot->op->expires = now + 1 + ngx_max(left, 0);
        }
    }

    (void) ngx_sprintf(slot->stamp, "%016L", slot->op->expires);
}
