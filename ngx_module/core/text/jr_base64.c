/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Base64.
 */

#include <stdint.h>

#include "jr_base64.h"


static jr_str_t jr_base64_bare(jr_str_t text, jr_base64_form_e form);


/* bits beside the six of a digit */
#define JR_BASE64_PLAIN  0x040      /* "+" or "/" */
#define JR_BASE64_SAFE   0x080      /* "-" or "_" */
#define JR_BASE64_NONE   0x100      /* it is no digit */


static const uint16_t  jr_base64_digits[128] = {
    0x100, 0x100, 0x100, 0x100, 0x100, 0x100, 0x100, 0x100,
    0x100, 0x100, 0x100, 0x100, 0x100, 0x100, 0x100, 0x100,
    0x100, 0x100, 0x100, 0x100, 0x100, 0x100, 0x100, 0x100,
    0x100, 0x100, 0x100, 0x100, 0x100, 0x100, 0x100, 0x100,
    0x100, 0x100, 0x100, 0x100, 0x100, 0x100, 0x100, 0x100,
    0x100, 0x100, 0x100, 0x07e, 0x100, 0x0be, 0x100, 0x07f,
    0x034, 0x035, 0x036, 0x037, 0x038, 0x039, 0x03a, 0x03b,
    0x03c, 0x03d, 0x100, 0x100, 0x100, 0x100, 0x100, 0x100,
    0x100, 0x000, 0x001, 0x002, 0x003, 0x004, 0x005, 0x006,
    0x007, 0x008, 0x009, 0x00a, 0x00b, 0x00c, 0x00d, 0x00e,
    0x00f, 0x010, 0x011, 0x012, 0x013, 0x014, 0x015, 0x016,
    0x017, 0x018, 0x019, 0x100, 0x100, 0x100, 0x100, 0x0bf,
    0x100, 0x01a, 0x01b, 0x01c, 0x01d, 0x01e, 0x01f, 0x020,
    0x021, 0x022, 0x023, 0x024, 0x025, 0x026, 0x027, 0x028,
    0x029, 0x02a, 0x02b, 0x02c, 0x02d, 0x02e, 0x02f, 0x030,
    0x031, 0x032, 0x033, 0x100, 0x100, 0x100, 0x100, 0x100
};


jr_status_e
jr_base64_decode(jr_str_t text, jr_base64_form_e form, unsigned char *dst,
    size_t size, size_t *len)
{
    size_t                i, n, left;
    unsigned              acc, over, found, high, one, two, three, four;
    const unsigned char  *s;

    static const unsigned  others[] = {
        JR_BASE64_NONE|JR_BASE64_SAFE,      /* JR_BASE64_PADDED */
        JR_BASE64_NONE|JR_BASE64_PLAIN,     /* JR_BASE64_URL */
        JR_BASE64_NONE                      /* JR_BASE64_ANY */
    };

    if (form == JR_BASE64_PADDED && text.len % 4 != 0) {
        return JR_INVALID;
    }

    text = jr_base64_bare(text, form);

    /* a single digit is less than a byte */

    if (text.len % 4 == 1 || text.len / 4 * 3 + text.len % 4 * 3 / 4 > size) {
        return JR_INVALID;
    }

    n = 0;
    high = 0;
    found = 0;
    s = (const unsigned char *) text.data;

    /* whether all of them are digits is asked at the end */

    for (left = text.len; left >= 4; left -= 4, s += 4) {
        high |= (unsigned) (s[0] | s[1] | s[2] | s[3]);

        one = jr_base64_digits[s[0] & 0x7f];
        two = jr_base64_digits[s[1] & 0x7f];
        three = jr_base64_digits[s[2] & 0x7f];
        four = jr_base64_digits[s[3] & 0x7f];

        found |= one | two | three | four;

        dst[n++] = (unsigned char) (one << 2 | (two & 0x3f) >> 4);
        dst[n++] = (unsigned char) (two << 4 | (three & 0x3f) >> 2);
        dst[n++] = (unsigned char) (three << 6 | (four & 0x3f));
    }

    acc = 0;

    for (i = 0; i < left; i++) {
        high |= s[i];
        one = jr_base64_digits[s[i] & 0x7f];
        found |= one;

        acc = acc << 6 | (one & 0x3f);
    }

    /* of two digits four bits are behind the last byte, of three two */

    over = (unsigned) left * 6 % 8;

    if (left == 3) {
        dst[n++] = (unsigned char) (acc >> 10);
    }

    if (left) {
        dst[n++] = (unsigned char) (acc >> over);
    }

    if ((found & others[form]) || (high & 0x80)
        || (form != JR_BASE64_ANY && (acc & ((1U << over) - 1))))
    {
        return JR_INVALID;
    }

    *len = n;

    return JR_OK;
}


/* without its padding */

static jr_str_t
jr_base64_bare(jr_str_t text, jr_base64_form_e form)
{
    size_t  most;

    most = form == JR_BASE64_PADDED ? 2 : form == JR_BASE64_URL ? 0 : text.len;

    while (most-- && text.len && text.data[text.len - 1] == '=') {
        text.len--;
    }

    return text;
}


char *
jr_base64_encode(const unsigned char *src, size_t n, char *dst)
{
    size_t    i, left;
    unsigned  bits;

    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/";

    for (i = 0; i < n; i += 3) {
        left = n - i;

        bits = (unsigned) src[i] << 16;
        bits |= left > 1 ? (unsigned) src[i + 1] << 8 : 0;
        bits |= left > 2 ? (unsigned) src[i + 2] : 0;

        *dst++ = digits[bits >> 18];
        *dst++ = digits[bits >> 12 & 63];
        *dst++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *dst++ = left > 2 ? digits[bits & 63] : '=';
    }

    return dst;
}
