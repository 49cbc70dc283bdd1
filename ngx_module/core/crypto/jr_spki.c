/* SPDX-License-Identifier: BSD-2-Clause
 *
 * RSA's SubjectPublicKeyInfo.
 *
 *   SEQUENCE { SEQUENCE { OID rsaEncryption, NULL },
 *              BIT STRING { SEQUENCE { INTEGER n, INTEGER e } } }
 */

#include <string.h>

#include "jr_spki.h"


/* tags (X.690, 8) */
enum {
    JR_SPKI_INTEGER = 0x02,
    JR_SPKI_BITS = 0x03,
    JR_SPKI_SEQUENCE = 0x30
};


static int jr_spki_take(jr_str_t *der, unsigned char tag, jr_str_t *value);
static int jr_spki_number(jr_str_t *der, jr_str_t *number);


jr_status_e
jr_spki_read(jr_str_t der, jr_str_t *n, jr_str_t *e)
{
    jr_str_t  all, algorithm, bits, numbers;

    /* 1.2.840.113549.1.1.1, and NULL */

    static const char  rsa[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
                               "\x05";

    if (!jr_spki_take(&der, JR_SPKI_SEQUENCE, &all)
        || der.len
        || !jr_spki_take(&all, JR_SPKI_SEQUENCE, &algorithm)
        || !jr_str_eq(algorithm, rsa, sizeof(rsa))
        || !jr_spki_take(&all, JR_SPKI_BITS, &bits)
        || all.len
        || bits.len == 0 || bits.data[0] != '\0')
    {
        return JR_INVALID;
    }

    /* whole bytes: none of the last one's bits is unused */

    bits.data++;
    bits.len--;

    return jr_spki_take(&bits, JR_SPKI_SEQUENCE, &numbers)
           && bits.len == 0
           && jr_spki_number(&numbers, n)
           && jr_spki_number(&numbers, e)
           && numbers.len == 0
           ? JR_OK : JR_INVALID;
}


/* the value of what der begins with, and der behind it; 0: it is another, or
   not all of it, or its length is not the shortest form of one below 64 KB */

static int
jr_spki_take(jr_str_t *der, unsigned char tag, jr_str_t *value)
{
    size_t                head, len;
    const unsigned char  *p;

    p = (const unsigned char *) der->data;

    if (der->len < 2 || p[0] != tag) {
        return 0;
    }

    head = p[1] < 0x80 ? 2 : p[1] == 0x81 ? 3 : p[1] == 0x82 ? 4 : der->len + 1;

    if (der->len < head) {
        return 0;
    }

    len = head == 2 ? p[1] : head == 3 ? p[2] : (size_t) p[2] << 8 | p[3];

    if (len > der->len - head
        || (head == 3 && len < 0x80) || (head == 4 && len < 0x100))
    {
        return 0;
    }

    value->data = der->data + head;
    value->len = len;

    der->data += head + len;
    der->len -= head + len;

    return 1;
}


/* a positive one, with a zero byte before it only where its sign needs one */

static int
jr_spki_number(jr_str_t *der, jr_str_t *number)
{
    const unsigned char  *p;

    if (!jr_spki_take(der, JR_SPKI_INTEGER, number) || number->len == 0) {
        return 0;
    }

    p = (const unsigned char *) number->data;

    return p[0] < 0x80
           && (p[0] != 0 || (number->len > 1 && p[1] >= 0x80));
}
