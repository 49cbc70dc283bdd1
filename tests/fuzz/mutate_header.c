/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Values of headers, and of limits: words of their grammars in a row, with
 * blanks and at the lengths where a value becomes too long.
 */

#include "mutate.h"


static const char  *const words[] = {
    "application/json", "application/*", "text/plain", "charset", "utf-8",
    "UTF-8", "=", ";", ",", "\"", "\\\"", " ", "\t", "true", "False", "r/s",
    "r/m", "r/h", "10", "0", "1000000", "1000000000000", "9223372036854775808",
    "hour", "day", "month", "tenant", "a-b_c", "/", "//", ".", "%41", "\x7f",
    "\x80", "\r\n"
};

static const size_t  lengths[] = {
    1, 2, 11, 12, 13, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 257, 1024
};


size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed)
{
    size_t           at, to, n;
    const char      *word;
    static mutate_t  m;

    mutate_init(&m, seed);

    if (mutate_below(&m, 4) == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }

    at = mutate_below(&m, size + 1);
    to = at + mutate_below(&m, size - at + 1);

    switch (mutate_below(&m, 5)) {

    case 0:                                 /* a word in the place of a part */
        mutate_add(&m, data, at);
        mutate_text(&m, mutate_one_of(&m, words));
        mutate_add(&m, data + to, size - to);
        break;

    case 1:                                 /* one more word */
        mutate_add(&m, data, at);
        mutate_text(&m, mutate_one_of(&m, words));
        mutate_add(&m, data + at, size - at);
        break;

    case 2:                                 /* as long as a bound */
        n = mutate_one_of(&m, lengths);
        word = mutate_below(&m, 2) ? "Az09-_ab" : "a/b/c_d.";

        while (m.len < n) {
            mutate_add(&m, word + m.len % 8, 1);
        }

        if (mutate_below(&m, 2)) {
            mutate_text(&m, mutate_one_of(&m, words));
        }

        break;

    case 3:                                 /* blanks around it */
        mutate_text(&m, mutate_below(&m, 2) ? " " : "\t ");
        mutate_add(&m, data, size);
        mutate_text(&m, mutate_below(&m, 2) ? " \t" : "");
        break;

    default:                                /* words alone */
        for (n = mutate_below(&m, 6) + 1; n; n--) {
            mutate_text(&m, mutate_one_of(&m, words));
        }
    }

    return mutate_end(&m, data, max_size);
}
