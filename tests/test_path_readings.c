/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Differential test: paths made at random, as servers would read them against
 * what the classifier says.  No server may find a createJobRun in a path that
 * counts as another one; and what no server reads so is seldom suspected.
 *
 * JR_PATHS_SEED=N and JR_PATHS_COUNT=N make other and more of them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jr_path.h"
#include "lib_readings.h"


#define SEED     20260430
#define COUNT    30000

/* pairs of servers, one behind the other, that are tried on each path */
#define PAIRS    6

#define TEXT_MAX  1024


typedef struct {
    char    data[TEXT_MAX];
    size_t  len;
} text_t;


static uint64_t  random_state;


/* splitmix64 */

static uint64_t
random_below(uint64_t n)
{
    uint64_t  z;

    z = (random_state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;

    return (z ^ (z >> 31)) % n;
}


static uint64_t
setting(const char *name, uint64_t otherwise)
{
    const char  *value = getenv(name);

    return value && *value ? strtoull(value, NULL, 10) : otherwise;
}


#define pick(list)  (list)[random_below(sizeof(list) / sizeof((list)[0]))]


static void
insert(text_t *t, size_t at, const char *what, size_t len)
{
    if (t->len + len > TEXT_MAX) {
        return;
    }

    memmove(t->data + at + len, t->data + at, t->len - at);
    memcpy(t->data + at, what, len);
    t->len += len;
}


static void
insert_text(text_t *t, size_t at, const char *what)
{
    insert(t, at, what, strlen(what));
}


/* the place of a slash, or the end */

static size_t
a_boundary(text_t *t)
{
    size_t  i, n, slashes;

    for (i = 0, slashes = 0; i < t->len; i++) {
        slashes += t->data[i] == '/';
    }

    n = random_below(slashes + 1);

    for (i = 0; i < t->len; i++) {
        if (t->data[i] == '/' && n-- == 0) {
            break;
        }
    }

    return i;
}


/* a byte in an encoding, perhaps in several, one around the other */

static void
encode(text_t *t, size_t at)
{
    char            code[16];
    size_t          levels;
    unsigned char   ch = (unsigned char) t->data[at];

    static const char *const  forms[] = {
        "%%%02x", "%%%02X", "%%%02x", "%%%02X", "%%%02x", "%%%02X",
        "%%u00%02x", "%%U00%02X"
    };

    memmove(t->data + at, t->data + at + 1, t->len - at - 1);
    t->len--;

    if (random_below(16) == 0 && ch < 0x80) {
        snprintf(code, sizeof(code), "%%c%u%%%02x", ch >> 6, 0x80 | (ch & 63));

    } else if (random_below(16) == 0 && ch > 0x20 && ch < 0x7f) {
        unsigned  wide = 0xff00u + ch - 0x20;

        snprintf(code, sizeof(code), "%%%02X%%%02X%%%02X", 0xe0 | wide >> 12,
                 0x80 | (wide >> 6 & 63), 0x80 | (wide & 63));

    } else {
        snprintf(code, sizeof(code), pick(forms), ch);
    }

    insert_text(t, at, code);

    for (levels = random_below(8) == 0 ? 1 + random_below(2) : 0; levels;
         levels--)
    {
        insert_text(t, at + 1, "25");
    }

    if (random_below(24) == 0 && t->data[at + 1] != '2') {
        snprintf(code, sizeof(code), "%%%02x", (unsigned) t->data[at + 1]);
        memmove(t->data + at + 1, t->data + at + 2, t->len - at - 2);
        t->len--;
        insert_text(t, at + 1, code);
    }
}


static void
mutate(text_t *t)
{
    char    ch;
    size_t  at;

    static const char *const  segments[] = {
        "/", "/.", "/;", "/;x", "/;a=b;c", "/%3b", "/%3Bx", "/%253b", "/.;",
        "/.;x", "/%2e", "/%2e;a", "/%2e%3b", "\\", "\\.", "%2F", "%2f.",
        "%5c", "/x/..", "/x/..;", "/x/..;y=z", "/x/%2e%2e", "/x/.%2e;",
        "/x%2f..", "/x%2F%2e%2E", "/x\\..", "/x/..%2f..", "/..", "/x",
        "/x/y/../..", "/x//..", "/;/..", "//..", "/x/;/..;/..", "/...",
        "/;a=%2fx", "/x/..;a=%2F"
    };
    static const char *const  tails[] = {
        "/", "//", ";", ";a=b", "/;", "/;x/;y", "%3b", "%2F", "\\", "%5C",
        "?", "?a=b/../c", "%3f", "%3Fx/y", "%253f", "#", "#x/y", "%23x/y",
        "%00", "%00x/y", "%0a", "%20", "+", "%09", ".json", ".", ".x;y",
        "/.", "/..", "/x/..", "/x", ";x/y/z", "%3b/x/y", "/x/../", "/%2e/"
    };
    static const char *const  heads[] = {
        "http://service", "//service", "https://u@h:1", "/;", "/.", "/..",
        "/x/..", "/;x/;y", "/%2e%2e", "\\", "/api"
    };
    static const char *const  spots[] = {
        "%00", "%0d", "%09", "\t", "%20", "+", "%", "%zz", "\xc3\xa9", "#",
        "%23", ";", "%3B", "?", "%3F", "\\", "%5c", "x", ".", "%2e"
    };

    switch (random_below(12)) {

    case 0:
    case 1:
    case 2:
        insert_text(t, a_boundary(t), pick(segments));
        return;

    case 3:
    case 4:
        if (t->len) {
            encode(t, random_below(t->len));
        }
        return;

    case 5:
        at = a_boundary(t);
        if (at < t->len) {
            if (random_below(3)) {
                encode(t, at);
            } else {
                t->data[at] = '\\';
            }
        }
        return;

    case 6:
        insert_text(t, t->len, pick(tails));
        return;

    case 7:
        insert_text(t, 0, pick(heads));
        return;

    case 8:
        insert_text(t, a_boundary(t), pick(tails));
        return;

    case 9:
        at = random_below(t->len + 1);
        insert_text(t, at, pick(spots));
        return;

    case 10:
        at = random_below(t->len);
        ch = t->data[at];
        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')) {
            t->data[at] ^= 0x20;
        }
        return;

    default:
        at = random_below(t->len);
        memmove(t->data + at, t->data + at + 1, t->len - at - 1);
        t->len--;
        if (t->len == 0) {
            insert_text(t, 0, "/");
        }
    }
}


