/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A private redis-server on a unix socket in a temporary folder, for tests
 * of the scripts.  It ends with the test program, however that ends.
 */

#ifndef LIB_REDIS_H_INCLUDED
#define LIB_REDIS_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include <hiredis/hiredis.h>


typedef struct redis_s  redis_t;


/*
 * Starts $TEST_REDIS_BINARY (redis-server) with further arguments, a list
 * that NULL ends, or NULL.  Fails the test where it does not come up.
 */
redis_t *redis_start(const char *const *args);
void redis_stop(redis_t *redis);

/*
 * Runs a command in hiredis' format.  The reply is the caller's to free;
 * a lost connection fails the test, an error reply does not.
 */
redisReply *redis_reply(redis_t *redis, const char *format, ...);
redisReply *redis_reply_argv(redis_t *redis, int argc, const char **argv,
    const size_t *lens);

/*
 * The same, and the reply as text, which is good until the next call:
 * integers and strings as they are, "" for an empty string, (nil), an error
 * as "(error) ...", the elements of an array with a blank between them.
 */
const char *redis_text(redis_t *redis, const char *format, ...);
const char *redis_reply_text(const redisReply *reply);

int64_t redis_integer(redis_t *redis, const char *format, ...);

/* a digest of all keys, their values and the ends of their lives */
const char *redis_all(redis_t *redis);


#endif /* LIB_REDIS_H_INCLUDED */
