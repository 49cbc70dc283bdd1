/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is known of a path while it is read.  Internal to jr_path_reading.c,
 * which reads segments, and jr_path_piece.c, which moves on by one.
 *
 * The state after a segment is what a stack of segments could be: its first
 * k are the first k of createJobRun, and above them lie d others, which must
 * be popped by ".." for a match.  Bit d of at[k] is set if that can be:
 *
 *           at[0]    at[1]    at[2] ...              at[6]
 *   match:    bit 0 ---> bit 0 ---> bit 0   ...   ---> bit 0   createJobRun
 *   other:    bit d ---> bit d+1, in each
 *   "..":     bit d ---> bit d-1, and bit 0 of at[k] ---> bit 0 of at[k-1]
 */

#ifndef JR_PATH_PIECE_H_INCLUDED
#define JR_PATH_PIECE_H_INCLUDED

#include <stddef.h>
#include <stdint.h>


#define JR_PATH_SEGMENTS  6

/* of a name no more is looked at; "aidataplatforms" has 15 */
#define JR_PATH_NAME      16

/* bytes of encodings inside encodings; more of them: suspect */
#define JR_PATH_NESTED    32


typedef struct {
    uint64_t       at[JR_PATH_SEGMENTS + 1];

    /* byte: unfinished escapes, each begins with "%"; all but the last one
       wait for a digit that the next one may decode to */
    unsigned char  escape[JR_PATH_NESTED];
    size_t         nescape;

    /* utf8: an unfinished sequence */
    uint32_t       code;
    unsigned       missing;
    unsigned       broken;          /* 1: it interrupts an escape */

    /* char: the segment so far, in lower case, without control characters,
       blanks at its ends and ";params" */
    unsigned char  name[JR_PATH_NAME];
    size_t         len;             /* what does not fit in counts, too */
    unsigned char  last;            /* of these; 0: there is none */
    unsigned       blanks;          /* 1: blanks that may be its end */
    unsigned       params;          /* 1: ";" in the segment */

    /* piece */
    unsigned       joined;          /* 1: some see no separator before it */
    unsigned       in_params;       /* 1: ";" since the last plain "/" */
    unsigned       begun;           /* 1: not the first */
    unsigned       authority;       /* 1: "//" or "http://" has been read */
    unsigned       inside;          /* 1: and a part of what follows */
    unsigned       doubled;         /* 1: there was "//", ".." may find it */

    int            found;
} jr_path_reading_t;


/* Counts the segment that ends here in each way in which it may count. */
void jr_path_piece(jr_path_reading_t *p);


#endif /* JR_PATH_PIECE_H_INCLUDED */
