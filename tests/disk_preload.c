/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A disk that can be held up or fail, for an NGINX under test: preloaded, it
 * stands before the C library's fdatasync(), before its write() of audit
 * records, and before its pread() in a thread.
 *
 * $JOBRUNS_DISK is a folder.  Each fdatasync() adds a byte to the file
 * "syncs" in it, does not go on while there is a file "hold", and fails with
 * EIO while there is a file "fail".  Each write() of records adds a byte to
 * "writes", does not go on while there is a file "hold-writes", and fails
 * with ENOSPC while there is a file "full".  Each
 * pread() of a thread other than the first adds a byte to "reads", and does not
 * go on while there is a file "hold-reads".
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>


#define DISK_PATH  4096

/* how every record begins */
#define DISK_RECORD  "{\"eventType\":"


static char  disk_syncs[DISK_PATH], disk_hold[DISK_PATH], disk_fail[DISK_PATH];
static char  disk_writes[DISK_PATH], disk_hold_writes[DISK_PATH];
static char  disk_full[DISK_PATH];
static char  disk_reads[DISK_PATH], disk_hold_reads[DISK_PATH];


static void disk_pass(const char *count, const char *hold);
static ssize_t disk_write(int fd, const void *data, size_t len);


/* NGINX clears its environment before workers are forked */

__attribute__((constructor))
static void
disk_begin(void)
{
    const char  *folder;

    folder = getenv("JOBRUNS_DISK");

    if (folder != NULL) {
        snprintf(disk_syncs, DISK_PATH, "%s/syncs", folder);
        snprintf(disk_hold, DISK_PATH, "%s/hold", folder);
        snprintf(disk_fail, DISK_PATH, "%s/fail", folder);
        snprintf(disk_writes, DISK_PATH, "%s/writes", folder);
        snprintf(disk_hold_writes, DISK_PATH, "%s/hold-writes", folder);
        snprintf(disk_full, DISK_PATH, "%s/full", folder);
        snprintf(disk_reads, DISK_PATH, "%s/reads", folder);
        snprintf(disk_hold_reads, DISK_PATH, "%s/hold-reads", folder);
    }
}


/* counts a call, and keeps it as long as it is held */

static void
disk_pass(const char *count, const char *hold)
{
    int      log;
    ssize_t  n;

    log = open(count, O_WRONLY|O_CREAT|O_APPEND, 0644);

    if (log != -1) {
        n = disk_write(log, "s", 1);
        (void) n;
        close(log);
    }

    while (access(hold, F_OK) == 0) {
        usleep(2000);
    }
}


static ssize_t
disk_write(int fd, const void *data, size_t len)
{
    static ssize_t  (*next)(int, const void *, size_t);

    if (next == NULL) {
        *(void **) &next = dlsym(RTLD_NEXT, "write");
    }

    return next(fd, data, len);
}


ssize_t
write(int fd, const void *data, size_t len)
{
    if (len > sizeof(DISK_RECORD)
        && memcmp(data, DISK_RECORD, sizeof(DISK_RECORD) - 1) == 0)
    {
        disk_pass(disk_writes, disk_hold_writes);

        if (access(disk_full, F_OK) == 0) {
            errno = ENOSPC;
            return -1;
        }
    }

    return disk_write(fd, data, len);
}


int
fdatasync(int fd)
{
    int  (*next)(int);

    disk_pass(disk_syncs, disk_hold);

    if (access(disk_fail, F_OK) == 0) {
        errno = EIO;
        return -1;
    }

    *(void **) &next = dlsym(RTLD_NEXT, "fdatasync");

    return next(fd);
}


/* the event loop reads with it, too: that is left alone */

static ssize_t
disk_read(const char *name, int fd, void *data, size_t len, off_t offset)
{
    ssize_t  (*next)(int, void *, size_t, off_t);

    if (syscall(SYS_gettid) != getpid()) {
        disk_pass(disk_reads, disk_hold_reads);
    }

    *(void **) &next = dlsym(RTLD_NEXT, name);

    return next(fd, data, len, offset);
}


ssize_t
pread(int fd, void *data, size_t len, off_t offset)
{
    return disk_read("pread", fd, data, len, offset);
}


/* as it is called with 64-bit offsets asked for, which these are */

ssize_t
pread64(int fd, void *data, size_t len, off_t offset)
{
    return disk_read("pread64", fd, data, len, offset);
}
