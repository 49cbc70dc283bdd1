/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies of Redis: one of their elements is replaced, doubled or taken out,
 * and the count of the array that holds it follows, most often.  What is no
 * sequence of whole replies is left to libFuzzer.
 */

#include <stdio.h>
#include <stdlib.h>

#include "mutate.h"


#define ELEMENTS  512
#define DEPTH     8


/* an element: where it begins and ends */

typedef struct {
    size_t   start;
    size_t   end;
    size_t   body;      /* of an array: where its first element begins */
    size_t   holder;    /* index of its array; ELEMENTS: there is none */
    long     count;     /* of an array; -1: no array */
} element_t;


static element_t  elements[ELEMENTS];
static size_t     nelements;


static size_t parse(const uint8_t *data, size_t size, size_t at,
    size_t holder, unsigned depth);
static long number(const uint8_t *data, size_t size, size_t *at);
static void array(mutate_t *m, long count);
static void make(mutate_t *m, unsigned depth);
static void verdict(mutate_t *m);


static const char  *const words[] = {
    "forward", "limited", "replay", "unkept", "running", "mismatch", "refused",
    "late", "absent", "unknown", "damaged", "kept", "settled", "fenced",
    "foreign", "done", "gone", "renewed", "lost", "", "OK", "JR1 ",
    "ocid1.jobrun.oc1..a", "daily.limit *", "0", "-1",
    "9223372036854775807", "a\r\nb"
};

static const char  *const integers[] = {
    "0", "1", "-1", "2", "3", "60000", "1000000", "1000000000000",
    "1000000000001", "9007199254740993", "9223372036854775807",
    "-9223372036854775808", "9223372036854775808"
};

static const char  *const errors[] = {
    "-ERR unknown", "-MOVED 1 127.0.0.1:6379", "-ASK 16383 [::1]:1",
    "-MOVED 16384 :0", "-NOSCRIPT no", "-OOM command not allowed",
    "-READONLY You can't", "-LOADING Redis", "-CLUSTERDOWN x", "-TRYAGAIN",
    "-BUSY Redis", "-NOAUTH", "-WRONGPASS", "-NOPERM", "-MISCONF", "-"
};


size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed)
{
    size_t           at, what, gone;
    long             more;
    element_t       *e, *holder;
    static mutate_t  m;

    mutate_init(&m, seed);
    nelements = 0;

    if (size < 2 || mutate_below(&m, 4) == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }

    /* the first byte is the size of pieces */

    for (at = 1; at < size; /* void */ ) {
        at = parse(data, size, at, ELEMENTS, 0);

        if (at == 0) {
            return LLVMFuzzerMutate(data, size, max_size);
        }
    }

    if (mutate_below(&m, 8) == 0) {
        mutate_add(&m, data, size);
        verdict(&m);
        return mutate_end(&m, data, max_size);
    }

    e = &elements[mutate_below(&m, nelements)];
    holder = e->holder == ELEMENTS ? NULL : &elements[e->holder];
    what = mutate_below(&m, 4);
    more = what == 1 ? 1 : what == 2 ? -1 : 0;
    gone = what == 1 ? e->start : e->end;

    /* one of eight counts does not follow */

    if (holder != NULL && mutate_below(&m, 8) != 0) {
        mutate_add(&m, data, holder->start);
        array(&m, holder->count + more);
        mutate_add(&m, data + holder->body, e->start - holder->body);

    } else {
        mutate_add(&m, data, e->start);
    }

    if (what != 2) {
        make(&m, 0);
    }

    mutate_add(&m, data + gone, size - gone);

    return mutate_end(&m, data, max_size);
}


/* the end of the element at at, or 0 where there is no whole one */

static size_t
parse(const uint8_t *data, size_t size, size_t at, size_t holder,
    unsigned depth)
{
    long        i, n;
    size_t      self;
    uint8_t     type;
    element_t  *e;

    if (nelements == ELEMENTS || depth > DEPTH || at >= size) {
        return 0;
    }

    self = nelements++;
    e = &elements[self];
    e->start = at;
    e->holder = holder;
    e->count = -1;
    e->body = 0;

    type = data[at++];

    if (type == '+' || type == '-' || type == ':') {
        while (at + 1 < size && (data[at] != '\r' || data[at + 1] != '\n')) {
            at++;
        }

        at = at + 1 < size ? at + 2 : 0;

    } else if (type == '$' || type == '*') {
        n = number(data, size, &at);

        if (at == 0 || n > (long) size) {
            return 0;
        }

        if (type == '$' && n >= 0) {
            at = (size_t) n + 2 <= size - at ? at + (size_t) n + 2 : 0;

        } else if (type == '*' && n >= 0) {
            e->count = n;
            e->body = at;

            for (i = 0; i < n && at; i++) {
                at = parse(data, size, at, self, depth + 1);
            }
        }

    } else {
        at = 0;
    }

    elements[self].end = at;

    return at;
}


/* a number and a line's end; *at is behind them, or 0 */

static long
number(const uint8_t *data, size_t size, size_t *at)
{
    long    n;
    size_t  i;
    char    digits[8];

    for (i = 0; i < sizeof(digits) - 1 && *at + i < size; i++) {
        digits[i] = (char) data[*at + i];

        if (digits[i] == '\r') {
            break;
        }
    }

    digits[i] = '\0';
    n = strtol(digits, NULL, 10);
    *at = *at + i + 1 < size && data[*at + i] == '\r' ? *at + i + 2 : 0;

    return n;
}


static void
array(mutate_t *m, long count)
{
    char  line[32];

    snprintf(line, sizeof(line), "*%ld\r\n", count);
    mutate_text(m, line);
}


static void
string(mutate_t *m, const char *text)
{
    char  line[32];

    snprintf(line, sizeof(line), "$%zu\r\n", strlen(text));
    mutate_text(m, line);
    mutate_text(m, text);
    mutate_text(m, "\r\n");
}


static void
integer(mutate_t *m)
{
    mutate_text(m, ":");
    mutate_text(m, mutate_one_of(m, integers));
    mutate_text(m, "\r\n");
}


/* an element of any kind */

static void
make(mutate_t *m, unsigned depth)
{
    size_t  n;

    switch (mutate_below(m, depth > 2 ? 5 : 7)) {

    case 0:
    case 1:
        string(m, mutate_one_of(m, words));
        break;

    case 2:
        integer(m);
        break;

    case 3:
        mutate_text(m, mutate_one_of(m, errors));
        mutate_text(m, "\r\n");
        break;

    case 4:
        mutate_text(m, mutate_below(m, 2) ? "$-1\r\n" : "*-1\r\n");
        break;

    case 5:
        verdict(m);
        break;

    default:
        n = mutate_below(m, 5);
        array(m, (long) n);

        while (n--) {
            make(m, depth + 1);
        }
    }
}


/* a verdict, some words, and the six integers of each of two limits */

static void
verdict(mutate_t *m)
{
    size_t  i, before, after;

    before = mutate_below(m, 4);
    after = mutate_below(m, 4) == 0 ? mutate_below(m, 14) : 12;

    array(m, (long) (1 + before + after));
    string(m, mutate_one_of(m, words));

    for (i = 0; i < before; i++) {
        if (mutate_below(m, 3)) {
            string(m, mutate_one_of(m, words));

        } else {
            integer(m);
        }
    }

    for (i = 0; i < after; i++) {
        if (mutate_below(m, 2)) {
            mutate_text(m, ":0\r\n");

        } else {
            integer(m);
        }
    }
}
