/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tables: what an exchange means, and how errors are worded.
 */

#include "jr_outcome.h"
#include "jr_script.h"


typedef struct {
    unsigned  status;
    jr_str_t  code;
    jr_str_t  message;
} jr_error_t;


/* statuses that NGINX makes by itself; 494 is its own for a header too large,
   495 to 497 are its own for TLS */

static const jr_error_t  jr_errors[] = {

    { 400, jr_str("CannotParseRequest"),
      jr_str("The request is not well-formed HTTP.") },

    { 401, jr_str("NotAuthenticated"),
      jr_str("The required information to complete authentication was not "
             "provided or was incorrect.") },

    { 403, jr_str("NotAllowed"),
      jr_str("The request is not allowed.") },

    { 404, jr_str("NotAuthorizedOrNotFound"),
      jr_str("Authorization failed or the requested resource was not "
             "found.") },

    { 405, jr_str("MethodNotAllowed"),
      jr_str("The method is not allowed for this resource.") },

    { 408, jr_str("RequestTimeout"),
      jr_str("The request did not arrive completely in time.") },

    { 409, jr_str("Conflict"),
      jr_str("The request conflicts with the state of the resource.") },

    { 411, jr_str("InvalidParameter"),
      jr_str("The request must have a Content-Length header.") },

    { 412, jr_str("NoEtagMatch"),
      jr_str("A precondition of the request does not hold.") },

    { 413, jr_str("PayloadTooLarge"),
      jr_str("The request body is larger than this gateway accepts.") },

    { 414, jr_str("InvalidParameter"),
      jr_str("The request URI is longer than this gateway accepts.") },

    { 415, jr_str("UnsupportedMediaType"),
      jr_str("Content-Type must be application/json.") },

    { 429, jr_str("TooManyRequests"),
      jr_str("Too many requests; try again later.") },

    { 431, jr_str("RequestHeaderFieldsTooLarge"),
      jr_str("The request headers are larger than this gateway accepts.") },

    { 494, jr_str("CannotParseRequest"),
      jr_str("The request headers are larger than this gateway accepts.") },

    { 500, jr_str("InternalServerError"),
      jr_str("The gateway failed to process the request.") },

    { 501, jr_str("MethodNotImplemented"),
      jr_str("The request uses a method or coding that is not "
             "implemented.") },

    { 502, jr_str("ExternalServerInvalidResponse"),
      jr_str("The service behind the gateway gave no valid answer.") },

    { 503, jr_str("ServiceUnavailable"),
      jr_str("The service is not available; try again later.") },

    { 504, jr_str("ExternalServerTimeout"),
      jr_str("The service behind the gateway did not answer in time.") }
};


/* for any other status, by its class */

static const jr_error_t  jr_error_4xx = {
    400, jr_str("InvalidParameter"),
    jr_str("The request was refused.")
};

static const jr_error_t  jr_error_5xx = {
    500, jr_str("InternalServerError"),
    jr_str("The gateway failed to process the request.")
};


static const jr_str_t  jr_outcome_names[] = {
    jr_str(""),
    jr_str("unauthenticated"),
    jr_str("invalid"),
    jr_str("denied"),
    jr_str("replayed"),
    jr_str("in_progress"),
    jr_str("token_mismatch"),
    jr_str("token_unknown"),
    jr_str("limited"),
    jr_str("unavailable"),
    jr_str("created"),
    jr_str("rejected_upstream"),
    jr_str("unsent"),
    jr_str("unknown")
};

_Static_assert(sizeof(jr_outcome_names) / sizeof(jr_outcome_names[0])
               == JR_OUTCOME_LAST, "a name for each outcome");


const jr_settle_word_t  jr_outcome_settle_words[] = {
    { jr_str("created"), jr_str(JR_SETTLE_CREATED) },
    { jr_str("rejected"), jr_str(JR_SETTLE_REJECTED) },
    { jr_str("unauthorized"), jr_str(JR_SETTLE_UNAUTHORIZED) },
    { jr_str("unsent"), jr_str(JR_SETTLE_UNSENT) },
    { jr_str("withdrawn"), jr_str(JR_SETTLE_WITHDRAWN) },
    { jr_str("unknown"), jr_str(JR_SETTLE_UNKNOWN) }
};

_Static_assert(sizeof(jr_outcome_settle_words)
               / sizeof(jr_outcome_settle_words[0]) == JR_SETTLE_AS_LAST,
               "a word for each way to settle");


static const jr_error_t *
jr_error_find(unsigned status)
{
    size_t  i;

    for (i = 0; i < sizeof(jr_errors) / sizeof(jr_errors[0]); i++) {
        if (jr_errors[i].status == status) {
            return &jr_errors[i];
        }
    }

    return status >= 500 ? &jr_error_5xx : &jr_error_4xx;
}


jr_outcome_e
jr_outcome_of(const jr_exchange_t *exchange)
{
    unsigned  status;

    if (!exchange->answered) {
        return exchange->sent ? JR_OUTCOME_UNKNOWN : JR_OUTCOME_UNSENT;
    }

    status = exchange->status;

    if (status >= 200 && status < 300) {
        /* half an answer cannot be kept nor given: the client is told to
           ask again, and the service to say again what it made */
        return exchange->truncated ? JR_OUTCOME_UNKNOWN : JR_OUTCOME_CREATED;
    }

    /* 408 is a service's way to say it stopped waiting, at what point it does
       not say */

    if (status >= 400 && status < 500 && status != 408) {
        return JR_OUTCOME_REJECTED;
    }

    return JR_OUTCOME_UNKNOWN;
}


jr_str_t
jr_outcome_name(jr_outcome_e outcome)
{
    return jr_outcome_names[outcome];
}


jr_settle_as_e
jr_outcome_settle_as(jr_outcome_e outcome, unsigned status)
{
    switch (outcome) {

    case JR_OUTCOME_CREATED:
        return JR_SETTLE_AS_CREATED;

    case JR_OUTCOME_REJECTED:
        return status == 401 ? JR_SETTLE_AS_UNAUTHORIZED
                             : JR_SETTLE_AS_REJECTED;

    case JR_OUTCOME_UNSENT:
        return JR_SETTLE_AS_UNSENT;

    default:
        return JR_SETTLE_AS_UNKNOWN;
    }
}


jr_str_t
jr_outcome_error_code(unsigned status)
{
    return jr_error_find(status)->code;
}


jr_str_t
jr_outcome_error_message(unsigned status)
{
    return jr_error_find(status)->message;
}
