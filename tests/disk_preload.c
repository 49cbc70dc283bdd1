/*
 * A disk that can be held up or fail, for an NGINX under test: preloaded, it
 * stands before the C library's fdatasync().
 *
 * $JOBRUNS_DISK is a folder.  Each call adds a byte to the file "syncs" in
 * it, does not go on while there is a file "hold", and fails with EIO while
 * there is a file "fail".
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>


#define DISK_PATH  4096


static char  disk_syncs[DISK_PATH], disk_hold[DISK_PATH], disk_fail[DISK_PATH];


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
    }
}


int
fdatasync(int fd)
{
    int    (*next)(int);
    int      log;
    ssize_t  n;

    log = open(disk_syncs, O_WRONLY|O_CREAT|O_APPEND, 0644);

    if (log != -1) {
        n = write(log, "s", 1);
        (void) n;
        close(log);
    }

    while (access(disk_hold, F_OK) == 0) {
        usleep(2000);
    }

    if (access(disk_fail, F_OK) == 0) {
        errno = EIO;
        return -1;
    }

    *(void **) &next = dlsym(RTLD_NEXT, "fdatasync");

    return next(fd);
}
