/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Kept answers as they come back from Redis: as they are, and with the
 * digest set right, since a fuzzer cannot guess one.
 */

#include "fuzz.h"
#include "jr_answer.h"
#include "jr_digest.h"


#define MAGIC  "JR1 "


static char *sealed(const char *text, size_t len, size_t *size);
static void decode(const char *text, size_t len);
static void comes_back(const jr_answer_t *answer);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char    *text;
    size_t   len;

    text = fuzz_copy(data, size);
    decode(text, size);
    free(text);

    text = sealed((const char *) data, size, &len);
    decode(text, len);
    free(text);

    return 0;
}


/* all of it behind a first line that is right */

static char *
sealed(const char *text, size_t len, size_t *size)
{
    char         *copy, *p;
    jr_digest_t   md;

    fuzz_holds(jr_digest(text, len, &md) == JR_OK);

    *size = sizeof(MAGIC) - 1 + JR_DIGEST_HEX + 1 + len;
    copy = malloc(*size);
    fuzz_holds(copy != NULL);

    memcpy(copy, MAGIC, sizeof(MAGIC) - 1);
    p = jr_digest_hex(&md, copy + sizeof(MAGIC) - 1);
    *p++ = '\n';

    if (len) {
        memcpy(p, text, len);
    }

    return copy;
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
