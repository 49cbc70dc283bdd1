/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tables for people, JSON for machines, and the question before what cannot
 * be undone.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobrunsctl.h"


#define CTL_COLUMNS  12


int
ctl_fail(int code, const char *fmt, ...)
{
    va_list  args;

    fputs("jobrunsctl: ", stderr);

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);

    fputc('\n', stderr);

    return code;
}


void
ctl_warn(const char *fmt, ...)
{
    va_list  args;

    fputs("jobrunsctl: ", stderr);

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);

    fputc('\n', stderr);
}


void
ctl_sort(json_t *rows, int (*compare)(const void *, const void *))
{
    size_t    i, n;
    json_t   *row, **sorted;

    n = json_array_size(rows);
    sorted = n ? malloc(n * sizeof(json_t *)) : NULL;

    if (sorted == NULL) {
        return;
    }

    json_array_foreach(rows, i, row) {
        sorted[i] = json_incref(row);
    }

    qsort(sorted, n, sizeof(json_t *), compare);
    json_array_clear(rows);

    for (i = 0; i < n; i++) {
        json_array_append_new(rows, sorted[i]);
    }

    free(sorted);
}


void
ctl_put(FILE *out, const char *text)
{
    for ( /* void */ ; *text; text++) {
        fputc((unsigned char) *text < 0x20 || *text == 0x7f ? '?' : *text,
              out);
    }
}


json_t *
ctl_string(const char *data, size_t len)
{
    size_t   i;
    char    *hex;
    json_t  *string;

    string = json_stringn(data, len);

    if (string != NULL) {
        return string;
    }

    /* no UTF-8 */

    hex = malloc(2 * len + 1);

    if (hex == NULL) {
        return json_null();
    }

    for (i = 0; i < len; i++) {
        sprintf(hex + 2 * i, "%02x", (unsigned char) data[i]);
    }

    string = json_stringn(hex, 2 * len);
    free(hex);

    return string;
}


const char *
ctl_duration(long long ms)
{
    const char   *sign;

    static char   text[48];

    sign = ms < 0 ? "-" : "";
    ms = ms < 0 ? -ms : ms;

    if (ms < 1000) {
        snprintf(text, sizeof(text), "%s%lld ms", sign, ms);

    } else if (ms < 120000) {
        snprintf(text, sizeof(text), "%s%.1f s", sign, (double) ms / 1000);

    } else if (ms < 7200000) {
        snprintf(text, sizeof(text), "%s%lld min", sign, ms / 60000);

    } else {
        snprintf(text, sizeof(text), "%s%lld h %lld min", sign,
                 ms / 3600000, ms / 60000 % 60);
    }

    return text;
}


/* a member as text, in buf unless it is a string */

static const char *
ctl_text(json_t *value, char *buf, size_t size)
{
    if (json_is_string(value)) {
        return json_string_value(value);
    }

    if (json_is_integer(value)) {
        snprintf(buf, size, "%lld", (long long) json_integer_value(value));
        return buf;
    }

    if (json_is_real(value)) {
        snprintf(buf, size, "%.1f", json_real_value(value));
        return buf;
    }

    if (json_is_boolean(value)) {
        return json_is_true(value) ? "yes" : "no";
    }

    return "-";
}


static int
ctl_dump(json_t *json)
{
    int  failed;

    failed = json_dumpf(json, stdout, JSON_INDENT(2)) || putchar('\n') == EOF;
    json_decref(json);

    return failed ? ctl_fail(CTL_FAILED, "standard output cannot be written")
                  : CTL_OK;
}


int
ctl_show(ctl_t *ctl, json_t *rows, const ctl_column_t *columns)
{
    char         buf[64];
    size_t       i, k, n, width[CTL_COLUMNS];
    json_t      *row;
    const char  *text;

    if (ctl->json) {
        return ctl_dump(rows);
    }

    for (n = 0; n < CTL_COLUMNS && columns[n].name != NULL; n++) {
        width[n] = strlen(columns[n].title);

        json_array_foreach(rows, i, row) {
            text = ctl_text(json_object_get(row, columns[n].name), buf,
                            sizeof(buf));
            width[n] = strlen(text) > width[n] ? strlen(text) : width[n];
        }
    }

    for (k = 0; k < n; k++) {
        printf("%-*s%s", k + 1 < n ? (int) width[k] : 0, columns[k].title,
               k + 1 < n ? "  " : "\n");
    }

    json_array_foreach(rows, i, row) {

        for (k = 0; k < n; k++) {
            text = ctl_text(json_object_get(row, columns[k].name), buf,
                            sizeof(buf));
            ctl_put(stdout, text);

            if (k + 1 < n) {
                printf("%*s", (int) (width[k] - strlen(text) + 2), "");
            }
        }

        putchar('\n');
    }

    json_decref(rows);

    return CTL_OK;
}


/* a member for people: milliseconds, which its name says, as a duration */

static const char *
ctl_member(const char *name, json_t *value, char *buf, size_t size)
{
    size_t  len;

    len = strlen(name);

    return json_is_integer(value) && len > 2
           && strcmp(name + len - 2, "Ms") == 0
           ? ctl_duration((long long) json_integer_value(value))
           : ctl_text(value, buf, size);
}


int
ctl_show_one(ctl_t *ctl, json_t *object)
{
    char         buf[64];
    size_t       width;
    json_t      *value;
    const char  *name;

    if (ctl->json) {
        return ctl_dump(object);
    }

    width = 0;

    json_object_foreach(object, name, value) {
        width = strlen(name) > width ? strlen(name) : width;
    }

    json_object_foreach(object, name, value) {
        printf("%-*s  ", (int) width, name);
        ctl_put(stdout, ctl_member(name, value, buf, sizeof(buf)));
        putchar('\n');
    }

    json_decref(object);

    return CTL_OK;
}


int
ctl_confirm(ctl_t *ctl, const char *question)
{
    char  line[16];

    if (ctl->yes) {
        return CTL_OK;
    }

    if (!isatty(STDIN_FILENO)) {
        return ctl_fail(CTL_REFUSED, "%s Say --yes where nobody can be "
                        "asked.", question);
    }

    fprintf(stderr, "%s [yes/no] ", question);

    if (fgets(line, sizeof(line), stdin) == NULL
        || strcmp(line, "yes\n") != 0)
    {
        return ctl_fail(CTL_REFUSED, "nothing was changed");
    }

    return CTL_OK;
}


int
ctl_number(const char *text, long least, long most, long *value)
{
    char  *end;

    /* strtol() itself takes blanks and a "+" */

    if (text[strspn(text, "0123456789")] != '\0' || text[0] == '\0') {
        return CTL_USAGE;
    }

    errno = 0;
    *value = strtol(text, &end, 10);

    return errno == 0 && *value >= least && *value <= most ? CTL_OK
                                                           : CTL_USAGE;
}
