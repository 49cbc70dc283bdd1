/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a test says in words, as it is packed.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib_packed.h"

#include "jr_outcome.h"
#include "jr_script.h"


/* of owners and fingerprints that a test holds at once */
#define TEXTS  8


jr_limit_t
limit_of(jr_limit_kind_e kind, const char *name)
{
    jr_limit_t  limit;

    memset(&limit, 0, sizeof(limit));

    limit.kind = kind;
    limit.name = (jr_str_t) { strlen(name), name };

    return limit;
}


void
limits_of(const char *text, limits_t *limits)
{
    int          len, kind;
    char         words[2][64];
    jr_limit_t  *l;
    long long    count, burst;

    limits->n = 0;
    limits->slots = 0;

    while (*text != '\0') {
        assert_true(limits->n < LIMITS_MAX);

        l = &limits->limit[limits->n];
        len = 0;
        assert_int_equal(sscanf(text,
                                "%63s %63s %lld %63s %lld %63[a-z_=0-9]%n",
                                words[0], limits->text[limits->n][0], &count,
                                limits->text[limits->n][1], &burst, words[1],
                                &len), 6);

        for (kind = 0; strcmp(jr_limit_kind_name(kind), words[0]) != 0; kind++)
        {
            assert_true(kind < JR_LIMIT_LAST);
        }

        *l = limit_of((jr_limit_kind_e) kind, limits->text[limits->n][0]);
        l->count = count;
        l->burst = burst;
        l->dry_run = strcmp(words[1], "dry_run") == 0;
        l->awaited = strcmp(words[1], "awaited") == 0;
        l->delay = strncmp(words[1], "delay=", 6) == 0 ? atoi(words[1] + 6)
                                                       : 0;

        if (kind == JR_LIMIT_QUOTA) {
            l->window = (jr_str_t) { strlen(limits->text[limits->n][1]),
                                     limits->text[limits->n][1] };
        } else {
            l->period = atoll(limits->text[limits->n][1]);
        }

        limits->slots += (kind == JR_LIMIT_CONCURRENCY);
        limits->n++;

        text += len;
        text += *text ? 2 : 0;
    }
}


const char *
owner_of(const char *owner)
{
    static int   n;
    static char  owners[TEXTS][OWNER_LEN + 1];

    n = (n + 1) % TEXTS;
    memset(owners[n], '.', OWNER_LEN);
    assert_true(strlen(owner) <= OWNER_LEN);
    memcpy(owners[n], owner, strlen(owner));

    return owners[n];
}


void
fingerprint_of(const char *text, jr_pack_t *version, jr_pack_t *bytes)
{
    static int   n;
    static char  prints[TEXTS][32];

    const char  *colon;

    n = (n + 1) % TEXTS;
    colon = strchr(text, ':');
    assert_non_null(colon);

    memset(prints[n], '0', sizeof(prints[n]));
    memcpy(prints[n], colon + 1, strlen(colon + 1));

    version->number = atoi(text);
    bytes->text = (jr_str_t) { sizeof(prints[n]), prints[n] };
}


jr_str_t
settle_letter_of(const char *outcome)
{
    size_t  as;

    for (as = 0; as < JR_SETTLE_AS_LAST; as++) {
        if (jr_str_eq(jr_outcome_settle_words[as].word, outcome,
                      strlen(outcome)))
        {
            return jr_outcome_settle_words[as].letter;
        }
    }

    fail_msg("settled as \"%s\"", outcome);

    return (jr_str_t) { 0, NULL };
}


size_t
done_tail(const char *answer, const char *location, const char *run_key,
    char *dst)
{
    char       *p;
    jr_pack_t   v[JR_DONE_LAST];

    /* the scripts do not look at the sum, but for telling it from another */

    v[JR_DONE_SUM].text = (jr_str_t) { JR_DONE_SUM_LEN, "the sum!" };
    v[JR_DONE_LOCATION].text = (jr_str_t) { strlen(location), location };
    v[JR_DONE_RUN_KEY].text = (jr_str_t) { strlen(run_key), run_key };

    p = jr_pack_write(dst, JR_DONE, v);
    memcpy(p, answer, strlen(answer));

    return (size_t) (p - dst) + strlen(answer);
}


jr_str_t
packed(char *dst, const char *format, const jr_pack_t *v)
{
    return (jr_str_t) { (size_t) (jr_pack_write(dst, format, v) - dst), dst };
}
