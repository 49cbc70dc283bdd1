/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Parameters of an Authorization header.
 */

#include "jr_parameter.h"


static const char *jr_parameter_blanks(const char *p, const char *end);


int
jr_parameter_next(jr_str_t *rest, jr_str_t *name, jr_str_t *value)
{
    const char  *p, *end;

    p = rest->data;
    end = p + rest->len;

    while (p < end && (*p == ' ' || *p == '\t' || *p == ',')) {
        p++;
    }

    if (p == end) {
        return 0;
    }

    name->data = p;

    while (p < end && *p != '=' && *p != ' ' && *p != '\t' && *p != ','
           && *p != '"')
    {
        p++;
    }

    name->len = p - name->data;

    p = jr_parameter_blanks(p, end);

    if (name->len == 0 || p == end || *p != '=') {
        return -1;
    }

    p = jr_parameter_blanks(p + 1, end);

    if (p < end && *p == '"') {
        value->data = ++p;

        /* a signature has hundreds of characters, a session token thousands */

        p = memchr(p, '"', (size_t) (end - p));

        if (p == NULL) {
            return -1;
        }

        value->len = p - value->data;

        if (memchr(value->data, '\\', value->len) != NULL) {
            return -1;
        }

        p = jr_parameter_blanks(p + 1, end);

    } else {
        value->data = p;

        while (p < end && *p != ',' && *p != ' ' && *p != '\t'
               && *p != '"')
        {
            p++;
        }

        value->len = p - value->data;
        p = jr_parameter_blanks(p, end);
    }

    if (p < end && *p != ',') {
        return -1;
    }

    rest->len = end - p;
    rest->data = p;

    return 1;
}


static const char *
jr_parameter_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    return p;
}
