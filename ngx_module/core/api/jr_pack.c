/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Packed values.
 */

#include "jr_pack.h"


/* an item of a format */
typedef struct {
    size_t   width;             /* of the number, or of the text */
    int      text;
    int      counted;           /* the text has its length in front: width is
                                   that of the length */
} jr_pack_item_t;


static inline int jr_pack_next(const char **format, jr_pack_item_t *item);
static size_t jr_pack_width(const char **format);
static inline int64_t jr_pack_value(const jr_str_t *text, size_t width);
static char *jr_pack_number(char *dst, size_t width, uint64_t n);


size_t
jr_pack_size(const char *format, const jr_pack_t *values)
{
    size_t          size;
    jr_pack_item_t  item;

    for (size = 0; jr_pack_next(&format, &item); values++) {
        size += item.width + (item.counted ? values->text.len : 0);
    }

    return size;
}


char *
jr_pack_write(char *dst, const char *format, const jr_pack_t *values)
{
    size_t          len;
    jr_pack_item_t  item;

    for ( /* void */ ; jr_pack_next(&format, &item); values++) {

        if (!item.text) {
            dst = jr_pack_number(dst, item.width, (uint64_t) values->number);
            continue;
        }

        len = item.width;

        if (item.counted) {
            len = values->text.len;
            dst = jr_pack_number(dst, item.width, len);
        }

        if (len) {
            memcpy(dst, values->text.data, len);
            dst += len;
        }
    }

    return dst;
}


jr_status_e
jr_pack_read(jr_str_t *rest, const char *format, jr_pack_t *values)
{
    size_t          len;
    int64_t         n;
    jr_str_t        left;
    jr_pack_item_t  item;

    left = *rest;

    for ( /* void */ ; jr_pack_next(&format, &item); values++) {

        if (left.len < item.width) {
            return JR_INVALID;
        }

        len = item.width;

        if (!item.text || item.counted) {

            n = jr_pack_value(&left, item.width);

            if (n >= JR_PACK_MAX) {
                return JR_INVALID;
            }

            left.data += item.width;
            left.len -= item.width;

            values->number = n;
            len = (size_t) n;
        }

        if (!item.text) {
            continue;
        }

        if (left.len < len) {
            return JR_INVALID;
        }

        values->text.data = left.data;
        values->text.len = len;

        left.data += len;
        left.len -= len;
    }

    *rest = left;

    return JR_OK;
}


static inline int
jr_pack_next(const char **format, jr_pack_item_t *item)
{
    int          letter;
    const char  *p;

    p = *format;

    if (*p == '>') {
        p++;
    }

    letter = (unsigned char) *p;

    if (letter == '\0') {
        return 0;
    }

    p++;
    item->text = (letter == 'c');
    item->counted = 0;
    item->width = (letter == 'B') ? 1 : jr_pack_width(&p);

    if (!item->text && p[0] == 'c' && p[1] == '0') {
        item->text = 1;
        item->counted = 1;
        p += 2;
    }

    *format = p;

    return 1;
}


static size_t
jr_pack_width(const char **format)
{
    size_t       n;
    const char  *p;

    for (p = *format, n = 0; *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (size_t) (*p - '0');
    }

    *format = p;

    return n;
}


/* the number at the beginning of a text, which has its width: from 1 to 7 */

static inline int64_t
jr_pack_value(const jr_str_t *text, size_t width)
{
    size_t                i;
    uint64_t              n;
    const unsigned char  *p;

    p = (const unsigned char *) text->data;

    if (text->len >= 8) {

        /* compilers make one load of it */

        n = (uint64_t) p[0] << 56 | (uint64_t) p[1] << 48
            | (uint64_t) p[2] << 40 | (uint64_t) p[3] << 32
            | (uint64_t) p[4] << 24 | (uint64_t) p[5] << 16
            | (uint64_t) p[6] << 8 | (uint64_t) p[7];

        return (int64_t) (n >> (64 - 8 * width));
    }

    for (i = 0, n = 0; i < width; i++) {
        n = n << 8 | p[i];
    }

    return (int64_t) n;
}


static char *
jr_pack_number(char *dst, size_t width, uint64_t n)
{
    size_t  i;

    for (i = width; i > 0; i--) {
        dst[i - 1] = (char) (n & 0xff);
        n >>= 8;
    }

    return dst + width;
}
