/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The bounded text writer.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jr_run.h"
#include "jr_text.h"
#include "jr_utf8.h"


static void jr_text_run(jr_text_t *t, const char *data, size_t len);


void
jr_text_init(jr_text_t *t, char *buf, size_t size)
{
    t->start = buf;
    t->pos = buf;
    t->last = buf + size - 1;
    t->full = 0;

    *buf = '\0';
}


void
jr_text_add(jr_text_t *t, const char *data, size_t len)
{
    if (t->full || len > (size_t) (t->last - t->pos)) {
        t->full = 1;
        return;
    }

    memcpy(t->pos, data, len);
    t->pos += len;
    *t->pos = '\0';
}


/* characters of which those that fit are added */

static void
jr_text_run(jr_text_t *t, const char *data, size_t len)
{
    size_t  room;

    room = (size_t) (t->last - t->pos);

    if (!t->full && len > room) {
        jr_text_add(t, data, room);
    }

    jr_text_add(t, data, len);
}


void
jr_text_str(jr_text_t *t, const char *str)
{
    jr_text_add(t, str, strlen(str));
}


void
jr_text_int(jr_text_t *t, int64_t n)
{
    int   len;
    char  buf[24];

    len = snprintf(buf, sizeof(buf), "%" PRId64, n);
    jr_text_add(t, buf, (size_t) len);
}


void
jr_text_size(jr_text_t *t, size_t n)
{
    int   len;
    char  buf[24];

    len = snprintf(buf, sizeof(buf), "%zu", n);
    jr_text_add(t, buf, (size_t) len);
}


void
jr_text_real(jr_text_t *t, double d)
{
    int   i, len;
    char  buf[48];

    len = snprintf(buf, sizeof(buf), "%.17g", d);

    for (i = 0; i < len; i++) {
        if (strchr("0123456789+-einfa", buf[i]) == NULL) {
            buf[i] = '.';
        }
    }

    jr_text_add(t, buf, (size_t) len);
}


void
jr_text_escape(jr_text_t *t, const char *data, size_t len, size_t max,
    unsigned flags)
{
    char        buf[16];
    size_t      n, count;
    uint32_t    cp;
    const char  *end;

    end = data + len;

    for (count = 0; data < end; count++, data += n) {

        if (count == max) {
            jr_text_str(t, "...");
            return;
        }

        n = jr_run_ascii(data, (size_t) (end - data), 1);

        if (n > 0) {
            n = n < max - count ? n : max - count;
            jr_text_run(t, data, n);
            count += n - 1;
            continue;
        }

        n = jr_utf8_next((const unsigned char *) data,
                         (const unsigned char *) end);
        if (n == 0) {
            n = 1;
            snprintf(buf, sizeof(buf), "\\x%02x", (unsigned char) *data);
            jr_text_str(t, buf);
            continue;
        }

        cp = jr_utf8_decode(data, n);

        if ((flags & JR_TEXT_QUOTES) && (cp == '"' || cp == '\\')) {
            jr_text_add(t, "\\", 1);
        }

        if (!jr_text_is_hazard(cp) && (cp < 0x7f || !(flags & JR_TEXT_ASCII)))
        {
            jr_text_add(t, data, n);
            continue;
        }

        snprintf(buf, sizeof(buf), cp > 0xffff ? "\\u{%x}" : "\\u%04x",
                 (unsigned) cp);
        jr_text_str(t, buf);
    }
}


void
jr_text_found(jr_text_t *t, const char *data, size_t len)
{
    jr_text_add(t, "\"", 1);
    jr_text_escape(t, data, len, JR_TEXT_FOUND, JR_TEXT_QUOTES);
    jr_text_add(t, "\"", 1);
}


int
jr_text_is_hazard(uint32_t cp)
{
    return cp < 0x20
           || (cp >= 0x7f && cp <= 0x9f)
           || (cp >= 0x200e && cp <= 0x200f)
           || (cp >= 0x2028 && cp <= 0x202e)
           || (cp >= 0x2066 && cp <= 0x2069)
           || cp == 0x061c
           || cp == 0xfeff;
}
