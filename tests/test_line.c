/* SPDX-License-Identifier: BSD-2-Clause
 *
 * JSON lines: whatever bytes go in, one line of valid JSON comes out that a
 * terminal shows as it is.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "jr_line.h"
#include "lib_corpus.h"


#define ROOM  4096


/* {"a":VALUE} of that value, read back; *raw is the line */

static json_t *
through(const char *value, size_t len, char *raw, size_t size)
{
    json_t     *line;
    jr_line_t   out;

    jr_line_init(&out, raw, size);
    jr_line_object(&out, NULL);
    jr_line_string(&out, "a", (jr_str_t) { len, value });
    jr_line_close(&out, '}');
    raw[jr_line_len(&out)] = '\0';

    line = json_loadb(raw, jr_line_len(&out), JSON_ALLOW_NUL, NULL);
    assert_non_null(line);

    return line;
}


/* no byte that moves a cursor or ends a line, in ASCII or as a C1 control */

static void
is_harmless(const char *raw)
{
    const unsigned char  *p;

    for (p = (const unsigned char *) raw; *p; p++) {
        assert_true(*p >= 0x20 && *p != 0x7f);
        assert_false(*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
        assert_false(*p == 0xe2 && p[1] == 0x80
                     && p[2] >= 0xa8 && p[2] <= 0xae);
        assert_false(*p == 0xe2 && p[1] == 0x81
                     && p[2] >= 0xa6 && p[2] <= 0xa9);
    }
}


static void
text_comes_back_as_it_was(void **state)
{
    char         raw[ROOM];
    size_t       i;
    json_t      *line, *value;

    static const char *const  texts[] = {
        "", "plain", "\"", "\\", "\"}\n{\"forged\":\"", "\x1b[2J\x1b[H",
        "\xc2\x9b" "31m", "\xc2\x85", "\xe2\x80\xa8\xe2\x80\xa9",
        "\xe2\x80\xaeltr\xe2\x80\xac", "\xe2\x81\xa6x\xe2\x81\xa9", "\x7f",
        "a\rb\tc\x01", "\xf0\x9f\x92\xa9", "\xc3\xa9\xe2\x82\xac", "\x1b]0;t\a"
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        line = through(texts[i], strlen(texts[i]), raw, sizeof(raw));
        value = json_object_get(line, "a");
        assert_string_equal(json_string_value(value), texts[i]);
        is_harmless(raw);
        json_decref(line);
    }

    line = through("a\0b", 3, raw, sizeof(raw));
    value = json_object_get(line, "a");
    assert_int_equal(json_string_length(value), 3);
    assert_memory_equal(json_string_value(value), "a\0b", 3);
    json_decref(line);
}


static void
bytes_that_are_no_text_are_replaced(void **state)
{
    int      one, two;
    char     raw[ROOM], bytes[3];
    json_t  *line;

    (void) state;

    for (one = 0; one < 256; one++) {
        for (two = 0; two < 256; two++) {
            bytes[0] = (char) one;
            bytes[1] = (char) two;
            bytes[2] = 'z';

            line = through(bytes, 3, raw, sizeof(raw));
            assert_non_null(strstr(raw, "z\"}"));
            is_harmless(raw);
            json_decref(line);
        }
    }
}


/* the writer looks at eight bytes at a time, the last ones twice */

static void
each_byte_is_seen_wherever_it_stands(void **state)
{
    int          byte;
    char         raw[ROOM], text[29];
    size_t       len, at;
    json_t      *line;
    const char  *back;

    (void) state;

    for (len = 1; len < sizeof(text); len += 3) {
        for (at = 0; at < len; at++) {
            for (byte = 0; byte < 256; byte++) {
                memset(text, 'a', len);
                text[at] = (char) byte;

                line = through(text, len, raw, sizeof(raw));
                is_harmless(raw);

                back = json_string_value(json_object_get(line, "a"));

                if (byte < 0x80) {
                    assert_memory_equal(back, text, len);

                } else {
                    assert_memory_equal(back + at, "\xef\xbf\xbd", 3);
                }

                json_decref(line);
            }
        }
    }
}


static void
members_of_ours_stand_as_they_are(void **state)
{
    char       raw[JR_LINE_MIN];
    jr_line_t  out;

    (void) state;

    jr_line_init(&out, raw, sizeof(raw));
    jr_line_object(&out, NULL);
    jr_line_literal(&out, "\"a\":1,\"b\":[]");
    jr_line_literal(&out, "\"c\":null");
    assert_false(out.cut);

    /* whole or not at all */

    jr_line_literal(&out, "\"d\":\"a text that does not fit any more\"");
    assert_true(out.cut);

    jr_line_close(&out, '}');

    assert_int_equal(jr_line_len(&out), 23);
    assert_memory_equal(raw, "{\"a\":1,\"b\":[],\"c\":null}", 23);
}


static void
a_long_text_is_cut_at_a_character(void **state)
{
    char     raw[ROOM], text[3 * 200 + 1];
    size_t   size;
    json_t  *line;

    (void) state;

    for (size = 0; size < 200; size++) {
        memcpy(text + 3 * size, "\xe2\x82\xac", 4);
    }

    for (size = JR_LINE_MIN; size < 300; size++) {
        line = through(text, 600, raw, size);
        assert_true(strlen(raw) < size);
        json_decref(line);
    }
}


/* the corpus of strings that break programs */

static void
naughty_line(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data)
{
    char     raw[65536];
    json_t  *back, *value;

    (void) text;
    (void) len;
    (void) data;

    value = json_object_get(line, "s");

    if (!json_is_string(value)) {
        corpus_outside(corpus);
        return;
    }

    back = through(json_string_value(value), json_string_length(value), raw,
                   sizeof(raw));
    is_harmless(raw);
    corpus_count(corpus, json_equal(json_object_get(back, "a"), value), raw,
                 "came back as another text");
    json_decref(back);
}


static void
naughty_strings(void **state)
{
    corpus_t  corpus;

    (void) state;

    if (corpus_run(&corpus, "naughty_strings.jsonl", naughty_line, NULL)) {
        corpus_end(&corpus);
    }
}


/* brackets closed behind the end leave no room for what comes after them */

static void
members_behind_a_full_line_are_left_out(void **state)
{
    char       *buf;
    int         i;
    json_t     *line;
    jr_line_t   out;

    (void) state;

    buf = malloc(JR_LINE_MIN);
    assert_non_null(buf);

    jr_line_init(&out, buf, JR_LINE_MIN);
    jr_line_object(&out, NULL);

    for (i = 0; i < 6; i++) {
        jr_line_object(&out, "o");
    }

    jr_line_string(&out, "s", (jr_str_t) jr_str("fills what is left of it"));

    for (i = 0; i < 5; i++) {
        jr_line_close(&out, '}');
        jr_line_boolean(&out, "behind", 0);
        jr_line_integer(&out, "behind", 123456789);
        jr_line_string(&out, "behind", (jr_str_t) jr_str("text"));
    }

    jr_line_close(&out, '}');
    jr_line_close(&out, '}');

    assert_true(jr_line_len(&out) < JR_LINE_MIN);
    assert_true(out.cut);

    line = json_loadb(buf, jr_line_len(&out), 0, NULL);
    assert_non_null(line);

    json_decref(line);
    free(buf);
}


/* the bound is of what is written: an escape counts as long as it is */

static void
a_string_has_its_own_bound(void **state)
{
    char        buf[256];
    size_t      i;
    jr_line_t   out;

    static const struct {
        const char  *text;
        const char  *written;
        unsigned     cut;
    } cases[] = {
        { "12345678", "\"12345678\"", 0 },
        { "123456789", "\"12345678\"", 1 },
        { "\x01\x01", "\"\\u0001\"", 1 },
        { "1234\x01", "\"1234\"", 1 },
        { "\"\"\"\"", "\"\\\"\\\"\\\"\\\"\"", 0 },
        { "\"\"\"\"\"", "\"\\\"\\\"\\\"\\\"\"", 1 },
        { "1234567\xc3\xa9", "\"1234567\"", 1 },
        { "\xff\xff", "\"\\ufffd\"", 1 }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        jr_line_init(&out, buf, sizeof(buf));
        jr_line_most(&out, 8);
        jr_line_string(&out, NULL,
                       (jr_str_t) { strlen(cases[i].text), cases[i].text });

        *out.last = '\0';
        assert_string_equal(buf, cases[i].written);
        assert_int_equal(out.cut, cases[i].cut);

        /* the next is not shortened by it */

        jr_line_most(&out, 0);
        jr_line_string(&out, NULL, (jr_str_t) jr_str("a text of twenty ..."));
        *out.last = '\0';
        assert_non_null(strstr(buf, ",\"a text of twenty ...\""));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(text_comes_back_as_it_was),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(each_byte_is_seen_wherever_it_stands),
        cmocka_unit_test(members_of_ours_stand_as_they_are),
        cmocka_unit_test(a_long_text_is_cut_at_a_character),
        cmocka_unit_test(members_behind_a_full_line_are_left_out),
        cmocka_unit_test(a_string_has_its_own_bound),
        cmocka_unit_test(naughty_strings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
