/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs of characters that stand for themselves in a JSON string.
 *
 * Texts are long and nearly all of such characters, so eight bytes are
 * looked at at a time, sixteen where the compiler has SSE2 (on every x86-64).
 * In a word of their distances, the top bit of a byte tells what is looked
 * for.  A borrow may tell of one too many, but only behind (above) one that is
 * there: the first is always right.
 */

#ifndef JR_RUN_H_INCLUDED
#define JR_RUN_H_INCLUDED

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if (__SSE2__)
#include <emmintrin.h>
#endif


#define JR_RUN_EACH(byte)  (0x0101010101010101ULL * (byte))

/* top bits of the bytes below a blank and of quotation marks and
   backslashes; the top bits of other bytes from 0x80 on mean nothing */
#define jr_run_odd(word)                                                     \
    (((word) - JR_RUN_EACH(0x20))                                            \
     | (((word) ^ JR_RUN_EACH('"')) - JR_RUN_EACH(1))                        \
     | (((word) ^ JR_RUN_EACH('\\')) - JR_RUN_EACH(1)))


/* where the first byte of a word that was loaded is the lowest, the first
   that is found is known; elsewhere the bytes are looked at again */

#if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define jr_run_first(odd)  ((size_t) __builtin_ctzll(odd) / 8)
#else
#define jr_run_first(odd)  0
#endif


#if (__SSE2__)

/*
 * Where the first byte is that does not stand for itself, of 16 or more; len
 * where there is none.  With ascii, from 0x80 on none does; with del, 0x7f does
 * not.
 */

static inline size_t
jr_run_16(const char *p, size_t len, int ascii, int del)
{
    int      mask;
    size_t   i;
    __m128i  bytes, odd;

    for (i = 0; i < len; i += 16) {

        if (len - i < 16) {
            /* the last ones overlap those before them */
            i = len - 16;
        }

        bytes = _mm_loadu_si128((const __m128i *) (p + i));

        /* signed: bytes from 0x80 on are less than a blank, too */

        odd = ascii ? _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20))
                    : _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)),
                                     bytes);

        odd = _mm_or_si128(odd,
                _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                             _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));

        if (del) {
            odd = _mm_or_si128(odd,
                               _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
        }

        mask = _mm_movemask_epi8(odd);

        if (mask) {
            return i + (size_t) __builtin_ctz((unsigned int) mask);
        }
    }

    return len;
}

#endif


/*
 * How many bytes at p are ASCII without control characters, quotation marks
 * and backslashes; without DEL too, where del is not 0.
 */

static inline size_t
jr_run_ascii(const char *p, size_t len, int del)
{
    size_t         i;
    uint64_t       word, odd;
    unsigned char  c;

#if (__SSE2__)
    if (len >= 16) {
        return jr_run_16(p, len, 1, del);
    }
#endif

    for (i = 0; i < len; i += sizeof(word)) {

        if (len - i < sizeof(word)) {

            if (len < sizeof(word)) {
                break;
            }

            /* the last word overlaps the one before it */
            i = len - sizeof(word);
        }

        memcpy(&word, p + i, sizeof(word));

        odd = word | jr_run_odd(word);

        if (del) {
            odd |= (word ^ JR_RUN_EACH(0x7f)) - JR_RUN_EACH(1);
        }

        odd &= JR_RUN_EACH(0x80);

        if (odd) {
            i += jr_run_first(odd);
            break;
        }
    }

    for ( /* void */ ; i < len; i++) {
        c = (unsigned char) p[i];

        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\'
            || (del && c == 0x7f))
        {
            return i;
        }
    }

    return len;
}


/* The same, but any byte from 0x80 on counts too. */

static inline size_t
jr_run_utf8(const char *p, size_t len)
{
    size_t         i;
    uint64_t       word, odd;
    unsigned char  c;

#if (__SSE2__)
    if (len >= 16) {
        return jr_run_16(p, len, 0, 0);
    }
#endif

    for (i = 0; i < len; i += sizeof(word)) {

        if (len - i < sizeof(word)) {

            if (len < sizeof(word)) {
                break;
            }

            i = len - sizeof(word);
        }

        memcpy(&word, p + i, sizeof(word));

        odd = jr_run_odd(word) & ~word & JR_RUN_EACH(0x80);

        if (odd) {
            i += jr_run_first(odd);
            break;
        }
    }

    for ( /* void */ ; i < len; i++) {
        c = (unsigned char) p[i];

        if (c < 0x20 || c == '"' || c == '\\') {
            return i;
        }
    }

    return len;
}


#endif /* JR_RUN_H_INCLUDED */
