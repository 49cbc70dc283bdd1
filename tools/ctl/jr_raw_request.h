/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A request as it went over the wire, saved in a file: HTTP/1.1, its lines
 * ending with CRLF or, as editors leave them, LF.
 */

#ifndef JR_RAW_REQUEST_H_INCLUDED
#define JR_RAW_REQUEST_H_INCLUDED

#include "jr_status.h"
#include "jr_str.h"


#define JR_RAW_REQUEST_FIELDS  128


typedef struct {
    jr_str_t  name;
    jr_str_t  value;            /* trimmed */
} jr_raw_field_t;

/* all strings point into the text that was read */
typedef struct {
    jr_str_t        method;
    jr_str_t        target;
    jr_raw_field_t  fields[JR_RAW_REQUEST_FIELDS];
    size_t          nfields;
    jr_str_t        body;       /* all that is behind the head */
} jr_raw_request_t;


/* JR_INVALID: *what is what is wrong (static text). */
jr_status_e jr_raw_request_read(jr_str_t text, jr_raw_request_t *rq,
    const char **what);

/* The value of the first header of that name, in lower case; data NULL: there
   is none.  *n is how many there are. */
jr_str_t jr_raw_request_field(const jr_raw_request_t *rq, const char *name,
    size_t *n);


#endif /* JR_RAW_REQUEST_H_INCLUDED */
