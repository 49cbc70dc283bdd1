/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads the head of an HTTP/1 request (RFC 9112, 2 and 3), as a proxy has
 * built it to be sent: the request line and the few fields by which it is
 * known whose request it is.
 */

#ifndef JR_HEAD_H_INCLUDED
#define JR_HEAD_H_INCLUDED

#include "jr_status.h"
#include "jr_str.h"


typedef enum {
    JR_HEAD_HOST = 0,
    JR_HEAD_AUTHORIZATION,
    JR_HEAD_RETRY_TOKEN,
    JR_HEAD_CONTENT_LENGTH,
    JR_HEAD_LAST
} jr_head_field_e;


typedef struct {
    jr_str_t  value;            /* of the first one, without the blanks around
                                   it; data NULL: there is none */
    unsigned  count;
} jr_head_field_t;


/* all strings point into the text that was read */
typedef struct {
    jr_str_t         method;
    jr_str_t         target;    /* all between the method and the version */
    jr_head_field_t  fields[JR_HEAD_LAST];
    unsigned         chunked:1; /* there is a Transfer-Encoding */
    unsigned         override:1;    /* of the method, to POST */
} jr_head_t;


/*
 * Reads a head.  JR_INVALID: the text is not one HTTP/1.0 or HTTP/1.1 head
 * and nothing else: it has no such request line, a line does not end with
 * CRLF or has a CR or LF within it, or the empty line is missing or does not
 * end the text, which then holds a body or another request; *head is not
 * to be used.  One walk, which allocates nothing.
 */
jr_status_e jr_head_read(jr_str_t text, jr_head_t *head);


#endif /* JR_HEAD_H_INCLUDED */
