/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A wall clock that jumps, for an NGINX under test: preloaded, it stands
 * before gettimeofday(), time() and clock_gettime() of the C library.  The
 * monotonic clock goes on as it does, as on a machine whose clock is set, but
 * for what a test makes pass at once.
 *
 * $JOBRUNS_CLOCK is a file of two numbers, which all processes share: by how
 * many seconds the clock is wrong, and how many have passed on the monotonic
 * one that did not.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


static _Atomic int64_t  *clock_error;


/* NGINX clears its environment before workers are forked */

__attribute__((constructor))
static void
clock_begin(void)
{
    int          fd;
    void        *p;
    const char  *path;

    path = getenv("JOBRUNS_CLOCK");
    fd = path ? open(path, O_RDWR) : -1;

    if (fd == -1) {
        return;
    }

    p = mmap(NULL, 2 * sizeof(int64_t), PROT_READ|PROT_WRITE, MAP_SHARED, fd,
             0);
    close(fd);

    if (p != MAP_FAILED) {
        clock_error = p;
    }
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int  rc;

    rc = (int) syscall(SYS_clock_gettime, id, ts);

    if (rc == 0 && clock_error
        && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
    {
        ts->tv_sec += (time_t) *clock_error;
    }

    if (rc == 0 && clock_error
        && (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE))
    {
        ts->tv_sec += (time_t) clock_error[1];
    }

    return rc;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec  ts;

    (void) zone;

    if (clock_gettime(CLOCK_REALTIME, &ts) == -1) {
        return -1;
    }

    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;

    return 0;
}


time_t
time(time_t *p)
{
    struct timespec  ts;

    if (clock_gettime(CLOCK_REALTIME, &ts) == -1) {
        return (time_t) -1;
    }

    if (p) {
        *p = ts.tv_sec;
    }

    return ts.tv_sec;
}