static void
make_path(text_t *t)
{
    size_t  n;

    static const char *const  bases[] = {
        "/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns",
        "/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns",
        "/20240831/dataLakes/ocid1.x/workspaces/w-1/jobRuns",
        "/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns/r",
        "/20260430/aiDataPlatforms/ocid1.x/workspaces/w"
    };

    t->len = 0;
    insert_text(t, 0, pick(bases));

    for (n = 1 + random_below(4); n; n--) {
        mutate(t);
    }
}


/* the habits by which a target is a createJobRun, or NULL */

static const char *
who_routes(jr_str_t target, const char **second)
{
    size_t  i, n;

    n = readings_count();
    *second = NULL;

    for (i = 0; i < n; i++) {
        if (readings_route(target, readings[i].habits, NULL)) {
            return readings[i].habits;
        }
    }

    for (i = 0; i < PAIRS; i++) {
        const char  *first = readings[random_below(n)].habits;

        *second = readings[random_below(n)].habits;

        if (readings_route(target, first, *second)) {
            return first;
        }
    }

    return NULL;
}


static void
no_reading_is_missed(void **state)
{
    char        *copy;
    size_t       i, misses, routed, plain, suspects, needless;
    text_t       t;
    uint64_t     count, seed;
    jr_path_e    kind;
    jr_path_t    path;
    const char  *first, *second;

    (void) state;

    seed = setting("JR_PATHS_SEED", SEED);
    count = setting("JR_PATHS_COUNT", COUNT);
    random_state = seed;

    misses = routed = plain = suspects = needless = 0;

    for (i = 0; i < count; i++) {
        make_path(&t);

        /* of its own length, for the sanitizer to see who reads on */

        copy = malloc(t.len);
        assert_non_null(copy);
        memcpy(copy, t.data, t.len);

        kind = jr_path_classify_target((jr_str_t) { t.len, copy }, &path);
        first = who_routes((jr_str_t) { t.len, copy }, &second);
        free(copy);

        plain += kind == JR_PATH_CREATE;
        suspects += kind == JR_PATH_SUSPECT;
        routed += first != NULL;
        needless += kind == JR_PATH_SUSPECT && first == NULL;

        if (first && kind == JR_PATH_OTHER && misses++ < 20) {
            print_error("missed: \"%.*s\", read by \"%s\" and \"%s\"\n",
                        (int) t.len, t.data, first, second ? second : "");
        }
    }

    print_message("# seed %llu: %llu paths, %zu routed by a reading, %zu "
                  "plain, %zu suspect, %zu of them by no reading here, "
                  "%zu missed\n", (unsigned long long) seed,
                  (unsigned long long) count, routed, plain, suspects,
                  needless, misses);

    assert_int_equal(misses, 0);

    /* a generator that makes few of them shows nothing */
    assert_true(routed > count / 5);
    assert_true(count - routed > count / 5);

    /* reading all habits in all mixtures suspects more than any chain here
       does, but not at random */
    assert_true(needless < suspects / 3);
}


