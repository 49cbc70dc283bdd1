/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Java time zone ids: verdicts by the vectors, and what is suggested.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "jr_timezone.h"
#include "lib_rules.h"

static const char *const  ids[] = {
#define JR_TIMEZONE(id, letters)  id,
#include "jr_timezone_table.h"
};

static const size_t  n_ids = sizeof(ids) / sizeof(ids[0]);


static void
vectors(void **state)
{
    corpus_t  corpus;

    (void) state;

    vectors_run(&corpus, "timezones.jsonl", rule_timezone, NULL);
    corpus_end(&corpus);
}


static void
every_id_of_the_table_is_found(void **state)
{
    char         longer[64];
    size_t       i, len;
    const char  *id;

    (void) state;

    assert_true(n_ids > 600);

    for (i = 0; i < n_ids; i++) {
        id = ids[i];
        len = strlen(id);

        assert_true(len < JR_TIMEZONE_LEN);
        assert_int_equal(jr_timezone_check(id, len), JR_OK);
        assert_true(i == 0 || strcmp(ids[i - 1], id) < 0);

        sprintf(longer, "%s_", id);
        assert_int_equal(jr_timezone_check(longer, len + 1), JR_INVALID);

        /* never read past the end of what is no C string */

        memset(longer, 'x', sizeof(longer));
        memcpy(longer, id, len);
        assert_int_equal(jr_timezone_check(longer, len), JR_OK);
    }
}


static void
suggests(const char *id, const char *want)
{
    const char  *nearest;

    nearest = jr_timezone_nearest(id, strlen(id));

    if (want == NULL) {
        assert_null(nearest);

    } else {
        assert_non_null(nearest);
        assert_string_equal(nearest, want);
    }
}


static void
the_nearest_is_suggested(void **state)
{
    (void) state;

    suggests("US/Pacfic", "US/Pacific");
    suggests("US/Paicfic", "US/Pacific");
    suggests("us/pacific", "US/Pacific");
    suggests("US/Pacific ", "US/Pacific");
    suggests("America/New York", "America/New_York");
    suggests("america/los_angeles", "America/Los_Angeles");
    suggests("Los_Angeles", "America/Los_Angeles");
    suggests("Buenos Aires", "America/Argentina/Buenos_Aires");
    suggests("Europe/Berln", "Europe/Berlin");
    suggests("Cuab", "Cuba");
    suggests("utc", "UTC");
    suggests("Eastern Standard Time", "America/New_York");
    suggests("eastern daylight time", "America/New_York");
    suggests("E. South America Standard Time", "America/Sao_Paulo");
    suggests("Venezuela Standard Time", "America/Caracas");
    suggests("Eurxpe/Rxme", "Europe/Rome");
    suggests("Eurxpe/Rxmx", NULL);
    suggests("Martian Standard Time", NULL);
    suggests("Mars/Phobos", NULL);
    suggests("", NULL);
    suggests("x", NULL);
    suggests("qqq", NULL);
    suggests("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
             "xxxxx", NULL);
}


/* optimal string alignment as books have it: the whole table, no bound */

static size_t
distance(const char *one, const char *two)
{
    size_t  i, k, d[64][64];
    size_t  m = strlen(one), n = strlen(two);

    for (i = 0; i <= m; i++) {
        for (k = 0; k <= n; k++) {
            if (i == 0 || k == 0) {
                d[i][k] = i + k;
                continue;
            }

            d[i][k] = d[i - 1][k - 1] + (one[i - 1] != two[k - 1]);

            if (d[i - 1][k] + 1 < d[i][k]) {
                d[i][k] = d[i - 1][k] + 1;
            }

            if (d[i][k - 1] + 1 < d[i][k]) {
                d[i][k] = d[i][k - 1] + 1;
            }

            if (i > 1 && k > 1 && one[i - 1] == two[k - 2]
                && one[i - 2] == two[k - 1] && d[i - 2][k - 2] + 1 < d[i][k])
            {
                d[i][k] = d[i - 2][k - 2] + 1;
            }
        }
    }

    return d[m][n];
}


