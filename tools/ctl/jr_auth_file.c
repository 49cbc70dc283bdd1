/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A file of keys, read as a whole.
 */

/* fstat(), O_CLOEXEC */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jr_auth_file.h"


static jr_status_e jr_auth_file_take(int fd, const char *path, size_t most,
    char **text, size_t *len, char *error);
static ssize_t jr_auth_file_fill(int fd, char *buf, size_t size);


jr_status_e
jr_auth_file_read(const char *path, size_t most, char **text, size_t *len,
    char error[JR_AUTH_FILE_ERROR])
{
    int          fd;
    jr_status_e  rc;

    /* a FIFO that nobody writes to is not waited for */

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NONBLOCK);

    if (fd == -1) {
        snprintf(error, JR_AUTH_FILE_ERROR, "\"%s\": cannot be read: %s", path,
                 strerror(errno));
        return JR_INVALID;
    }

    rc = jr_auth_file_take(fd, path, most, text, len, error);

    (void) close(fd);

    return rc;
}


/* a byte more than there may be is read, and shows that there is more */

static jr_status_e
jr_auth_file_take(int fd, const char *path, size_t most, char **text,
    size_t *len, char *error)
{
    char         *buf;
    size_t        size;
    ssize_t       n;
    struct stat   st;

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        snprintf(error, JR_AUTH_FILE_ERROR, "\"%s\": is not a regular file",
                 path);
        return JR_INVALID;
    }

    size = st.st_size >= 0 && (size_t) st.st_size < most
           ? (size_t) st.st_size : most;
    buf = malloc(size + 1);

    if (buf == NULL) {
        snprintf(error, JR_AUTH_FILE_ERROR, "\"%s\": there is not enough "
                 "memory to read it", path);
        return JR_NO_MEMORY;
    }

    n = jr_auth_file_fill(fd, buf, size + 1);

    if (n >= 0 && (size_t) n <= size) {
        *text = buf;
        *len = (size_t) n;
        return JR_OK;
    }

    if (n < 0) {
        snprintf(error, JR_AUTH_FILE_ERROR, "\"%s\": cannot be read: %s", path,
                 strerror(errno));

    } else if (size == most) {
        snprintf(error, JR_AUTH_FILE_ERROR, "\"%s\": has more than %zu bytes",
                 path, most);

    } else {
        snprintf(error, JR_AUTH_FILE_ERROR, "\"%s\": grows while it is read; "
                 "write a new file and rename it", path);
    }

    free(buf);

    return JR_INVALID;
}


static ssize_t
jr_auth_file_fill(int fd, char *buf, size_t size)
{
    size_t   got;
    ssize_t  n;

    for (got = 0; got < size; got += (size_t) n) {
        n = read(fd, buf + got, size - got);

        if (n == -1 && errno == EINTR) {
            n = 0;
            continue;
        }

        if (n == -1) {
            return -1;
        }

        if (n == 0) {
            break;
        }
    }

    return (ssize_t) got;
}
