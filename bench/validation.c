/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What it costs to parse and check a body: microseconds a body, against the
 * bounds that docs/validation.md promises.
 *
 * Prints a line a case, the fastest of several rounds, since whatever else
 * runs on a machine only ever adds to a time.  Exit status 1 where a bound is
 * not kept.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jr_body.h"
#include "jr_embedded.h"


#define BENCH_MEGABYTE   (1024 * 1024)
#define BENCH_ROUNDS     15
#define BENCH_ROUND_NS   20000000.0

/* bounds, in microseconds a body */
#define BENCH_SMALL      6.0
#define BENCH_MANY       1000.0
#define BENCH_HOSTILE    50000.0

#define BENCH_30(text)                                                       \
    text text text text text text text text text text                        \
    text text text text text text text text text text                        \
    text text text text text text text text text text
#define BENCH_900(text)  BENCH_30(BENCH_30(text))


typedef struct {
    char    *data;
    size_t   len;
    size_t   size;
} bench_text_t;

/* a body of `size` bytes or a little less: prefix, a unit again and again,
   suffix; # in the unit is its number */
typedef struct {
    const char  *name;
    double       bound;
    size_t       size;
    const char  *prefix;
    const char  *unit;
    const char  *suffix;
} bench_case_t;


static const bench_case_t  bench_cases[] = {

    /* what the bounds speak of */

    { "a body of 400 bytes", BENCH_SMALL, 400,
      "{\"jobKey\":\"54368733-3a17-47a1-b231-869d8ae2a048\","
      "\"queue\":{\"isEnabled\":true},\"schedule\":{\"pauseStatus\":"
      "\"UNPAUSED\",\"quartzCronExpression\":\"0 0/15 8-18 ? * MON-FRI\","
      "\"timezoneId\":\"America/Los_Angeles\"},\"parameters\":["
      "{\"name\":\"run.date\",\"value\":\"2026-04-30\"}",
      ",{\"name\":\"p#\",\"value\":\"some text\"}", "]}" },

    { "64 KB, 500 parameters", BENCH_MANY, 65536,
      "{\"jobKey\":\"x\",\"parameters\":[{\"name\":\"a\"}",
      ",{\"name\":\"parameter_#\",\"value\":\"0123456789012345678901234567"
      "8901234567890123456789012345678901234567890123456789012\"}", "]}" },

    /* what a client may send to keep a worker busy: JSON */

    { "many arrays", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", ",[]", "]}" },
    { "arrays, 900 deep", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", "," BENCH_900("[") BENCH_900("]"),
      "]}" },
    { "objects, 900 deep", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", "," BENCH_900("{\"\":") "0"
      BENCH_900("}"), "]}" },
    { "many objects", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", ",{}", "]}" },
    { "objects in objects", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", ",{\"\":{\"\":{\"\":{}}}}", "]}" },
    { "never closed", BENCH_HOSTILE, BENCH_MEGABYTE, "", "[", "" },
    { "objects, never closed", BENCH_HOSTILE, BENCH_MEGABYTE,
      "", "{\"a\":", "" },
    { "many keys", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\"", ",\"#\":0", "}" },
    { "the last key is a duplicate", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\"", ",\"#\":0", ",\"1\":0}" },
    { "long keys", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\"", ",\"#-2345678901234567890123456789012345678901"
      "2345678901234567890123456789012345678901234567890123456789\":0", "}" },
    { "keys with escapes", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\"", ",\"\\u00e9#\":0", "}" },
    { "a long string", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"", "a", "\"}" },
    { "a string of escapes", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"", "\\n\\ud83d\\ude00", "\"}" },
    { "a string of UTF-8", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"", "\xf0\x9f\x98\x80\xc3\xa9", "\"}" },
    { "a string of NUL escapes", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"", "\\u0000", "\"}" },
    { "many strings", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", ",\"\"", "]}" },
    { "many strings, a NUL escape", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", ",\"\"", ",\"\\u0000\"]}" },
    { "many NUL escapes", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", ",\"\\u0000\"", "]}" },
    { "many integers", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", ",1", "]}" },
    { "many reals", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", ",1e9", "]}" },
    { "reals of many digits", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0",
      ",2.2250738585072011360574097967091319759348195463516456480e-308",
      "]}" },
    { "a real of a million digits", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":0.", "49", "}" },
    { "an integer of a million digits", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":1", "9", "}" },
    { "many integers out of range", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", ",9223372036854775808", "]}" },
    { "many reals out of range", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"z\":[0", ",1e400", "]}" },
    { "blanks", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\"", "\n", "}" },
    { "an error behind a million lines", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\"", "\n", "]" },

    /* against the schema */

    { "many parameters", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"parameters\":[{\"name\":\"a\"}",
      ",{\"name\":\"b\"}", "]}" },
    { "many wrong parameters", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"parameters\":[{\"name\":\"a\"}",
      ",{\"name\":1}", "]}" },
    { "many parameters without a name", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"parameters\":[{}", ",{}", "]}" },
    { "a long name that is wrong at its end", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"parameters\":[{\"name\":\"", "a", " \"}]}" },
    { "many null members", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\"", ",\"#\":null", "}" },
    { "a map of many runs", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"repairHistory\":[{\"taskToTaskRunMap\":{\"\":\"\"",
      ",\"#\":1", "}}]}" },
    { "a history of many entries", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"repairHistory\":[{\"key\":1}",
      ",{\"key\":\"#\"}", "]}" },
    { "a long cron expression", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"schedule\":{\"quartzCronExpression\":\"0",
      ",59", " 0 0 1 1 ?\"}}" },
    { "a cron expression of many fields", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"schedule\":{\"quartzCronExpression\":\"",
      "0 ", "\"}}" },
    { "a cron expression of all years", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"schedule\":{\"quartzCronExpression\":"
      "\"0 0 0 1 1 ? 1970", ",1970-2199/1", "\"}}" },
    { "a long time zone", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"schedule\":{\"timezoneId\":\"", "America/",
      "\"}}" },
    { "history with many wrong states", BENCH_HOSTILE, BENCH_MEGABYTE,
      "{\"jobKey\":\"x\",\"repairHistory\":[{\"lifecycleStates\":[{}",
      ",{\"status\":\"D\"}", "]}]}" }
};


