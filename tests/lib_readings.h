/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How servers find a route in a request target: each server's habits are one
 * line of a table.  Written from what those servers do, and independent of
 * the classifier that is to foresee them.
 */

#ifndef LIB_READINGS_H_INCLUDED
#define LIB_READINGS_H_INCLUDED

#include <stddef.h>

#include "jr_str.h"


/* bytes of a target that readings_route() looks at */
#define READINGS_TARGET_MAX  4096


/*
 * What a server does to a target, in this order; a letter each:
 *
 *   a   drops "http://authority", or "//authority"
 *   #   ends at the first "#"
 *   ?   ends at the first "?" (after "%": one that was encoded)
 *   0   ends at the first NUL
 *   !   ends at the first ";"
 *   ;   drops ";parameters" of each segment
 *   %   decodes %XX once
 *   k   decodes %XX once, but not %2F
 *   u   decodes %uXXXX as ISO 8859-1
 *   o   decodes overlong UTF-8
 *   w   turns full-width characters into ASCII
 *   +   turns "+" into a blank
 *   \   turns "\" into "/"
 *   m   merges slashes
 *   .   removes dot segments (RFC 3986, section 5.2.4)
 *   c   ignores the case
 *   e   drops control characters
 *   t   drops blanks around segments
 *   s   ignores one slash at the end
 *   x   drops a suffix (".json") of the last segment
 */
typedef struct {
    const char  *server;
    const char  *habits;
} reading_t;

/* ends with a NULL server */
extern const reading_t  readings[];

/* number of readings */
size_t readings_count(void);

/*
 * 1 if servers that read the target by these habits, one behind the other
 * (second may be NULL), route it to createJobRun.  No more than
 * READINGS_TARGET_MAX bytes are looked at; a longer target is not routed.
 */
int readings_route(jr_str_t target, const char *first, const char *second);


#endif /* LIB_READINGS_H_INCLUDED */
