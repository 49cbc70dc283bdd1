/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of jobruns-audit share.
 */

#ifndef JOBRUNS_AUDIT_H_INCLUDED
#define JOBRUNS_AUDIT_H_INCLUDED

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "jr_mac.h"


#define AUDIT_OK        0
#define AUDIT_BAD       1       /* verify: a fault; show: no such record */
#define AUDIT_FAILED    2       /* could not look: usage, file, memory, key */
#define AUDIT_LOOK      3       /* verify: whole, but something to look into */


/* Called for each line, without its line end.  Not AUDIT_OK: stop there. */
typedef int (*audit_line_pt)(void *data, const char *line, size_t len);


/* What was read so far, over all files, for the progress that is shown. */
typedef struct {
    uint64_t  size;             /* of all files that have one */
    uint64_t  done;
    int64_t   start;            /* ms; 0: no progress is shown */
    int64_t   shown;
} audit_progress_t;


/* Sizes up the files, and shows progress if standard error is a terminal and
   there is much to read. */
void audit_progress_begin(audit_progress_t *progress, char **files, int n);
void audit_progress_end(audit_progress_t *progress);

/* All lines of a file, "-" for standard input.  AUDIT_FAILED after saying
   why. */
int audit_read(const char *name, audit_progress_t *progress,
    audit_line_pt handler, void *data);

/* A whole file of at most 1 MB, to be free()d; NULL after saying why. */
char *audit_slurp(const char *name, size_t *len);

/* a time as records have it, with its end */
#define AUDIT_TIME  sizeof("2026-01-01T00:00:00.000Z")

/*
 * What a time given by a person means, to out (AUDIT_TIME bytes): RFC 3339, a
 * date, "now", "today", "yesterday" (UTC), "1h" or "-1h" (s, m, h, d, w) ago.
 * now: ms since 1970.  0: it is none of them.
 */
int audit_time(const char *text, int64_t now, char *out);

/*
 * Records of one attempt, ".begin" and ".end", held until both were seen.
 */
typedef struct audit_join_s  audit_join_t;

/* Lines of one attempt, begin first; the one that was not seen is NULL. */
typedef struct {
    const char  *line[2];
    size_t       len[2];
} audit_pair_t;

typedef int (*audit_pair_pt)(void *data, const audit_pair_t *pair);

/* NULL: no memory.  The handler is called for each pair as soon as it is
   complete; an audit_join_end() for those that never are. */
audit_join_t *audit_join_create(audit_pair_pt handler, void *data);
int audit_join_add(audit_join_t *join, const char *id, int ended,
    const char *line, size_t len);
int audit_join_end(audit_join_t *join);
void audit_join_free(audit_join_t *join);

/* The key in a file, to be given to jr_mac_free(); AUDIT_FAILED after saying
   why. */
int audit_key(const char *name, jr_mac_t **mac);

/* says "jobruns-audit: WHAT: WHY", returns AUDIT_FAILED */
/* says which word is nearest, as jr_nearest_say() does; AUDIT_FAILED */
int audit_unknown(const char *what, const char *word, const void *words,
    size_t stride);

int audit_fail(const char *what, const char *why);

/* the subcommands, with argv[0] their name */
int audit_verify(int argc, char **argv);
int audit_show(int argc, char **argv);


#endif /* JOBRUNS_AUDIT_H_INCLUDED */
