/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines of error.log that may come in floods.
 */

#include "ngx_redis_fold.h"
#include "ngx_redis_reply.h"


/* ms */
#define NGX_REDIS_FOLD_EVERY  10000


ngx_int_t
ngx_redis_fold_line(ngx_redis_fold_t *fold, ngx_str_t *text, const char *fmt,
    va_list args)
{
    u_char  *last, *end;

    if (fold->logged && ngx_current_msec - fold->time < NGX_REDIS_FOLD_EVERY) {
        fold->skipped++;
        return NGX_DECLINED;
    }

    end = text->data + text->len;
    last = ngx_vslprintf(text->data, end, fmt, args);

    ngx_redis_reply_printable(text->data, last);

    if (fold->skipped) {
        last = ngx_slprintf(last, end, " (%ui more like this)",
                            fold->skipped);
    }

    text->len = last - text->data;

    fold->logged = 1;
    fold->skipped = 0;
    fold->time = ngx_current_msec;

    return NGX_OK;
}
