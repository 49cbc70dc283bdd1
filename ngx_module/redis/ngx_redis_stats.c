/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Counters of a server: their names, and the buckets of its round trips; how
 * an operation ended, in words.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include <time.h>

#include "ngx_redis.h"
#include "ngx_redis_stats.h"


const ngx_uint_t  ngx_redis_stats_bounds[NGX_REDIS_STATS_BOUNDS] = {
    50, 100, 200, 350, 500, 1000, 2000, 5000, 10000, 25000, 50000, 100000,
    250000, 1000000
};


const ngx_str_t  ngx_redis_stats_errors[ngx_redis_err_last] = {
    ngx_string("refused"),
    ngx_string("behind"),
    ngx_string("unreachable"),
    ngx_string("timeout"),
    ngx_string("lost"),
    ngx_string("protocol"),
    ngx_string("reply")
};


uint64_t
ngx_redis_stats_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


void
ngx_redis_stats_roundtrip(ngx_redis_stats_t *stats, uint64_t us)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_REDIS_STATS_BOUNDS; i++) {
        if (us <= ngx_redis_stats_bounds[i]) {
            break;
        }
    }

    stats->roundtrip[i]++;
    stats->roundtrip_us += (ngx_atomic_uint_t) us;
}


void
ngx_redis_stats_failed(ngx_redis_stats_t *stats, ngx_redis_status_e status)
{
    switch (status) {

    case ngx_redis_ok:
        return;

    case ngx_redis_unreachable:
        stats->errors[ngx_redis_err_unreachable]++;
        return;

    case ngx_redis_timeout:
        stats->errors[ngx_redis_err_timeout]++;
        return;

    case ngx_redis_lost:
        stats->errors[ngx_redis_err_lost]++;
        return;

    default: /* ngx_redis_protocol */
        stats->errors[ngx_redis_err_protocol]++;
    }
}


const char *
ngx_redis_stats_text(ngx_redis_status_e status)
{
    switch (status) {

    case ngx_redis_ok:
        return "ok";

    case ngx_redis_unreachable:
        return "unreachable";

    case ngx_redis_timeout:
        return "timeout";

    case ngx_redis_lost:
        return "lost";

    default: /* ngx_redis_protocol */
        return "protocol";
    }
}
