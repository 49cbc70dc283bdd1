/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a script replies, as text, so that a test can say what it expects.
 */

#ifndef LIB_REPLY_H_INCLUDED
#define LIB_REPLY_H_INCLUDED

#include "lib_packed.h"
#include "lib_redis.h"


/*
 * The n-th string of a reply: "forward absent \"\"" with six numbers for each
 * limit (state, count, period, burst, what remains, ms until there is more; of
 * a delayed one "turn" and the ms until that), and so on; "(error) ..." where
 * there is none, and "large " with its letter in place of one above 4 KB.
 */
const char *verdict_text(const redisReply *reply, size_t n,
    const limits_t *limits);
const char *settled_text(const redisReply *reply, size_t n);


#endif /* LIB_REPLY_H_INCLUDED */
