/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Chunks, each twice as large as the one before, filled from their start.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "jr_arena.h"


/* of the first chunk, which is kept: holds the values of a usual body */
#define JR_ARENA_FIRST  (16 * 1024)
#define JR_ARENA_LAST   (1024 * 1024)

#define JR_ARENA_ALIGN  sizeof(max_align_t)


typedef struct jr_chunk_s  jr_chunk_t;

struct jr_chunk_s {
    jr_chunk_t   *before;       /* NULL: the first one */
    max_align_t   data[];
};


struct jr_arena_s {
    char         *pos;          /* of what is free in the last chunk */
    size_t        left;
    size_t        size;         /* of the next chunk */
    jr_chunk_t   *last;
};


static int jr_arena_grow(jr_arena_t *arena, size_t size);
static void jr_arena_begin(jr_arena_t *arena);


jr_arena_t *
jr_arena_create(void)
{
    jr_arena_t  *arena;

    arena = malloc(sizeof(jr_arena_t));
    if (arena == NULL) {
        return NULL;
    }

    arena->last = NULL;
    jr_arena_begin(arena);

    return arena;
}


void
jr_arena_free(jr_arena_t *arena)
{
    if (arena == NULL) {
        return;
    }

    jr_arena_reset(arena);

    free(arena->last);
    free(arena);
}


void
jr_arena_reset(jr_arena_t *arena)
{
    jr_chunk_t  *chunk;

    while (arena->last != NULL && arena->last->before != NULL) {
        chunk = arena->last;
        arena->last = chunk->before;
        free(chunk);
    }

    jr_arena_begin(arena);
}


/* fills the first chunk, if there is one, from its start */

static void
jr_arena_begin(jr_arena_t *arena)
{
    arena->pos = arena->last ? (char *) arena->last->data : NULL;
    arena->left = arena->last ? JR_ARENA_FIRST : 0;
    arena->size = arena->last ? 2 * JR_ARENA_FIRST : JR_ARENA_FIRST;
}


void *
jr_arena_alloc(jr_arena_t *arena, size_t size)
{
    void  *p;

    if (size > SIZE_MAX / 2) {
        return NULL;
    }

    size = (size + JR_ARENA_ALIGN - 1) & ~(JR_ARENA_ALIGN - 1);

    while (size > arena->left) {
        if (!jr_arena_grow(arena, size)) {
            return NULL;
        }
    }

    p = arena->pos;
    arena->pos += size;
    arena->left -= size;

    return p;
}


/* What is left of the last chunk is lost; false: no memory. */

static int
jr_arena_grow(jr_arena_t *arena, size_t size)
{
    size_t       room;
    jr_chunk_t  *chunk;

    room = arena->size;

    if (size > room && arena->last != NULL) {
        /* the first is always of the same size, since it is used again */
        room = size;
    }

    chunk = malloc(sizeof(jr_chunk_t) + room);
    if (chunk == NULL) {
        return 0;
    }

    chunk->before = arena->last;
    arena->last = chunk;
    arena->pos = (char *) chunk->data;
    arena->left = room;

    if (arena->size < JR_ARENA_LAST) {
        arena->size *= 2;
    }

    return 1;
}
