/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading audit files line by line, however long, at the speed of the disk.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "jobruns_audit.h"

#include "jr_chain.h"


/* a line that is longer is no record, and handled in parts */
#define AUDIT_BUFFER    (4 * 1024 * 1024)

/* a whole file that is read at once: a key or a schema */
#define AUDIT_SLURP     (1024 * 1024)

/* progress is shown for more than this, that often in ms */
#define AUDIT_MUCH      (64 * 1024 * 1024)
#define AUDIT_OFTEN     200


static int64_t
audit_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


void
audit_progress_begin(audit_progress_t *progress, char **files, int n)
{
    int          i;
    struct stat  st;

    memset(progress, 0, sizeof(audit_progress_t));

    for (i = 0; i < n; i++) {
        if (stat(files[i], &st) == 0 && S_ISREG(st.st_mode)) {
            progress->size += (uint64_t) st.st_size;
        }
    }

    if (isatty(STDERR_FILENO) && progress->size > AUDIT_MUCH) {
        progress->start = audit_now();
    }
}


static void
audit_progress(audit_progress_t *progress, size_t bytes)
{
    int64_t  now, ms;

    progress->done += bytes;

    if (progress->start == 0) {
        return;
    }

    now = audit_now();

    if (now - progress->shown < AUDIT_OFTEN) {
        return;
    }

    progress->shown = now;
    ms = now - progress->start + 1;

    fprintf(stderr, "\r%3u %%  %" PRIu64 " of %" PRIu64 " MB, %" PRIu64
            " MB/s ", (unsigned) (progress->done * 100 / progress->size),
            progress->done / 1000000, progress->size / 1000000,
            progress->done / 1000 / (uint64_t) ms);
}


void
audit_progress_end(audit_progress_t *progress)
{
    if (progress->start != 0) {
        /* back to the beginning of the line, which is cleared */
        fputs("\r\033[K", stderr);
    }
}


/* where the part of a line that fills the buffer ends: before the record
   that may begin in it last */

static size_t
audit_part(const char *buf, size_t len)
{
    size_t       n;
    const char  *p, *last;

    static const char  record[] = JR_CHAIN_RECORD;

    last = buf;

    for (p = buf + 1;
         (p = jr_chain_find(p, buf + len - p, record, sizeof(record) - 1))
         != NULL;
         p++)
    {
        last = p;
    }

    n = last - buf;

    return n ? n : len;
}


/* hands out the whole lines of a buffer; *used is what they took */

static int
audit_lines(const char *buf, size_t len, size_t *used, audit_line_pt handler,
    void *data)
{
    int          rc;
    const char  *p, *end, *lf;

    end = buf + len;
    rc = AUDIT_OK;

    for (p = buf; rc == AUDIT_OK && p < end; p = lf + 1) {

        lf = memchr(p, '\n', end - p);
        if (lf == NULL) {
            break;
        }

        rc = handler(data, p, lf - p);
    }

    *used = p - buf;

    return rc;
}


int
audit_read(const char *name, audit_progress_t *progress,
    audit_line_pt handler, void *data)
{
    int      fd, rc;
    char    *buf;
    size_t   len, used;
    ssize_t  n;

    fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY);
    buf = malloc(AUDIT_BUFFER);

    if (fd == -1 || buf == NULL) {
        rc = audit_fail(name, strerror(errno));
        goto done;
    }

    rc = AUDIT_OK;
    len = 0;

    for ( ;; ) {

        n = read(fd, buf + len, AUDIT_BUFFER - len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n <= 0) {
            break;
        }

        audit_progress(progress, (size_t) n);

        len += (size_t) n;
        rc = audit_lines(buf, len, &used, handler, data);

        if (rc != AUDIT_OK) {
            goto done;
        }

        if (used == 0 && len == AUDIT_BUFFER) {
            used = audit_part(buf, len);
            rc = handler(data, buf, used);

            if (rc != AUDIT_OK) {
                goto done;
            }
        }

        len -= used;
        memmove(buf, buf + used, len);
    }

    if (n == -1) {
        rc = audit_fail(name, strerror(errno));

    } else if (len) {
        rc = handler(data, buf, len);
    }

done:

    free(buf);

    if (fd > STDIN_FILENO) {
        close(fd);
    }

    return rc;
}


char *
audit_slurp(const char *name, size_t *len)
{
    char   *text;
    FILE   *in;

    in = fopen(name, "rb");
    text = malloc(AUDIT_SLURP + 1);

    if (in == NULL || text == NULL) {
        (void) audit_fail(name, strerror(errno));
        goto failed;
    }

    *len = fread(text, 1, AUDIT_SLURP + 1, in);

    if (ferror(in) || *len > AUDIT_SLURP) {
        (void) audit_fail(name, ferror(in) ? strerror(errno)
                                           : "larger than 1 MB");
        goto failed;
    }

    fclose(in);

    return text;

failed:

    if (in != NULL) {
        fclose(in);
    }

    free(text);

    return NULL;
}
