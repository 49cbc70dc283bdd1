/* SPDX-License-Identifier: BSD-2-Clause
 *
 * OCI request signatures: Authorization: Signature keyId="...", ...
 * (draft-cavage-http-signatures-08, rsa-sha256).
 *
 * A request is verified in this order, so that what costs nothing is looked at
 * first:
 *
 *   jr_signature_read()      the Authorization header's value
 *   jr_signature_field()     each header of the request, as it comes
 *   jr_signature_check()     all that needs no key
 *   jr_signing_digest()      of what was signed, for jr_rsa_verify()
 *   jr_signature_body()      when the body is there
 *
 * Nothing is allocated: sizes and numbers are bounded by the structure, and a
 * request beyond them is malformed.  Texts stay where the caller has them.
 */

#ifndef JR_SIGNATURE_H_INCLUDED
#define JR_SIGNATURE_H_INCLUDED

#include <stdint.h>

#include "jr_auth_reason.h"
#include "jr_digest.h"
#include "jr_rsa.h"
#include "jr_status.h"
#include "jr_str.h"


#define JR_SIGNATURE_NAMES   32     /* that are signed */
#define JR_SIGNATURE_VALUES  64     /* of these, repeated headers with them */
#define JR_SIGNATURE_LIST    1024   /* bytes of headers="..." */
#define JR_SIGNATURE_METHOD  32     /* bytes */


/* headers that the rules know, and what is none */
typedef enum {
    JR_SIGNATURE_TARGET = 0,    /* (request-target) */
    JR_SIGNATURE_HOST,
    JR_SIGNATURE_DATE,
    JR_SIGNATURE_X_DATE,
    JR_SIGNATURE_CONTENT_LENGTH,
    JR_SIGNATURE_CONTENT_TYPE,
    JR_SIGNATURE_CONTENT_SHA256,
    JR_SIGNATURE_KNOWN,
    JR_SIGNATURE_OTHER = JR_SIGNATURE_KNOWN
} jr_signature_header_e;


/* their names, in lower case */
extern const jr_str_t  jr_signature_headers[JR_SIGNATURE_KNOWN];


/* a name of headers="...", and the values that were sent */
typedef struct {
    jr_str_t               name;    /* in lower case, NUL-terminated, in list */
    jr_signature_header_e  header;
    unsigned char          first;   /* of values, from 1; 0: none was sent */
    unsigned char          last;
} jr_signature_line_t;

typedef struct {
    jr_str_t       text;        /* trimmed */
    unsigned char  next;        /* of the same header, from 1; 0: none */
} jr_signature_value_t;


/* what is signed of a body */
typedef struct {
    int64_t      length;        /* -1: by no header that was sent */
    jr_digest_t  digest;
} jr_signature_body_t;


/* To be filled in by jr_signature_read(); has pointers into itself. */
typedef struct {
    jr_str_t               key_id;
    jr_str_t               encoded;     /* signature="..." */
    jr_str_t               names;       /* headers="...", as it was sent */

    jr_signature_line_t    lines[JR_SIGNATURE_NAMES];
    jr_signature_value_t   values[JR_SIGNATURE_VALUES];
    unsigned               nlines;
    unsigned               nvalues;
    unsigned               others;      /* lines of JR_SIGNATURE_OTHER */

    /* of the headers that are known, signed or not */
    jr_str_t               known[JR_SIGNATURE_KNOWN];
    unsigned               sent[JR_SIGNATURE_KNOWN];
    unsigned char          signs[JR_SIGNATURE_KNOWN];   /* its line, from 1 */

    /* by jr_signature_check() */
    size_t                 signature_len;
    jr_signature_body_t    body;

    unsigned               excess:1;    /* more values than can be */
    unsigned               waits:1;     /* for the length of the body, which
                                           stands for a Content-Length */

    char                   list[JR_SIGNATURE_LIST + 1];
    unsigned char          signature[JR_RSA_BYTES];
} jr_signature_t;


typedef struct {
    jr_str_t  method;
    jr_str_t  target;           /* raw, as it stands in the request line */
    unsigned  body:1;           /* headers of the body have to be signed */
} jr_signature_request_t;


/*
 * Reads the value of the one Authorization header.  Anything but JR_AUTH_OK:
 * failure says what is wrong.
 */
jr_auth_reason_e jr_signature_read(jr_str_t authorization, jr_signature_t *s,
    jr_auth_failure_t *failure);

/*
 * Takes a header of the request.  All of them have to come, in their order,
 * name in any case; for HTTP/2's ":authority" one that is called "host".
 */
void jr_signature_field(jr_signature_t *s, jr_str_t name, jr_str_t value);

/*
 * Checks all that is known before the body and without a key: that what must
 * be signed is, and was sent, once, and what the values are.  now and skew are
 * seconds; a date that is exactly skew away is right.
 */
jr_auth_reason_e jr_signature_check(jr_signature_t *s,
    const jr_signature_request_t *rq, int64_t now, int64_t skew,
    jr_auth_failure_t *failure);

/*
 * Whether text is the body that was signed; *body is to be copied from
 * jr_signature_t, of which nothing else is needed for it.  Threads may call it
 * at the same time.
 */
jr_auth_reason_e jr_signature_body(const jr_signature_body_t *body,
    const char *text, size_t len, jr_auth_failure_t *failure);


#endif /* JR_SIGNATURE_H_INCLUDED */
