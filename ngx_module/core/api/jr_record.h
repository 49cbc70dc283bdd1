/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The record of a token, and of an attempt without one, as Redis stores it:
 * jr_script.h has its layout.
 *
 * What comes from Redis is not trusted: a value that is corrupt, cut or
 * somebody else's is told by its form, its lengths and, of a done token, its
 * sum.
 */

#ifndef JR_RECORD_H_INCLUDED
#define JR_RECORD_H_INCLUDED

#include "jr_answer.h"
#include "jr_pack.h"
#include "jr_script.h"


/* texts point into the value */
typedef struct {
    jr_pack_t  head[JR_RECORD_LAST];
    jr_str_t   first_id;        /* of the first attempt */
    jr_str_t   id;              /* of the owner */
    jr_str_t   tail;
} jr_record_t;


/* behind the head of a done one */
typedef struct {
    jr_str_t   sum;             /* JR_DONE_SUM_LEN bytes */
    jr_str_t   location;        /* of the run; "" if not known, */
    jr_str_t   run_key;         /* and likewise its key */
    jr_str_t   answer;          /* encoded; "" if not stored */
} jr_record_done_t;


/* JR_INVALID: it is not a record */
jr_status_e jr_record_read(jr_str_t value, jr_record_t *record);

/*
 * Reads the tail of a done record.  JR_INVALID: it is corrupt; then the sum is
 * set all the same, for admit.lua.  Else what jr_digest() has against it.  A
 * location that is not stored is that of the response.
 */
jr_status_e jr_record_read_done(const jr_record_t *record,
    jr_record_done_t *done);

/* bytes that jr_record_write_done() may write, at most */
size_t jr_record_done_size(jr_str_t location, jr_str_t run_key,
    const jr_answer_t *answer);

/*
 * Writes such a tail to dst, and sets *len; the location only where the answer,
 * which may be NULL, does not have it.  What jr_answer_encode() and jr_digest()
 * have against it, else JR_OK.
 */
jr_status_e jr_record_write_done(jr_str_t location, jr_str_t run_key,
    const jr_answer_t *answer, char *dst, size_t *len);


/* the encoded answer in such a tail; "" if there is none */
jr_str_t jr_record_answer(jr_str_t tail);


#endif /* JR_RECORD_H_INCLUDED */
