/*
 * Base64.
 */

#include "jr_base64.h"


static jr_status_e jr_base64_digits(jr_str_t text, int url,
    unsigned char *dst, size_t size, size_t *len);
static int jr_base64_digit(int ch, int url);


jr_status_e
jr_base64_decode(jr_str_t text, unsigned char *dst, size_t size, size_t *len)
{
    if (text.len % 4 != 0) {
        return JR_INVALID;
    }

    if (text.len && text.data[text.len - 1] == '=') {
        text.len--;

        if (text.data[text.len - 1] == '=') {
            text.len--;
        }
    }

    return jr_base64_digits(text, 0, dst, size, len);
}


jr_status_e
jr_base64_decode_url(jr_str_t text, unsigned char *dst, size_t size,
    size_t *len)
{
    return jr_base64_digits(text, 1, dst, size, len);
}


static jr_status_e
jr_base64_digits(jr_str_t text, int url, unsigned char *dst, size_t size,
    size_t *len)
{
    int       digit;
    size_t    i, n;
    unsigned  acc, bits;

    /* a single digit is less than a byte */

    if (text.len % 4 == 1 || text.len / 4 * 3 + text.len % 4 * 3 / 4 > size) {
        return JR_INVALID;
    }

    n = 0;
    acc = 0;
    bits = 0;

    for (i = 0; i < text.len; i++) {
        digit = jr_base64_digit((unsigned char) text.data[i], url);

        if (digit == -1) {
            return JR_INVALID;
        }

        acc = (acc << 6 | (unsigned) digit) & 0xfff;
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            dst[n++] = (unsigned char) (acc >> bits);
        }
    }

    if (acc & ((1U << bits) - 1)) {
        return JR_INVALID;
    }

    *len = n;

    return JR_OK;
}


static int
jr_base64_digit(int ch, int url)
{
    if (ch >= 'A' && ch <= 'Z') {
        return ch - 'A';
    }

    if (ch >= 'a' && ch <= 'z') {
        return ch - 'a' + 26;
    }

    if (ch >= '0' && ch <= '9') {
        return ch - '0' + 52;
    }

    if (ch == (url ? '-' : '+')) {
        return 62;
    }

    return ch == (url ? '_' : '/') ? 63 : -1;
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
