/*
 * The clock of a server, and deadlines by it: an operation may carry the time
 * by which it is to be carried out, so that one that comes late does nothing.
 *
 * Each connection knows its server's clock as a distance from this machine's
 * monotonic one: from INFO in the greeting, and from replies that tell the
 * time.  The distance is taken from when the question left, so that it is
 * rather too long: then a deadline is too late by a round trip at most, and no
 * operation is refused that came in time.
 */

#include "ngx_redis_connection.h"


void
ngx_redis_clock_greeting(ngx_redis_connection_t *conn, redisReply *reply,
    uint64_t sent_us)
{
    u_char    *p, *last;
    uint64_t   us;

    static char  field[] = "server_time_usec:";

    if (reply->type != REDIS_REPLY_STRING) {
        return;
    }

    last = (u_char *) reply->str + reply->len;
    p = ngx_strnstr((u_char *) reply->str, field, reply->len);

    if (p == NULL) {
        return;
    }

    us = 0;

    for (p += sizeof(field) - 1; p < last && *p >= '0' && *p <= '9'; p++) {

        if (us > NGX_REDIS_CLOCK_MAX * 100) {
            return;
        }

        us = us * 10 + (*p - '0');
    }

    if (us == 0 || us / 1000 > NGX_REDIS_CLOCK_MAX) {
        return;
    }

    conn->clock = (int64_t) us - (int64_t) sent_us;
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
