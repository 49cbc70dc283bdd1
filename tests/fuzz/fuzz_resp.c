/*
 * Bytes of a hostile Redis, in pieces: each reply is whole and within limits,
 * and after an error nothing is read any more.  The first byte is how large
 * the pieces are.
 */

#include "ngx_redis_connection.h"

#include "fuzz.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char              *copy, *p, *last;
    size_t               n, piece;
    ngx_int_t            rc;
    redisReply          *reply;
    ngx_redis_stream_t   stream;

    if (size < 2) {
        return 0;
    }

    piece = data[0] + 1;

    copy = malloc(size - 1);
    fuzz_holds(copy != NULL);
    memcpy(copy, data + 1, size - 1);

    p = copy;
    last = copy + size - 1;

    fuzz_holds(ngx_redis_stream_init(&stream) == NGX_OK);

    while (p < last) {

        n = (size_t) (last - p) < piece ? (size_t) (last - p) : piece;

        rc = ngx_redis_stream_feed(&stream, p, &n);

        if (rc == NGX_ERROR) {
            fuzz_holds(stream.error != NULL);
            break;
        }

        fuzz_holds(n > 0 && n <= piece);
        p += n;

        if (rc != NGX_OK) {
            continue;
        }

        if (ngx_redis_stream_next(&stream, &reply) != NGX_OK) {
            break;
        }

        fuzz_holds(reply != NULL);
        freeReplyObject(reply);
    }

    ngx_redis_stream_free(&stream);
    free(copy);

    return 0;
}
