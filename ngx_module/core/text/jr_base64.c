/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Base64.
 */

#include "jr_base64.h"


static jr_str_t jr_base64_bare(jr_str_t text, jr_base64_form_e form);
static int jr_base64_other(int ch, jr_base64_form_e form);


/* what letters and digits stand for; of the two alphabets the rest differs */

static const signed char  jr_base64_digits[128] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,
    -1,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1,
    -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1
};


jr_status_e
jr_base64_decode(jr_str_t text, jr_base64_form_e form, unsigned char *dst,
    size_t size, size_t *len)
{
    int       ch, digit;
    size_t    i, n;
    unsigned  acc, bits;

    if (form == JR_BASE64_PADDED && text.len % 4 != 0) {
        return JR_INVALID;
    }

    text = jr_base64_bare(text, form);

    /* a single digit is less than a byte */

    if (text.len % 4 == 1 || text.len / 4 * 3 + text.len % 4 * 3 / 4 > size) {
        return JR_INVALID;
    }

    n = 0;
    acc = 0;
    bits = 0;

    for (i = 0; i < text.len; i++) {
        ch = (unsigned char) text.data[i];
        digit = ch < 128 ? jr_base64_digits[ch] : -1;

        if (digit == -1) {
            digit = jr_base64_other(ch, form);

            if (digit == -1) {
                return JR_INVALID;
            }
        }

        acc = (acc << 6 | (unsigned) digit) & 0xfff;
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            dst[n++] = (unsigned char) (acc >> bits);
        }
    }

    if (form != JR_BASE64_ANY && (acc & ((1U << bits) - 1))) {
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


static int
jr_base64_other(int ch, jr_base64_form_e form)
{
    if ((ch == '+' && form != JR_BASE64_URL)
        || (ch == '-' && form != JR_BASE64_PADDED))
    {
        return 62;
    }

    if ((ch == '/' && form != JR_BASE64_URL)
        || (ch == '_' && form != JR_BASE64_PADDED))
    {
        return 63;
    }

    return -1;
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
