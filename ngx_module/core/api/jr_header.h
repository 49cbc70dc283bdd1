/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The values of the request headers that createJobRun defines.
 */

#ifndef JR_HEADER_H_INCLUDED
#define JR_HEADER_H_INCLUDED

#include "jr_status.h"
#include "jr_str.h"


/* bounds of the API page (token) and of this gateway (request id) */
#define JR_RETRY_TOKEN_MAX  64
#define JR_REQUEST_ID_MAX   256


/* How opc-request-id is taken; `jobruns_request_id` */
typedef enum {
    JR_REQUEST_ID_STRICT = 0,   /* letters, digits, "_", "-" (API page) */
    JR_REQUEST_ID_LENIENT,      /* also "/"-separated segments */
    JR_REQUEST_ID_REPLACE       /* strict, but a bad id is replaced */
} jr_request_id_mode_e;


/* Drops surrounding blanks, which are no part of a value (RFC 9110, 5.5). */
jr_str_t jr_header_trim(jr_str_t value);

/*
 * Each checks a trimmed value.  JR_INVALID: *what says what is expected, in
 * words that end in what was found (static text).
 */
jr_status_e jr_header_retry_token(jr_str_t value, const char **what);
jr_status_e jr_header_request_id(jr_str_t value, jr_request_id_mode_e mode,
    const char **what);
jr_status_e jr_header_boolean(jr_str_t value, int *flag, const char **what);

/*
 * JR_OK for "application/json" with optional parameters, of which charset,
 * if there, must be utf-8 (RFC 8259, 8.1).
 */
jr_status_e jr_header_content_type(jr_str_t value, const char **what);


#endif /* JR_HEADER_H_INCLUDED */
