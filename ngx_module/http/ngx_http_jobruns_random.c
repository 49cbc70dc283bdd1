/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random hex digits, for ids.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_random.h"

#include "jr_hex.h"

#include <openssl/rand.h>


/* bytes drawn from the CSPRNG at a time */
#define NGX_HTTP_JOBRUNS_RANDOM  1024


ngx_int_t
ngx_http_jobruns_random_hex(u_char *dst, size_t len, ngx_uint_t up)
{
    /* a call of RAND_bytes() costs the same for few bytes and for many; what
       was drawn before a fork() is not used behind it */

    static u_char     bytes[NGX_HTTP_JOBRUNS_RANDOM];
    static size_t     left;
    static ngx_pid_t  pid;

    if (left < len / 2 || pid != ngx_pid) {

        if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
            return NGX_ERROR;
        }

        left = sizeof(bytes);
        pid = ngx_pid;
    }

    left -= len / 2;

    (void) jr_hex((char *) dst, bytes + left, len / 2,
                  up ? JR_HEX_UPPER : JR_HEX_LOWER);

    return NGX_OK;
}
