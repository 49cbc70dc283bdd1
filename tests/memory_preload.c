/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory that runs out at one moment, for an NGINX under test: preloaded, it
 * stands before the C library's allocator, or AddressSanitizer's.
 *
 * $JOBRUNS_MEMORY is a file of three numbers, which all processes share: the
 * allocation that fails, counted from 1 (0: none does), how many there were
 * since that was written, and how many of them failed.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>


/* free() is the next library's own, so is what is not allocated here */
#define next(name)                                                            \
    static __typeof__(&name)  real;                                           \
                                                                              \
    if (real == NULL) {                                                       \
        *(void **) &real = dlsym(RTLD_NEXT, #name);                           \
    }


typedef struct {
    _Atomic int64_t  at;
    _Atomic int64_t  count;
    _Atomic int64_t  failed;
} memory_t;


static memory_t  *memory;


/* NGINX clears its environment before workers are forked */

__attribute__((constructor))
static void
memory_begin(void)
{
    int          fd;
    void        *p;
    const char  *path;

    path = getenv("JOBRUNS_MEMORY");
    fd = path ? open(path, O_RDWR) : -1;

    if (fd == -1) {
        return;
    }

    p = mmap(NULL, sizeof(memory_t), PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);

    if (p != MAP_FAILED) {
        memory = p;
    }
}


static int
memory_fails(void)
{
    int64_t  at;

    at = memory ? memory->at : 0;

    if (at == 0 || ++memory->count != at) {
        return 0;
    }

    memory->failed++;
    errno = ENOMEM;

    return 1;
}


void *
malloc(size_t size)
{
    next(malloc)

    return memory_fails() ? NULL : real(size);
}


void *
calloc(size_t n, size_t size)
{
    next(calloc)

    return memory_fails() ? NULL : real(n, size);
}


void *
realloc(void *p, size_t size)
{
    next(realloc)

    return memory_fails() ? NULL : real(p, size);
}


int
posix_memalign(void **p, size_t alignment, size_t size)
{
    next(posix_memalign)

    return memory_fails() ? ENOMEM : real(p, alignment, size);
}
