/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The kept answer: what a 2xx looked like, as a part of a record in Redis.
 *
 *   <status> <bytes of headers> <bytes of body>\n
 *   <name>: <value>\n ...
 *   <body>
 *
 * The record that it is stored in has a sum of it (jr_record.h).  What comes
 * back from Redis is not trusted all the same: lengths are checked.
 */

#ifndef JR_ANSWER_H_INCLUDED
#define JR_ANSWER_H_INCLUDED

#include "jr_status.h"
#include "jr_str.h"


/* the headers kept, in this order (CONTRACT of replay) */
typedef enum {
    JR_ANSWER_CONTENT_TYPE = 0,
    JR_ANSWER_CONTENT_ENCODING,
    JR_ANSWER_CONTENT_LOCATION,
    JR_ANSWER_ETAG,
    JR_ANSWER_LOCATION,
    JR_ANSWER_WORK_REQUEST_ID,
    JR_ANSWER_REQUEST_ID,
    JR_ANSWER_HEADERS           /* their number */
} jr_answer_header_e;


typedef struct {
    unsigned  status;           /* 200 to 299 */
    jr_str_t  headers[JR_ANSWER_HEADERS];   /* data NULL: not there */
    jr_str_t  body;
} jr_answer_t;


/* lower-case name of a header that is kept */
jr_str_t jr_answer_header_name(jr_answer_header_e header);

/*
 * Whether a header's value can be stored: 1 unless it holds a control
 * character other than a tab.  What cannot is left out of an answer, so that
 * the rest of it can be replayed.
 */
int jr_answer_storable(jr_str_t value);

/* bytes jr_answer_encode() may write, at most */
size_t jr_answer_size(const jr_answer_t *answer);

/*
 * Writes *answer to dst and sets *len.  JR_INVALID: a header value is not
 * storable.
 */
jr_status_e jr_answer_encode(const jr_answer_t *answer, char *dst,
    size_t *len);

/* Reads a value; *answer points into it.  JR_INVALID: not one of ours. */
jr_status_e jr_answer_decode(jr_str_t value, jr_answer_t *answer);


#endif /* JR_ANSWER_H_INCLUDED */
