/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Decimals of JSON text, compared without rounding them.
 */

#include <float.h>
#include <stdio.h>

#include "jr_written.h"


#define JR_WRITTEN_VAST  1000000000000000


static int64_t jr_written_exponent(jr_written_t *w, size_t i);
static size_t jr_written_next(const jr_written_t *w, size_t i);


void
jr_written_read(jr_written_t *w, const char *text, size_t len)
{
    size_t   i, point, end;
    int64_t  exponent;

    w->text = text;
    w->len = len;
    w->minus = (len > 0 && text[0] == '-');
    w->vast = 0;
    w->first = len;
    w->last = 0;
    point = len;

    for (i = w->minus; i < len && text[i] != 'e' && text[i] != 'E'; i++) {

        if (text[i] == '.') {
            point = i;

        } else if (text[i] != '0') {
            w->first = w->first == len ? i : w->first;
            w->last = i;
        }
    }

    end = i;
    exponent = jr_written_exponent(w, end);

    if (w->first == len) {
        /* zero has no sign and no power */
        w->minus = 0;
        w->vast = 0;
        w->exponent = 0;
        return;
    }

    if (point == len) {
        point = end;
    }

    /* the places between the last digit and the point */

    exponent += w->last < point ? (int64_t) (point - w->last - 1)
                                : -(int64_t) (w->last - point);

    w->exponent = exponent;
}


/* i is at the "e", or at the end */

static int64_t
jr_written_exponent(jr_written_t *w, size_t i)
{
    int      minus;
    int64_t  n;

    if (i == w->len) {
        return 0;
    }

    i++;
    minus = (w->text[i] == '-');
    n = 0;

    if (w->text[i] == '-' || w->text[i] == '+') {
        i++;
    }

    for ( /* void */ ; i < w->len; i++) {
        n = n * 10 + (w->text[i] - '0');

        if (n > JR_WRITTEN_VAST) {
            w->vast = 1;
            return 0;
        }
    }

    return minus ? -n : n;
}


int
jr_written_equal(const jr_written_t *one, const jr_written_t *two)
{
    size_t  i, k;

    if (one->vast || two->vast) {
        return 0;
    }

    if (one->first == one->len || two->first == two->len) {
        return one->first == one->len && two->first == two->len;
    }

    if (one->minus != two->minus || one->exponent != two->exponent) {
        return 0;
    }

    i = one->first;
    k = two->first;

    while (i <= one->last && k <= two->last) {

        if (one->text[i] != two->text[k]) {
            return 0;
        }

        i = jr_written_next(one, i);
        k = jr_written_next(two, k);
    }

    return i > one->last && k > two->last;
}


/* the digit behind i, over the point */

static size_t
jr_written_next(const jr_written_t *w, size_t i)
{
    i++;

    return i < w->len && w->text[i] == '.' ? i + 1 : i;
}


size_t
jr_written_print(char *buf, size_t size, double d)
{
    int  i, len;

    len = snprintf(buf, size, "%.*e", DBL_DIG - 1, d);

    /* the point of a locale may be more than a byte */

    for (i = 0; i < len; i++) {
        if ((buf[i] < '0' || buf[i] > '9') && buf[i] != '-' && buf[i] != '+'
            && buf[i] != 'e')
        {
            buf[i] = '.';
        }
    }

    return (size_t) len;
}
