/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every test of the scripts begins with.
 */

#include "lib_lua.h"


redis_t  *redis;


int
lua_start(void **state)
{
    (void) state;

    redis = redis_start(NULL);

    return 0;
}


int
lua_stop(void **state)
{
    (void) state;

    redis_stop(redis);

    return 0;
}


int
lua_flush(void **state)
{
    (void) state;

    is(redis_text(redis, "FLUSHALL"), "OK");

    return 0;
}


attempt_t
by(const char *owner)
{
    static char  ids[8][32];
    static int   n;

    attempt_t  a;

    n = (n + 1) % 8;
    snprintf(ids[n], sizeof(ids[n]), "id-%s", owner);

    a = attempt_default;
    a.owner = owner;
    a.id = ids[n];

    return a;
}


void
two(attempt_t *a, attempt_t *b, const char *limits)
{
    *a = by("a");
    *b = by("b");

    a->limits = limits;
    b->limits = limits;
}


const char *
count_one(const char *limits, int64_t time)
{
    static int   n;
    static char  owner[32];

    attempt_t  a;

    snprintf(owner, sizeof(owner), "o%d", n++);
    a = by(owner);
    a.record = NULL;
    a.limits = limits;

    return admit(redis, &a, time);
}


void
changes_nothing(const attempt_t *a, int64_t time, const char *want)
{
    char  before[80];

    snprintf(before, sizeof(before), "%s", redis_all(redis));
    is(admit(redis, a, time), want);
    is(redis_all(redis), before);
}


void
settles_nothing(const attempt_t *a, const char *outcome, int64_t time,
    const char *want)
{
    char  before[80];

    snprintf(before, sizeof(before), "%s", redis_all(redis));
    is(settle(redis, a, outcome, time), want);
    is(redis_all(redis), before);
}
