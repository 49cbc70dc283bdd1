/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The nearest right word to a wrong one, for messages.
 */

#ifndef JR_NEAREST_H_INCLUDED
#define JR_NEAREST_H_INCLUDED

#include <stddef.h>


/*
 * Writes what is wrong with word into buf, NUL-terminated: unknown verb "tokn":
 * did you mean "token"?  Without one that is near, all that there are.
 *
 * words is a table, each row stride bytes long, whose rows begin with a
 * const char * to a name; that of the last row is NULL.  A word that begins
 * with "-" is an option: names are shown with "--", and what is behind "="
 * does not count.
 */
void jr_nearest_say(char *buf, size_t size, const char *what,
    const char *word, const void *words, size_t stride);


#endif /* JR_NEAREST_H_INCLUDED */
