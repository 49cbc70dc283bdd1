/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One segment of a path more, in all its readings: which segments of
 * createJobRun it may be, and what the stack of segments may be then.
 */

#include "jr_path_piece.h"


/* the highest d: stands for "that many or more" */
#define JR_PATH_DEEP      (1ULL << 63)


static unsigned jr_path_matches(jr_path_reading_t *p);
static int jr_path_is(jr_path_reading_t *p, const char *name);
static int jr_path_is_version(jr_path_reading_t *p);


void
jr_path_piece(jr_path_reading_t *p)
{
    int       empty, dots;
    uint64_t  at, now[JR_PATH_SEGMENTS + 1];
    unsigned  k, matches;

    empty = p->len == 0 || jr_path_is(p, ".");
    dots = jr_path_is(p, "..");
    matches = jr_path_matches(p);

    for (k = 0; k <= JR_PATH_SEGMENTS; k++) {
        at = p->at[k];

        /* a name that is not looked for */
        now[k] = at << 1 | (at & JR_PATH_DEEP);

        if (k && matches & 1u << (k - 1)) {
            now[k] |= p->at[k - 1] & 1;
        }

        if (empty) {
            now[k] |= at;
        }

        if (dots) {
            now[k] |= at >> 1 | (at & JR_PATH_DEEP) | (k == 0 ? at & 1 : 0)
                      | (k < JR_PATH_SEGMENTS ? p->at[k + 1] & 1 : 0);
        }

        if (p->joined) {
            /* the rest of the name or of the parameters before it */
            now[k] |= at & ~1ULL;

            if (k == 3 || k == 5 || p->in_params) {
                now[k] |= at;
            }
        }
    }

    /* an authority, which is not a part of the path: what is behind the two
       slashes at its root, up to a plain one */

    if (p->authority && (p->joined || !p->inside)) {
        now[0] |= 1;
        p->inside = 1;

    } else {
        p->authority = 0;
        p->inside = 0;
    }

    if (p->begun && (p->at[0] & 1) && (empty || (dots && p->doubled))) {
        p->authority = 1;
        p->inside = 0;
        p->doubled = 1;
    }

    if (!p->begun && p->last == ':') {
        now[0] |= 1;                    /* "http:" */
    }

    p->begun = 1;

    for (k = 0; k <= JR_PATH_SEGMENTS; k++) {
        p->at[k] = now[k];
    }
}


/* a bit for each segment of createJobRun that it may be */

static unsigned
jr_path_matches(jr_path_reading_t *p)
{
    unsigned  matches;

    matches = 1u << 2 | 1u << 4;

    if (jr_path_is_version(p)) {
        matches |= 1u << 0;
    }

    if (jr_path_is(p, "aidataplatforms") || jr_path_is(p, "datalakes")) {
        matches |= 1u << 1;
    }

    if (jr_path_is(p, "workspaces")) {
        matches |= 1u << 3;
    }

    /* "jobRuns.json": some route without the suffix */

    if (jr_path_is(p, "jobruns") || jr_path_is(p, "jobruns.")) {
        matches |= 1u << 5;
    }

    return matches;
}


/* a name that ends in "." may go on */

static int
jr_path_is(jr_path_reading_t *p, const char *name)
{
    size_t  i;

    for (i = 0; name[i] != '\0'; i++) {
        if (i == p->len
            || (p->name[i] != (unsigned char) name[i]
                && (p->name[i] != 0x80 || name[i] == '.')))
        {
            return 0;
        }
    }

    return i == p->len || (i > 2 && name[i - 1] == '.');
}


static int
jr_path_is_version(jr_path_reading_t *p)
{
    size_t  i;

    if (p->len != 8) {
        return 0;
    }

    for (i = 0; i < p->len; i++) {
        if ((p->name[i] < '0' || p->name[i] > '9') && p->name[i] != 0x80) {
            return 0;
        }
    }

    return 1;
}