/* a line of the table that never finds anything tests nothing */

static void
every_reading_finds_some(void **state)
{
    size_t    i, k, n, *found;
    text_t    t;
    jr_str_t  target;

    (void) state;

    random_state = setting("JR_PATHS_SEED", SEED);

    n = readings_count();
    found = calloc(n, sizeof(size_t));
    assert_non_null(found);

    for (i = 0; i < 3000; i++) {
        make_path(&t);
        target = (jr_str_t) { t.len, t.data };

        for (k = 0; k < n; k++) {
            found[k] += (size_t) readings_route(target, readings[k].habits,
                                                NULL);
        }
    }

    for (k = 0; k < n; k++) {
        if (found[k] < 3) {
            fail_msg("\"%s\" found %zu", readings[k].server, found[k]);
        }
    }

    free(found);
}


/* keys are opaque: whatever is spelled plainly is not refused */

static void
plain_spellings_are_accepted(void **state)
{
    char       key[2][128], text[512];
    size_t     i, k, n;
    jr_path_t  path;

    static const char *const  parts[] = {
        "a", "Z", "0", "-", "_", "~", ".", ":", "@", "!", "$", "&", "'", "(",
        ")", "*", "+", ",", "=", "%41", "%3b", "%3F", "%23", "%25", "%2e",
        "%20", "%C3%A9", "\xc3\xa9", "jobRuns", "workspaces", "%e2%80%a6",
        "\xf0\x9f\x98\x80", "20260430", "%7E"
    };

    (void) state;

    random_state = setting("JR_PATHS_SEED", SEED);

    for (i = 0; i < 5000; i++) {

        for (k = 0; k < 2; k++) {
            snprintf(key[k], sizeof(key[k]), "%s", k ? "w" : "ocid1.");

            for (n = random_below(8); n; n--) {
                const char  *part = pick(parts);

                strncat(key[k], part, sizeof(key[k]) - strlen(key[k]) - 1);
            }
        }

        snprintf(text, sizeof(text), "/%08llu/%s/%s/workspaces/%s/jobRuns%s",
                 (unsigned long long) random_below(100000000),
                 random_below(2) ? "aiDataPlatforms" : "dataLakes", key[0],
                 key[1], random_below(2) ? "?a=/%2F..;" : "");

        if (jr_path_classify_target((jr_str_t) { strlen(text), text }, &path)
            != JR_PATH_CREATE)
        {
            fail_msg("\"%s\" is not plain", text);
        }
    }
}


/* requests to the rest of the API, and to others: never suspected */

static void
other_requests_are_not_suspected(void **state)
{
    char       text[512];
    size_t     i, n;
    jr_path_t  path;

    static const char *const  bases[] = {
        "/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns/k/actions",
        "/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobRuns/k/tasks",
        "/20260430/aiDataPlatforms/ocid1.x/workspaces/w/jobs",
        "/20260430/aiDataPlatforms/ocid1.x/workspaces/w/clusters",
        "/20260430/dataLakes/ocid1.x/workspaces/w/notebooks",
        "/20260430/workRequests", "/n/space/b/bucket/o", "/static", "/api/v1",
        "/jobRuns/20260430/dataLakes/x/workspaces/w", ""
    };
    static const char *const  parts[] = {
        "/cancel", "/a%20b", "/%C3%A9", "/jobRuns", "/x%2Fy", "/x;v=1",
        "/caf\xc3\xa9", "/a.json", "/20260430", "/workspaces", "/dataLakes",
        "/%2B", "/a+b", "/100%25", "/~u"
    };

    (void) state;

    random_state = setting("JR_PATHS_SEED", SEED);

    for (i = 0; i < 5000; i++) {
        snprintf(text, sizeof(text), "%s", pick(bases));

        for (n = 1 + random_below(5); n; n--) {
            strcat(text, pick(parts));
        }

        if (jr_path_classify_target((jr_str_t) { strlen(text), text }, &path)
            != JR_PATH_OTHER)
        {
            fail_msg("\"%s\" is not another path", text);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(no_reading_is_missed),
        cmocka_unit_test(every_reading_finds_some),
        cmocka_unit_test(plain_spellings_are_accepted),
        cmocka_unit_test(other_requests_are_not_suspected)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
