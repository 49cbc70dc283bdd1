/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random bytes and hex digits, for ids.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_random.h"

#include "jr_hex.h"

#include <openssl/rand.h>


/* bytes drawn from the CSPRNG at a time */
#define NGX_HTTP_JOBRUNS_RANDOM  1024


static u_char *ngx_http_jobruns_random_take(size_t len);


ngx_int_t
ngx_http_jobruns_random_bytes(u_char *dst, size_t len)
{
    u_char  *bytes;

    bytes = ngx_http_jobruns_random_take(len);
    if (bytes == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dst, bytes, len);

    return NGX_OK;
}


ngx_int_t
ngx_http_jobruns_random_hex(u_char *dst, size_t len, ngx_uint_t up)
{
    u_char  *bytes;

    bytes = ngx_http_jobruns_random_take(len / 2);
    if (bytes == NULL) {
        return NGX_ERROR;
    }

    (void) jr_hex((char *) dst, bytes, len / 2,
                  up ? JR_HEX_UPPER : JR_HEX_LOWER);

    return NGX_OK;
}


/* bytes that nobody else gets */

static u_char *
ngx_http_jobruns_random_take(size_t len)
{
    /* a call of RAND_bytes() costs the same for few bytes and for many; what
       was drawn before a fork() is not used behind it */

    static u_char     bytes[NGX_HTTP_JOBRUNS_RANDOM];
    static size_t     left;
    static ngx_pid_t  pid;

    if (left < len || pid != ngx_pid) {

        if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
            return NULL;
        }

        left = sizeof(bytes);
        pid = ngx_pid;
    }

    left -= len;

    return bytes + left;
}
