/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Why a request is not authenticated.
 *
 * A reason is a word, which metrics are labelled by, and may have a detail
 * behind a colon, for records and logs: "skew:+372".  Clients are told less:
 * jr_auth_reason_message().
 */

#ifndef JR_AUTH_REASON_H_INCLUDED
#define JR_AUTH_REASON_H_INCLUDED

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "jr_str.h"


typedef enum {
    JR_AUTH_OK = 0,
    JR_AUTH_MISSING,            /* no Authorization */
    JR_AUTH_MALFORMED,          /* what cannot be read: its detail */
    JR_AUTH_NOT_SIGNED,         /* a header that has to be */
    JR_AUTH_NOT_SENT,           /* a header that is signed */
    JR_AUTH_SKEW,
    JR_AUTH_KEY_UNKNOWN,
    JR_AUTH_KEY_INACTIVE,
    JR_AUTH_KEY_EXPIRED,
    JR_AUTH_KEY_WEAK,
    JR_AUTH_TENANT,             /* verified, but not of those let in */
    JR_AUTH_SIGNATURE,
    JR_AUTH_LENGTH,             /* of the body is not the signed one */
    JR_AUTH_DIGEST,             /* of the body is not the signed one */
    JR_AUTH_TOKEN_MALFORMED,
    JR_AUTH_TOKEN_ALGORITHM,    /* is not RS256 */
    JR_AUTH_TOKEN_ISSUER,       /* is not one that is configured */
    JR_AUTH_TOKEN_AUDIENCE,
    JR_AUTH_TOKEN_EXPIRED,
    JR_AUTH_TOKEN_EARLY,        /* is not valid yet */
    JR_AUTH_TOKEN_KEY,          /* of its issuer: unknown, weak */
    JR_AUTH_TOKEN_JWK,          /* the key in it is not a good one */
    JR_AUTH_TOKEN_SIGNATURE,
    JR_AUTH_UNAVAILABLE,        /* keys or memory are not there: 503 */
    JR_AUTH_LAST
} jr_auth_reason_e;


typedef struct {
    jr_auth_reason_e  reason;
    jr_str_t          detail;   /* static text, or a name that lives as long as
                                   what it was read from; may be empty */
    int64_t           date;     /* of JR_AUTH_SKEW, seconds: the request's, */
    int64_t           now;      /* the clock's, */
    int64_t           skew;     /* and what is allowed */
} jr_auth_failure_t;


/* most bytes of a reason with its detail, and of a message */
#define JR_AUTH_REASON_MAX   192
#define JR_AUTH_MESSAGE_MAX  256


/* Fills in *failure, with a detail that is static; returns its reason.  Inline,
   so that compilers see that a caller goes no further. */

static inline jr_auth_reason_e
jr_auth_reason_fail(jr_auth_failure_t *failure, jr_auth_reason_e reason,
    const char *detail)
{
    failure->reason = reason;
    failure->detail.data = detail;
    failure->detail.len = strlen(detail);

    return reason;
}


/* The word of a reason, NUL-terminated. */
const char *jr_auth_reason_word(jr_auth_reason_e reason);

/* "word" or "word:detail" to buf, NUL-terminated; returns its length. */
size_t jr_auth_reason_write(const jr_auth_failure_t *failure,
    char buf[JR_AUTH_REASON_MAX]);

/*
 * What the client is told, in Oracle's own words, NUL-terminated, to buf;
 * returns its length.  Nobody learns from it which keys there are: of an
 * unknown key it says the same as of a wrong signature.
 */
size_t jr_auth_reason_message(const jr_auth_failure_t *failure,
    char buf[JR_AUTH_MESSAGE_MAX]);


#endif /* JR_AUTH_REASON_H_INCLUDED */
