/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an exchange with the service means for a token, for every status, and
 * how errors are worded.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jr_outcome.h"
#include "jr_script.h"
#include "lib_str.h"


static jr_outcome_e
outcome(unsigned sent, unsigned answered, unsigned truncated, unsigned status)
{
    jr_exchange_t  exchange;

    memset(&exchange, 0, sizeof(exchange));

    exchange.attempted = 1;
    exchange.sent = sent;
    exchange.answered = answered;
    exchange.truncated = truncated;
    exchange.status = status;

    return jr_outcome_of(&exchange);
}


/* only what a whole 2xx or a 4xx says is known */

static void
every_status_has_its_outcome(void **state)
{
    unsigned      status;
    jr_outcome_e  want;

    (void) state;

    for (status = 0; status < 1000; status++) {

        switch (status / 100) {
        case 2:
            want = JR_OUTCOME_CREATED;
            break;
        case 4:
            want = status == 408 ? JR_OUTCOME_UNKNOWN : JR_OUTCOME_REJECTED;
            break;
        default:
            want = JR_OUTCOME_UNKNOWN;
        }

        assert_int_equal(outcome(1, 1, 0, status), want);

        /* half of it: a rejection needs no body, a job run does */

        assert_int_equal(outcome(1, 1, 1, status),
                         want == JR_OUTCOME_CREATED ? JR_OUTCOME_UNKNOWN
                                                    : want);

        assert_int_equal(outcome(1, 0, 0, status), JR_OUTCOME_UNKNOWN);
        assert_int_equal(outcome(0, 0, 0, status), JR_OUTCOME_UNSENT);
    }
}


static void
settled_as(jr_outcome_e outcome, unsigned status, const char *word,
    const char *letter)
{
    jr_settle_as_e  as = jr_outcome_settle_as(outcome, status);

    str_is(jr_outcome_settle_words[as].word, word);
    str_is(jr_outcome_settle_words[as].letter, letter);
}


static void
words(void **state)
{
    size_t  i;

    static const char  *const names[JR_OUTCOME_LAST] = {
        "", "unauthenticated", "invalid", "denied", "replayed", "in_progress",
        "token_mismatch", "token_unknown", "limited", "unavailable", "created",
        "rejected_upstream", "unsent", "unknown"
    };

    (void) state;

    for (i = 0; i < JR_OUTCOME_LAST; i++) {
        str_is(jr_outcome_name(i), names[i]);
    }

    settled_as(JR_OUTCOME_CREATED, 201, "created", JR_SETTLE_CREATED);
    settled_as(JR_OUTCOME_REJECTED, 400, "rejected", JR_SETTLE_REJECTED);
    settled_as(JR_OUTCOME_REJECTED, 403, "rejected", JR_SETTLE_REJECTED);
    settled_as(JR_OUTCOME_REJECTED, 401, "unauthorized",
               JR_SETTLE_UNAUTHORIZED);
    settled_as(JR_OUTCOME_UNSENT, 401, "unsent", JR_SETTLE_UNSENT);
    settled_as(JR_OUTCOME_UNKNOWN, 401, "unknown", JR_SETTLE_UNKNOWN);
    settled_as(JR_OUTCOME_NONE, 0, "unknown", JR_SETTLE_UNKNOWN);
}


/* Oracle's codes, and for what has none that of its class */

static void
every_status_has_its_code(void **state)
{
    size_t      i;
    unsigned    status;
    jr_str_t    message;
    const char  *want;

    static const struct {
        unsigned     status;
        const char  *code;
    } codes[] = {
        { 400, "CannotParseRequest" }, { 401, "NotAuthenticated" },
        { 403, "NotAllowed" }, { 404, "NotAuthorizedOrNotFound" },
        { 405, "MethodNotAllowed" }, { 408, "RequestTimeout" },
        { 409, "Conflict" }, { 411, "InvalidParameter" },
        { 412, "NoEtagMatch" }, { 413, "PayloadTooLarge" },
        { 414, "InvalidParameter" }, { 415, "UnsupportedMediaType" },
        { 429, "TooManyRequests" }, { 431, "RequestHeaderFieldsTooLarge" },
        { 494, "CannotParseRequest" }, { 500, "InternalServerError" },
        { 501, "MethodNotImplemented" },
        { 502, "ExternalServerInvalidResponse" },
        { 503, "ServiceUnavailable" }, { 504, "ExternalServerTimeout" }
    };

    (void) state;

    for (status = 400; status < 600; status++) {
        want = status < 500 ? "InvalidParameter" : "InternalServerError";

        for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
            if (codes[i].status == status) {
                want = codes[i].code;
            }
        }

        str_is(jr_outcome_error_code(status), want);

        message = jr_outcome_error_message(status);
        assert_true(message.len > 20);
        assert_int_equal(message.data[message.len - 1], '.');
    }

    str_is(jr_outcome_error_message(418), "The request was refused.");
    str_is(jr_outcome_error_message(599),
           "The gateway failed to process the request.");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(every_status_has_its_outcome),
        cmocka_unit_test(words),
        cmocka_unit_test(every_status_has_its_code)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
