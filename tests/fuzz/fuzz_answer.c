/*
 * A kept answer as it comes back from Redis: taken only if it is one of
 * ours, and then the same again when it is written anew.
 *
 * Nearly nothing passes the digest, so the input is also put behind a right
 * one.
 */

#include "fuzz.h"
#include "jr_answer.h"
#include "jr_digest.h"


static void
decode(jr_str_t value)
{
    char         *again;
    size_t        i, len;
    jr_answer_t   answer, same;

    if (jr_answer_decode(value, &answer) != JR_OK) {
        return;
    }

    fuzz_holds(answer.status >= 200 && answer.status <= 299);
    fuzz_holds(answer.body.len <= value.len);

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {
        fuzz_holds(answer.headers[i].data == NULL
                   || memchr(answer.headers[i].data, '\n',
                             answer.headers[i].len)
                      == NULL);
        fuzz_holds(answer.headers[i].data == NULL
                   || memchr(answer.headers[i].data, '\r',
                             answer.headers[i].len)
                      == NULL);
    }

    again = malloc(jr_answer_size(&answer));
    fuzz_holds(again != NULL);

    fuzz_holds(jr_answer_encode(&answer, again, &len) == JR_OK);
    fuzz_holds(len <= jr_answer_size(&answer));
    fuzz_holds(jr_answer_decode((jr_str_t) { len, again }, &same) == JR_OK);
    fuzz_holds(same.status == answer.status);
    fuzz_holds(same.body.len == answer.body.len);

    free(again);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         *value;
    jr_digest_t   md;

    decode(fuzz_str(data, size));

    value = malloc(size + 4 + JR_DIGEST_HEX + 1);
    fuzz_holds(value != NULL);

    fuzz_holds(jr_digest(data, size, &md) == JR_OK);

    memcpy(value, "JR1 ", 4);
    *jr_digest_hex(&md, value + 4) = '\n';

    if (size) {
        memcpy(value + 4 + JR_DIGEST_HEX + 1, data, size);
    }

    decode((jr_str_t) { size + 4 + JR_DIGEST_HEX + 1, value });

    free(value);

    return 0;
}
