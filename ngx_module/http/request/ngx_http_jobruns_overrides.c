/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Overrides that are nonsense: whoever set one shall read of it, and not once
 * per request.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_overrides.h"

#include "jr_script.h"


/* what a worker remembers to have logged; where more is wrong in a minute,
   the rest of it waits for the next */
#define NGX_HTTP_JOBRUNS_TOLD      32
#define NGX_HTTP_JOBRUNS_TOLD_FOR  60000


typedef struct {
    uint32_t    hash;           /* of key and fields */
    ngx_msec_t  time;
    unsigned    used:1;
} ngx_http_jobruns_told_t;


static ngx_http_jobruns_told_t  ngx_http_jobruns_told[NGX_HTTP_JOBRUNS_TOLD];


static ngx_uint_t ngx_http_jobruns_overrides_again(uint32_t hash);


void
ngx_http_jobruns_overrides_report(ngx_http_jobruns_attempt_t *a,
    ngx_str_t *fields)
{
    uint32_t    hash;
    ngx_str_t  *key;

    key = &a->args.keys[JR_ADMIT_KEY_OVERRIDES];

    ngx_http_jobruns_count(jobruns_count_bad_override);

    ngx_crc32_init(hash);
    ngx_crc32_update(&hash, key->data, key->len);
    ngx_crc32_update(&hash, fields->data, fields->len);
    ngx_crc32_final(hash);

    if (!ngx_http_jobruns_overrides_again(hash)) {
        return;
    }

    if (fields->len == 1 && fields->data[0] == '*') {
        ngx_log_error(NGX_LOG_WARN, a->request->connection->log, 0,
                      "jobruns: the overrides of limits in Redis key \"%V\" "
                      "are no hash and are ignored; delete the key and set "
                      "it with HSET", key);
        return;
    }

    ngx_log_error(NGX_LOG_WARN, a->request->connection->log, 0,
                  "jobruns: override \"%V\" in Redis key \"%V\" is no "
                  "number that it can be and is ignored; set it to a number, "
                  "to \"none\", or delete it with HDEL",
                  fields, key);
}


static ngx_uint_t
ngx_http_jobruns_overrides_again(uint32_t hash)
{
    ngx_uint_t                i;
    ngx_http_jobruns_told_t  *t, *free;

    free = NULL;

    for (i = 0; i < NGX_HTTP_JOBRUNS_TOLD; i++) {
        t = &ngx_http_jobruns_told[i];

        if (!t->used
            || ngx_current_msec - t->time >= NGX_HTTP_JOBRUNS_TOLD_FOR)
        {
            free = t;

        } else if (t->hash == hash) {
            return 0;
        }
    }

    if (free == NULL) {
        return 0;
    }

    free->hash = hash;
    free->time = ngx_current_msec;
    free->used = 1;

    return 1;
}
