/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Targets of requests, with the URI that NGINX makes of them: segments are
 * taken out, put in, spelled otherwise.  The second line is most often what
 * the first one decodes to.
 */

#include "mutate.h"


static const char  *const segments[] = {
    "20260430", "2026043", "aiDataPlatforms", "dataLakes", "workspaces",
    "jobRuns", "jobruns", "ocid1.aidataplatform.oc1..a", "ws", "", ".", "..",
    ";", ";a=b", "%3b", "%2e%2e", "%2E", "%2f", "%5c", "\\", "..;", "%00",
    "%252f", "jobRuns;a", "jobRuns%3fx=1", "jobRuns.json", "jobRuns%20"
};

static const char  *const ends[] = {
    "?", "?x=1", "?/jobRuns", "#", "#x", "/", "//", "%3f", ";", "/.", "/..",
    "%2f", " HTTP/1.1"
};

static const char  whole[] = "/20260430/aiDataPlatforms/ocid1.a/workspaces/w"
                             "/jobRuns";


static size_t segment_end(const uint8_t *data, size_t size, size_t from);
static void spell(mutate_t *m, const uint8_t *data, size_t len);
static void decode(mutate_t *m, size_t from, size_t to);


size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed)
{
    size_t           line, from, to, what;
    const uint8_t   *end;
    static mutate_t  m;

    mutate_init(&m, seed);

    if (mutate_below(&m, 4) == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }

    end = size ? memchr(data, '\n', size) : NULL;
    line = end ? (size_t) (end - data) : size;

    if (line == 0 || mutate_below(&m, 16) == 0) {
        mutate_text(&m, whole);

    } else {
        from = segment_end(data, line, mutate_below(&m, line));
        to = segment_end(data, line, from + (from < line));
        what = mutate_below(&m, 6);

        mutate_add(&m, data, from);

        switch (what) {

        case 0:                             /* another segment, or one more */
        case 1:
            mutate_text(&m, "/");
            mutate_text(&m, mutate_one_of(&m, segments));
            mutate_add(&m, data + (what ? from : to),
                       line - (what ? from : to));
            break;

        case 2:                             /* without it */
            mutate_add(&m, data + to, line - to);
            break;

        case 3:                             /* twice */
            mutate_add(&m, data + from, to - from);
            mutate_add(&m, data + from, line - from);
            break;

        case 4:
            spell(&m, data + from, to - from);
            mutate_add(&m, data + to, line - to);
            break;

        default:
            mutate_add(&m, data + from, line - from);
            mutate_text(&m, mutate_one_of(&m, ends));
        }
    }

    line = m.len;

    switch (mutate_below(&m, 4)) {

    case 0:                                 /* NGINX made nothing of it */
        break;

    case 1:                                 /* the URI of before */
        if (end != NULL) {
            mutate_add(&m, end, size - (size_t) (end - data));
        }

        break;

    default:
        mutate_text(&m, "\n");
        decode(&m, 0, line);
    }

    return mutate_end(&m, data, max_size);
}


/* the slash behind from, or the end */

static size_t
segment_end(const uint8_t *data, size_t size, size_t from)
{
    while (from < size && data[from] != '/') {
        from++;
    }

    return from;
}


/* the same bytes, some of them in hex, once or twice, in either case */

static void
spell(mutate_t *m, const uint8_t *data, size_t len)
{
    size_t       i;
    char         code[6];
    const char  *hex;

    for (i = 0; i < len; i++) {

        if (mutate_below(m, 4) != 0) {
            mutate_add(m, data + i, 1);
            continue;
        }

        hex = mutate_below(m, 2) ? "0123456789abcdef" : "0123456789ABCDEF";
        memcpy(code, "%25", 3);
        code[3] = hex[data[i] >> 4];
        code[4] = hex[data[i] & 15];

        if (mutate_below(m, 4) == 0) {
            mutate_add(m, code, 5);

        } else {
            mutate_text(m, "%");
            mutate_add(m, code + 3, 2);
        }
    }
}


static unsigned
value(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
           : 16;
}


/* adds what the bytes from, to mean, without a query */

static void
decode(mutate_t *m, size_t from, size_t to)
{
    uint8_t  c;

    for ( /* void */ ; from < to && m->data[from] != '?'; from++) {
        c = m->data[from];

        if (c == '%' && to - from > 2 && value(m->data[from + 1]) < 16
            && value(m->data[from + 2]) < 16)
        {
            c = (uint8_t) (value(m->data[from + 1]) * 16
                           + value(m->data[from + 2]));
            from += 2;
        }

        mutate_add(m, &c, 1);
    }
}
