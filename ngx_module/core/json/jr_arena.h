/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory of what is made, looked at and dropped as a whole: the value of a
 * JSON text.
 *
 * An allocation is an addition, and dropping all of them costs next to
 * nothing, where a body of a megabyte has some 500,000 values.
 */

#ifndef JR_ARENA_H_INCLUDED
#define JR_ARENA_H_INCLUDED

#include <stddef.h>


typedef struct jr_arena_s  jr_arena_t;


/* NULL: no memory.  Takes memory for allocations when they are made. */
jr_arena_t *jr_arena_create(void);
void jr_arena_free(jr_arena_t *arena);

/* NULL: no memory.  Aligned for any type; lives until jr_arena_reset(). */
void *jr_arena_alloc(jr_arena_t *arena, size_t size);

/* Drops all that was allocated, and keeps 16 KB for what comes next. */
void jr_arena_reset(jr_arena_t *arena);


#endif /* JR_ARENA_H_INCLUDED */
