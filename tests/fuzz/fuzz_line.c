/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The writer of audit lines: whatever is written, in whatever little room,
 * the line is one JSON object on one line, without a byte that could drive a
 * terminal; sealed into a chain, it is read back as it was sealed.
 *
 * The first byte is how much room there is; each further one says what to
 * write, some with text behind it.
 */

#include <jansson.h>

#include "fuzz.h"
#include "jr_chain_check.h"
#include "jr_line.h"


static void
seal(const char *text, size_t len)
{
    char             *line;
    size_t            size;
    jr_chain_t        chain;
    jr_chain_link_t   link;

    static const char  id[] = "0123456789abcdef0123456789abcdef";

    line = malloc(len + JR_CHAIN_TAIL);
    fuzz_holds(line != NULL);
    memcpy(line, text, len);
    size = len;

    jr_chain_init(&chain, id, NULL);
    fuzz_holds(jr_chain_seal(&chain, line, &size) == JR_OK);
    fuzz_holds(size <= len + JR_CHAIN_TAIL);
    fuzz_holds(fuzz_is_plain(line, size));

    fuzz_holds(jr_chain_read(line, size, &link) == JR_OK);
    fuzz_holds(jr_str_eq(link.id, id, JR_CHAIN_ID));
    fuzz_holds(link.seq == 0 && link.hashed <= size && !link.keyed);
    fuzz_holds(jr_chain_check(line, &link, NULL) == JR_OK);

    free(line);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char      *buf;
    json_t    *value;
    size_t     i, n, room;
    unsigned   depth;
    char       open[64];
    jr_line_t  line;

    if (size == 0) {
        return 0;
    }

    room = JR_LINE_MIN + data[0] * 8;
    buf = malloc(room);
    fuzz_holds(buf != NULL);

    jr_line_init(&line, buf, room);
    jr_line_object(&line, NULL);

    open[0] = '}';
    depth = 1;

    for (i = 1; i < size; i++) {

        n = data[i] >> 3;
        n = n < size - i - 1 ? n : size - i - 1;

        switch (data[i] & 7) {

        case 0:
        case 1:
            if (depth < sizeof(open)) {
                if (data[i] & 1) {
                    jr_line_object(&line, open[depth - 1] == ']'
                                          ? NULL : "object");
                    open[depth++] = '}';

                } else {
                    jr_line_array(&line, open[depth - 1] == ']'
                                         ? NULL : "array");
                    open[depth++] = ']';
                }
            }

            break;

        case 2:
            if (depth > 1) {
                jr_line_close(&line, open[--depth]);
            }

            break;

        case 3:
            jr_line_integer(&line, open[depth - 1] == ']' ? NULL : "integer",
                            (int64_t) n - 16);
            break;

        case 4:
            jr_line_boolean(&line, open[depth - 1] == ']' ? NULL : "boolean",
                            n & 1);
            break;

        default:
            jr_line_string(&line, open[depth - 1] == ']' ? NULL : "string",
                           fuzz_str(data + i + 1, n));
            i += n;
            break;
        }
    }

    while (depth) {
        jr_line_close(&line, open[--depth]);
    }

    fuzz_holds(jr_line_len(&line) < room);
    fuzz_holds(fuzz_is_plain(buf, jr_line_len(&line)));

    value = json_loadb(buf, jr_line_len(&line), JSON_ALLOW_NUL, NULL);
    fuzz_holds(json_is_object(value));

    seal(buf, jr_line_len(&line));

    json_decref(value);
    free(buf);

    return 0;
}
