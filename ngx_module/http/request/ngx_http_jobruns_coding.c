/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Does a body with a Content-Encoding end where its coding ends?  Asked only
 * where the framing does not tell: the answer is not decoded for anyone.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_coding.h"

#include <zlib.h>


/* what a body may grow to, bytes: some 10 ms of the event loop at most */
#define NGX_HTTP_JOBRUNS_CODING_MOST  (4 * 1024 * 1024)

#define NGX_HTTP_JOBRUNS_CODING_BUFFER  16384

/* + 32: either of zlib's two formats, as its header says */
#define NGX_HTTP_JOBRUNS_CODING_WINDOW  (MAX_WBITS + 32)


static ngx_uint_t ngx_http_jobruns_coding_inflate(z_stream *stream);
static ngx_uint_t ngx_http_jobruns_coding_is(jr_str_t coding,
    const char *name);


ngx_uint_t
ngx_http_jobruns_coding_ends(jr_str_t coding, jr_str_t body)
{
    z_stream    stream;
    ngx_uint_t  ends;

    if (!ngx_http_jobruns_coding_is(coding, "gzip")
        && !ngx_http_jobruns_coding_is(coding, "x-gzip")
        && !ngx_http_jobruns_coding_is(coding, "deflate"))
    {
        return 0;
    }

    ngx_memzero(&stream, sizeof(z_stream));

    /* zlib allocates some 40k by malloc(), which inflateEnd() frees */

    if (inflateInit2(&stream, NGX_HTTP_JOBRUNS_CODING_WINDOW) != Z_OK) {
        return 0;
    }

    stream.next_in = (u_char *) body.data;
    stream.avail_in = (uInt) body.len;

    ends = ngx_http_jobruns_coding_inflate(&stream);

    (void) inflateEnd(&stream);

    return ends;
}


static ngx_uint_t
ngx_http_jobruns_coding_inflate(z_stream *stream)
{
    int     rc;
    size_t  size;

    static u_char  buffer[NGX_HTTP_JOBRUNS_CODING_BUFFER];

    for (size = 0; size < NGX_HTTP_JOBRUNS_CODING_MOST; /* void */) {

        stream->next_out = buffer;
        stream->avail_out = sizeof(buffer);

        rc = inflate(stream, Z_NO_FLUSH);

        size += sizeof(buffer) - stream->avail_out;

        if (rc == Z_STREAM_END) {

            if (stream->avail_in == 0) {
                return 1;
            }

            /* gzip may have several members (RFC 1952, section 2.2) */

            rc = inflateReset(stream);
        }

        if (rc != Z_OK) {
            return 0;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_jobruns_coding_is(jr_str_t coding, const char *name)
{
    return coding.len == ngx_strlen(name)
           && ngx_strncasecmp((u_char *) coding.data, (u_char *) name,
                              coding.len)
              == 0;
}
