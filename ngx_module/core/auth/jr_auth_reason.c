/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Why a request is not authenticated.
 */

#include "jr_auth_reason.h"
#include "jr_http_date.h"
#include "jr_text.h"


/* bytes of a detail that are shown */
#define JR_AUTH_REASON_DETAIL  128


static void jr_auth_reason_date(jr_text_t *text, int64_t time);


static const struct {
    const char  *word;
    const char  *message;
} jr_auth_reasons[] = {

#define INCOMPLETE  "The required information to complete authentication was " \
                    "not provided or was incorrect."
#define UNVERIFIED  "Failed to verify the HTTP(S) Signature"

    { "", "" },
    { "missing", INCOMPLETE },
    { "malformed", INCOMPLETE },
    { "header_not_signed", INCOMPLETE },
    { "header_missing", INCOMPLETE },
    { "skew", "" },
    { "key_unknown", UNVERIFIED },
    { "key_inactive", UNVERIFIED },
    { "key_expired", UNVERIFIED },
    { "key_weak", UNVERIFIED },
    { "tenant", UNVERIFIED },
    { "signature", UNVERIFIED },
    { "length", UNVERIFIED },
    { "digest", UNVERIFIED },
    { "token_malformed", UNVERIFIED },
    { "token_algorithm", UNVERIFIED },
    { "token_issuer", UNVERIFIED },
    { "token_audience", UNVERIFIED },
    { "token_expired", UNVERIFIED },
    { "token_early", UNVERIFIED },
    { "token_key", UNVERIFIED },
    { "token_jwk", UNVERIFIED },
    { "token_signature", UNVERIFIED },
    { "unavailable", "The keys to authenticate requests are not available." }
};

_Static_assert(sizeof(jr_auth_reasons) / sizeof(jr_auth_reasons[0])
               == JR_AUTH_LAST, "a word for each reason");


const char *
jr_auth_reason_word(jr_auth_reason_e reason)
{
    return jr_auth_reasons[reason].word;
}


size_t
jr_auth_reason_write(const jr_auth_failure_t *failure,
    char buf[JR_AUTH_REASON_MAX])
{
    int64_t    ahead;
    jr_text_t  text;

    jr_text_init(&text, buf, JR_AUTH_REASON_MAX);
    jr_text_str(&text, jr_auth_reason_word(failure->reason));

    if (failure->reason == JR_AUTH_SKEW) {
        ahead = failure->date - failure->now;

        jr_text_str(&text, ahead < 0 ? ":" : ":+");
        jr_text_int(&text, ahead);

    } else if (failure->detail.len) {
        jr_text_str(&text, ":");
        jr_text_add(&text, failure->detail.data,
                    failure->detail.len < JR_AUTH_REASON_DETAIL
                    ? failure->detail.len : JR_AUTH_REASON_DETAIL);
    }

    return (size_t) (text.pos - text.start);
}


size_t
jr_auth_reason_message(const jr_auth_failure_t *failure,
    char buf[JR_AUTH_MESSAGE_MAX])
{
    jr_text_t  text;

    jr_text_init(&text, buf, JR_AUTH_MESSAGE_MAX);

    if (failure->reason == JR_AUTH_SKEW) {
        jr_text_str(&text, "Date '");
        jr_auth_reason_date(&text, failure->date);
        jr_text_str(&text, "' is not within allowed clock skew. Current '");
        jr_auth_reason_date(&text, failure->now);
        jr_text_str(&text, "', valid datetime range: ['");
        jr_auth_reason_date(&text, failure->now - failure->skew);
        jr_text_str(&text, "', '");
        jr_auth_reason_date(&text, failure->now + failure->skew);
        jr_text_str(&text, "']");

    } else {
        jr_text_str(&text, jr_auth_reasons[failure->reason].message);
    }

    return (size_t) (text.pos - text.start);
}


/* the service writes the zone as UTC here */

static void
jr_auth_reason_date(jr_text_t *text, int64_t time)
{
    char  date[JR_HTTP_DATE_LEN];

    (void) jr_http_date_write(time, "UTC", date);
    jr_text_add(text, date, sizeof(date));
}
