/*
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


#endif /* FUZZ_H_INCLUDED */