static void
bench_die(const char *what)
{
    fprintf(stderr, "bench/validation: %s\n", what);
    exit(2);
}


/* text, with number in place of each # */

static void
bench_add(bench_text_t *text, const char *more, size_t number)
{
    for ( /* void */ ; *more != '\0'; more++) {

        if (text->size - text->len < 32) {
            bench_die("a unit is too long");
        }

        if (*more == '#') {
            text->len += (size_t) sprintf(text->data + text->len, "%zx",
                                          number);

        } else {
            text->data[text->len++] = *more;
        }
    }
}


static bench_text_t
bench_body(const bench_case_t *c)
{
    size_t         i, end;
    bench_text_t   text;

    text.len = 0;
    text.size = c->size + 8192;
    text.data = malloc(text.size);

    if (text.data == NULL) {
        bench_die("out of memory");
    }

    bench_add(&text, c->prefix, 0);

    for (i = 0; /* void */ ; i++) {
        end = text.len;

        bench_add(&text, c->unit, i);

        if (text.len + strlen(c->suffix) > c->size) {
            break;
        }
    }

    text.len = end;
    bench_add(&text, c->suffix, 0);

    return text;
}


static double
bench_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return (double) ts.tv_sec * 1e9 + (double) ts.tv_nsec;
}


static jr_status_e
bench_once(const jr_schema_t *schema, const bench_text_t *text)
{
    jr_status_e        rc;
    jr_json_error_t    err;
    const jr_value_t  *value;

    static jr_report_t      report;

    rc = jr_body_check(schema, NULL, text->data, text->len, JR_SCHEMA_GATEWAY,
                       &err, &report, &value);
    jr_body_done(schema, NULL);

    return rc;
}


/* nanoseconds a body; *rc is its verdict */

static double
bench_time(const jr_schema_t *schema, const bench_text_t *text,
    jr_status_e *rc)
{
    double    best, start, spent;
    size_t    i, n, round;

    start = bench_now();
    *rc = bench_once(schema, text);
    spent = bench_now() - start;

    n = spent < BENCH_ROUND_NS ? (size_t) (BENCH_ROUND_NS / spent) + 1 : 1;
    best = spent;

    for (round = 0; round < BENCH_ROUNDS; round++) {
        start = bench_now();

        for (i = 0; i < n; i++) {
            (void) bench_once(schema, text);
        }

        spent = (bench_now() - start) / (double) n;

        if (spent < best) {
            best = spent;
        }
    }

    return best;
}


int
main(void)
{
    int            missed;
    char           err[1024];
    double         us;
    size_t         i;
    jr_schema_t   *schema;
    jr_status_e    rc;
    bench_text_t   text;

    if (jr_schema_compile(jr_embedded_create_job_run_details_json,
                          jr_embedded_create_job_run_details_json_len, err,
                          sizeof(err), &schema)
        != JR_OK)
    {
        bench_die(err);
    }

    missed = 0;

    printf("%-38s %9s %7s %12s %10s\n", "body", "bytes", "verdict",
           "us a body", "bound");

    for (i = 0; i < sizeof(bench_cases) / sizeof(bench_cases[0]); i++) {

        text = bench_body(&bench_cases[i]);
        us = bench_time(schema, &text, &rc) / 1000;

        printf("%-38s %9zu %7s %12.2f %10.0f%s\n", bench_cases[i].name,
               text.len, rc == JR_OK ? "valid" : "invalid", us,
               bench_cases[i].bound,
               us > bench_cases[i].bound ? "  MISSED" : "");

        missed |= us > bench_cases[i].bound;
        free(text.data);
    }

    jr_schema_free(schema);

    return missed;
}