static void
fold(const char *id, char *folded)
{
    do {
        *folded++ = (char) (*id >= 'A' && *id <= 'Z' ? *id + 32
                            : *id == ' ' ? '_' : *id);
    } while (*id++);
}


/* the first of those that are at the least distance, or none within bounds */

static void
is_nearest(const char *id)
{
    char         mine[64], other[64];
    size_t       i, d, least, len;
    const char  *want, *got;

    len = strlen(id);
    least = len / 4 < 3 ? len / 4 + 1 : 4;
    want = NULL;
    fold(id, mine);

    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        fold(ids[i], other);
        d = distance(mine, other);

        if (d < least) {
            least = d;
            want = ids[i];
        }
    }

    got = jr_timezone_nearest(id, len);

    if (want != NULL) {
        assert_non_null(got);
        assert_string_equal(got, want);
    }
}


/* ids of the table with up to four changes at random places */

static void
the_nearest_is_the_nearest_of_all(void **state)
{
    char      id[64];
    size_t    i, k, at, len, changes;
    unsigned  seed;

    (void) state;

    seed = 1;

    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i += 3) {
        strcpy(id, ids[i]);
        changes = i % 5;

        for (k = 0; k < changes; k++) {
            seed = seed * 1103515245 + 12345;
            len = strlen(id);
            at = (seed >> 16) % len;

            switch ((seed >> 8) % 3) {

            case 0:
                id[at] = "aeo/_XZ-"[(seed >> 20) % 8];
                break;

            case 1:
                if (len > 4) {
                    memmove(id + at, id + at + 1, len - at);
                }

                break;

            default:
                if (at + 1 < len) {
                    char  c = id[at];

                    id[at] = id[at + 1];
                    id[at + 1] = c;
                }
            }
        }

        is_nearest(id);
    }
}


static void
means(const char *id, const char *want)
{
    char    offset[JR_TIMEZONE_OFFSET];
    size_t  len;

    len = jr_timezone_offset(id, strlen(id), offset);

    assert_int_equal(len, want ? strlen(want) : 0);

    if (want != NULL) {
        assert_string_equal(offset, want);
        assert_int_equal(jr_timezone_check(offset, len), JR_OK);
    }
}


static void
offsets_are_written_in_full(void **state)
{
    (void) state;

    means("UTC+5:30", "UTC+05:30");
    means("utc +5:30", "UTC+05:30");
    means("UTC+0530", "UTC+05:30");
    means("UTC-530", "UTC-05:30");
    means("gmt+5.30", "GMT+05:30");
    means("Ut-3", "UT-03:00");
    means("+5:30", "+05:30");
    means("-18:00", "-18:00");

    means("UTC+18:01", NULL);
    means("UTC+5:60", NULL);
    means("UTC+5:3", NULL);
    means("UTC+5:300", NULL);
    means("UTC+05300", NULL);
    means("UTC+5:30x", NULL);
    means("UTC+", NULL);
    means("UTC+:30", NULL);
    means("UTC 5", NULL);
    means("UTC", NULL);
    means("", NULL);
    means("EST+5", NULL);
}


static void
explained(void **state)
{
    char       buf[512];
    jr_text_t  t;

    (void) state;

    jr_text_init(&t, buf, sizeof(buf));
    jr_timezone_explain("Mars/Phobos\n", 12, &t);
    assert_string_equal(buf, "must be a Java time zone id such as US/Pacific,"
                        " UTC or GMT+05:30, found \"Mars/Phobos\\u000a\"");

    jr_text_init(&t, buf, sizeof(buf));
    jr_timezone_explain("Asia/Tokio", 10, &t);
    assert_string_equal(buf, "must be a Java time zone id such as US/Pacific,"
                        " UTC or GMT+05:30, found \"Asia/Tokio\", did you"
                        " mean Asia/Tokyo?");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(every_id_of_the_table_is_found),
        cmocka_unit_test(the_nearest_is_suggested),
        cmocka_unit_test(the_nearest_is_the_nearest_of_all),
        cmocka_unit_test(offsets_are_written_in_full),
        cmocka_unit_test(explained)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
