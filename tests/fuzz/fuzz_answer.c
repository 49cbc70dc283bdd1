/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Stored answers as they come back from Redis.
 */

#include "fuzz.h"
#include "jr_answer.h"


static void decode(const char *text, size_t len);
static void comes_back(const jr_answer_t *answer);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char  *text;

    text = fuzz_copy(data, size);
    decode(text, size);
    free(text);

    return 0;
}


static void
decode(const char *text, size_t len)
{
    size_t       i, j;
    jr_str_t     value;
    jr_answer_t  answer;

    value.data = text;
    value.len = len;

    if (jr_answer_decode(value, &answer) != JR_OK) {
        return;
    }

    fuzz_holds(answer.status >= 200 && answer.status <= 299);
    fuzz_holds(fuzz_within(answer.body, text, len));

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {
        fuzz_holds(fuzz_within(answer.headers[i], text, len));

        /* no header that adds another (RFC 9112, 5) */

        for (j = 0; j < answer.headers[i].len; j++) {
            fuzz_holds(memchr("\r\n\0", answer.headers[i].data[j], 3)
                       == NULL);
        }
    }

    comes_back(&answer);
}


static void
comes_back(const jr_answer_t *answer)
{
    char         *text;
    size_t        i, len;
    jr_str_t      value;
    jr_answer_t   again;

    text = malloc(jr_answer_size(answer));
    fuzz_holds(text != NULL);

    fuzz_holds(jr_answer_encode(answer, text, &len) == JR_OK);
    fuzz_holds(len <= jr_answer_size(answer));

    value.data = text;
    value.len = len;

    fuzz_holds(jr_answer_decode(value, &again) == JR_OK);
    fuzz_holds(again.status == answer->status);
    fuzz_holds(jr_str_eq(again.body, answer->body.data, answer->body.len));

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {
        fuzz_holds((again.headers[i].data == NULL)
                   == (answer->headers[i].data == NULL));
        fuzz_holds(again.headers[i].data == NULL
                   || jr_str_eq(again.headers[i], answer->headers[i].data,
                                answer->headers[i].len));
    }

    free(text);
}
