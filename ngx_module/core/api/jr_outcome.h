/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What became of an attempt to create a job run.
 *
 * The outcome of a forwarded attempt comes from what was really exchanged
 * with the service, never from the answer's headers alone, since error pages
 * and internal redirects change those.
 */

#ifndef JR_OUTCOME_H_INCLUDED
#define JR_OUTCOME_H_INCLUDED

#include "jr_str.h"


/* in the order of docs/guarantees.md's table */
typedef enum {
    JR_OUTCOME_NONE = 0,        /* not decided yet, or no createJobRun */
    JR_OUTCOME_UNAUTHENTICATED,
    JR_OUTCOME_INVALID,
    JR_OUTCOME_DENIED,          /* by NGINX: auth_request, limit_req ... */
    JR_OUTCOME_REPLAYED,
    JR_OUTCOME_IN_PROGRESS,
    JR_OUTCOME_TOKEN_MISMATCH,
    JR_OUTCOME_TOKEN_UNKNOWN,   /* jobruns_retry_unknown refuse */
    JR_OUTCOME_LIMITED,
    JR_OUTCOME_UNAVAILABLE,
    JR_OUTCOME_CREATED,
    JR_OUTCOME_REJECTED,        /* by the service: nothing was made */
    JR_OUTCOME_UNSENT,          /* the service never got a byte */
    JR_OUTCOME_UNKNOWN,         /* it may have been made */
    JR_OUTCOME_LAST
} jr_outcome_e;


/* What was exchanged with the service, over all its peers. */
typedef struct {
    unsigned  attempted:1;      /* a peer was chosen at all */
    unsigned  sent:1;           /* a byte left for any of them */
    unsigned  answered:1;       /* a whole response header came back */
    unsigned  truncated:1;      /* the answer broke off */
    unsigned  status;           /* of that header */
} jr_exchange_t;


/* As what an attempt is settled. */
typedef enum {
    JR_SETTLE_AS_CREATED = 0,
    JR_SETTLE_AS_REJECTED,
    JR_SETTLE_AS_UNAUTHORIZED,
    JR_SETTLE_AS_UNSENT,
    JR_SETTLE_AS_WITHDRAWN,     /* it left while it waited for its turn */
    JR_SETTLE_AS_UNKNOWN,
    JR_SETTLE_AS_LAST
} jr_settle_as_e;

typedef struct {
    jr_str_t  word;             /* for error.log */
    jr_str_t  letter;           /* for settle.lua */
} jr_settle_word_t;

extern const jr_settle_word_t  jr_outcome_settle_words[JR_SETTLE_AS_LAST];


/* The outcome that an exchange means. */
jr_outcome_e jr_outcome_of(const jr_exchange_t *exchange);

/* "created" and so on, for audit and $jobruns_outcome; "" for NONE. */
jr_str_t jr_outcome_name(jr_outcome_e outcome);

/* As what a forwarded attempt is settled; 401 is told apart, it refunds the
   rate. */
jr_settle_as_e jr_outcome_settle_as(jr_outcome_e outcome, unsigned status);


/*
 * The "code" of an error answer by its status, for the errors that NGINX
 * itself makes (Oracle's table of API error codes).
 */
jr_str_t jr_outcome_error_code(unsigned status);

/* A sentence to go with it. */
jr_str_t jr_outcome_error_message(unsigned status);


#endif /* JR_OUTCOME_H_INCLUDED */
