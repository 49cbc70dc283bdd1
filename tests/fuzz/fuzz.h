/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the fuzz targets share.  Each is one file with one
 * LLVMFuzzerTestOneInput(), built by util/fuzz with libFuzzer, ASan and
 * UBSan; its seeds are in corpus/<target>/.
 */

#ifndef FUZZ_H_INCLUDED
#define FUZZ_H_INCLUDED

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jr_status.h"
#include "jr_str.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* a property that must hold; the input is kept by libFuzzer */

#define fuzz_holds(what)                                                     \
    do {                                                                     \
        if (!(what)) {                                                       \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__,          \
                    __LINE__, #what);                                        \
            abort();                                                         \
        }                                                                    \
    } while (0)


static inline jr_str_t
fuzz_str(const uint8_t *data, size_t size)
{
    return (jr_str_t) { size, (const char *) data };
}


/* no line end and no control character, so that it can stand in a log */

static inline int
fuzz_is_plain(const char *text, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if ((unsigned char) text[i] < 0x20 || text[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


/* does part lie within the len bytes at whole? */

static inline int
fuzz_within(jr_str_t part, const char *whole, size_t len)
{
    return part.len == 0
           || (part.data >= whole && part.data + part.len <= whole + len);
}


/* cuts off what stands before the next newline, and the newline */

static inline jr_str_t
fuzz_line(jr_str_t *rest)
{
    jr_str_t     line;
    const char  *end;

    end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;

    line.data = rest->data;
    line.len = end ? (size_t) (end - rest->data) : rest->len;

    rest->data += line.len + (end != NULL);
    rest->len -= line.len + (end != NULL);

    return line;
}


/*
 * A copy of exactly len bytes, for AddressSanitizer to see a step beyond
 * them; to be free()d.
 */

static inline char *
fuzz_copy(const void *data, size_t len)
{
    char  *copy;

    copy = malloc(len ? len : 1);
    fuzz_holds(copy != NULL);

    if (len) {
        memcpy(copy, data, len);
    }

    return copy;
}


#endif /* FUZZ_H_INCLUDED */
