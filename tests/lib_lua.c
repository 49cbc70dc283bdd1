/*
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
