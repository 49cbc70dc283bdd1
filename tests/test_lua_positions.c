/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies of the scripts against a real Redis: each word stands where
 * jr_script.h says.  ARGV and KEYS need no such test: util/embed takes their
 * positions from that header.
 */

#include "lib_lua.h"

#include "jr_script.h"


/* fails unless this word of a reply, whose words have no blanks, is so */

static void
word_is(const char *reply, int at, const char *want)
{
    int    i;
    char   word[64];
    size_t len;

    for (i = 0; i < at && reply[0] != '\0'; i++) {
        reply += strcspn(reply, " ");
        reply += strspn(reply, " ");
    }

    len = strcspn(reply, " ");
    assert_true(len < sizeof(word));
    memcpy(word, reply, len);
    word[len] = '\0';

    is(word, want);
}


static void
verdicts_of_a_claim(void **state)
{
    attempt_t    a, b;
    const char  *got;

    (void) state;

    two(&a, &b, "");
    is(redis_text(redis, "HSET {t}:limits r.burst x"), "1");
    a.limits = b.limits = "rate r 7 3600000000 0 enforce";

    got = admit(redis, &a, T0);
    word_is(got, JR_REPLY_VERDICT, "forward");
    word_is(got, JR_FORWARD_BEFORE, "absent");
    word_is(got, JR_FORWARD_OVERRIDES, "r.burst");
    word_is(got, JR_FORWARD_LIMITS + JR_LIMIT_REPLY_COUNT, "7");

    got = admit(redis, &b, T0);
    word_is(got, JR_REPLY_VERDICT, "running");
    word_is(got, JR_RUNNING_WAIT, "15000");
    word_is(got, JR_RUNNING_REQUEST_ID, "id-a");
    word_is(got, JR_RUNNING_LIMITS + JR_LIMIT_REPLY_COUNT, "7");

    b.fingerprint = "1:beef";
    got = admit(redis, &b, T0);
    word_is(got, JR_REPLY_VERDICT, "mismatch");
    word_is(got, JR_MISMATCH_REQUEST_ID, "id-a");
    word_is(got, JR_MISMATCH_LIMITS + JR_LIMIT_REPLY_COUNT, "7");

    b.deadline = T0 / 1000 - 1;
    got = admit(redis, &b, T0);
    word_is(got, JR_REPLY_VERDICT, "late");
    word_is(got, JR_LATE_TIME, "2099952000000");
    word_is(got, JR_LATE_LIMITS, "");
}


static void
verdicts_of_what_has_ended(void **state)
{
    attempt_t    a, b;
    const char  *got;

    (void) state;

    two(&a, &b, "rate r 7 3600000000 9 enforce");

    begins(admit(redis, &a, T0), "forward ");
    is(settle(redis, &a, "unknown", T0), "settled unknown");

    b.unknown = "refuse";
    got = admit(redis, &b, T0);
    word_is(got, JR_REPLY_VERDICT, "refused");
    word_is(got, JR_REFUSED_REQUEST_ID, "id-a");
    word_is(got, JR_REFUSED_DAMAGE, "\"\"");
    word_is(got, JR_REFUSED_LIMITS + JR_LIMIT_REPLY_BURST, "9");

    is(settle_created(redis, &a, "", "/l", "k", T0), "kept");
    got = admit(redis, &b, T0);
    word_is(got, JR_REPLY_VERDICT, "unkept");
    word_is(got, JR_UNKEPT_LOCATION, "/l");
    word_is(got, JR_UNKEPT_RUN_KEY, "k");
    word_is(got, JR_UNKEPT_REQUEST_ID, "id-a");
    word_is(got, JR_UNKEPT_LIMITS + JR_LIMIT_REPLY_BURST, "9");

    is(redis_text(redis, "FLUSHALL"), "OK");
    begins(admit(redis, &a, T0), "forward ");
    is(settle_created(redis, &a, "answer", "/l", "k", T0), "kept");

    got = admit(redis, &b, T0);
    word_is(got, JR_REPLY_VERDICT, "replay");
    word_is(got, JR_REPLAY_ANSWER, "answer");
    word_is(got, JR_REPLAY_REQUEST_ID, "id-a");
    word_is(got, JR_REPLAY_LIMITS + JR_LIMIT_REPLY_BURST, "9");

    got = settle(redis, &b, "unsent", T0);
    word_is(got, JR_REPLY_SETTLED, "done");
    word_is(got, JR_DONE_ANSWER, "answer");
    word_is(got, JR_DONE_LOCATION, "/l");
    word_is(got, JR_DONE_RUN_KEY, "k");
    word_is(got, JR_DONE_REQUEST_ID, "id-a");
    word_is(got, JR_DONE_LAST, "");
}


static void
numbers_of_a_limit(void **state)
{
    const char  *got;

    static const char  limits[] = "quota q 9 hour 0 enforce, "
                                  "rate r 7 3600000000 0 enforce";

    (void) state;

    begins(count_one(limits, T0), "forward ");

    got = count_one(limits, T0 + SECOND);
    word_is(got, JR_REPLY_VERDICT, "limited");
    word_is(got, JR_LIMITED_INDEX, "2");
    word_is(got, JR_LIMITED_WAIT, "513286");
    word_is(got, JR_LIMITED_OVERRIDES, "\"\"");
    word_is(got, JR_LIMITED_LIMITS + JR_LIMIT_REPLY_COUNT, "9");

    got += strlen("limited 2 513286 \"\" ");
    word_is(got, JR_LIMIT_REPLY_STATE, "0");
    word_is(got, JR_LIMIT_REPLY_COUNT, "9");
    word_is(got, JR_LIMIT_REPLY_PERIOD, "3600");
    word_is(got, JR_LIMIT_REPLY_BURST, "0");
    word_is(got, JR_LIMIT_REPLY_REMAINING, "8");
    word_is(got, JR_LIMIT_REPLY_RESET, "3599000");
    word_is(got, JR_LIMIT_REPLY_LAST + JR_LIMIT_REPLY_STATE, "1");
    word_is(got, JR_LIMIT_REPLY_LAST + JR_LIMIT_REPLY_RESET, "513286");
}


static void
settlements(void **state)
{
    attempt_t    a, b;
    const char  *got;

    (void) state;

    two(&a, &b, "");

    begins(admit(redis, &a, T0), "forward ");

    got = settle(redis, &b, "unsent", T0);
    word_is(got, JR_REPLY_SETTLED, "fenced");
    word_is(got, JR_FENCED_STATE, "c");

    got = settle(redis, &a, "unsent", T0);
    word_is(got, JR_REPLY_SETTLED, "settled");
    word_is(got, JR_SETTLED_STATE, "freed");

    a.lost = T0 / 1000 + 5;
    got = settle(redis, &a, "unsent", T0);
    word_is(got, JR_REPLY_SETTLED, "early");
    word_is(got, JR_EARLY_TIME, "2099952000000");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        lua_test(verdicts_of_a_claim),
        lua_test(verdicts_of_what_has_ended),
        lua_test(numbers_of_a_limit),
        lua_test(settlements)
    };

    return cmocka_run_group_tests(tests, lua_start, lua_stop);
}
