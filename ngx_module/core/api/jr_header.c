/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Header values: the rules of the API page, and where it is silent, what
 * Oracle's SDKs send.
 */

#include "jr_header.h"


static int jr_header_equal(jr_str_t value, const char *lower);
static int jr_header_token_char(int ch);
static jr_status_e jr_header_parameter(jr_str_t *rest, jr_str_t *name,
    jr_str_t *value);


jr_str_t
jr_header_trim(jr_str_t value)
{
    while (value.len && (value.data[0] == ' ' || value.data[0] == '\t')) {
        value.data++;
        value.len--;
    }

    while (value.len && (value.data[value.len - 1] == ' '
                         || value.data[value.len - 1] == '\t'))
    {
        value.len--;
    }

    return value;
}


jr_status_e
jr_header_retry_token(jr_str_t value, const char **what)
{
    size_t  i;

    if (value.len == 0 || value.len > JR_RETRY_TOKEN_MAX) {
        *what = value.len ? "opc-retry-token must be 1 to 64 characters, "
                            "found more"
                          : "opc-retry-token must be 1 to 64 characters, "
                            "found none";
        return JR_INVALID;
    }

    for (i = 0; i < value.len; i++) {
        if (value.data[i] < 0x20 || value.data[i] > 0x7e) {
            *what = "opc-retry-token must be printable ASCII characters, "
                    "found another byte";
            return JR_INVALID;
        }
    }

    return JR_OK;
}


jr_status_e
jr_header_request_id(jr_str_t value, jr_request_id_mode_e mode,
    const char **what)
{
    int     ch;
    size_t  i;

    if (value.len == 0 || value.len > JR_REQUEST_ID_MAX) {
        *what = value.len ? "opc-request-id must be 1 to 256 characters, "
                            "found more"
                          : "opc-request-id must be 1 to 256 characters, "
                            "found none";
        return JR_INVALID;
    }

    for (i = 0; i < value.len; i++) {
        ch = (unsigned char) value.data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
            || (ch >= '0' && ch <= '9') || ch == '_' || ch == '-')
        {
            continue;
        }

        if (ch == '/' && mode == JR_REQUEST_ID_LENIENT
            && i > 0 && i + 1 < value.len && value.data[i - 1] != '/')
        {
            continue;
        }

        *what = mode == JR_REQUEST_ID_LENIENT
                ? "opc-request-id must be letters, digits, \"_\" and \"-\" "
                  "in segments separated by \"/\", found another character"
                : "opc-request-id must be letters, digits, \"_\" and \"-\", "
                  "found another character";
        return JR_INVALID;
    }

    return JR_OK;
}


jr_status_e
jr_header_boolean(jr_str_t value, int *flag, const char **what)
{
    if (jr_header_equal(value, "true")) {
        *flag = 1;
        return JR_OK;
    }

    if (jr_header_equal(value, "false")) {
        *flag = 0;
        return JR_OK;
    }

    *what = "should-update-recent must be true or false, found another value";

    return JR_INVALID;
}


jr_status_e
jr_header_content_type(jr_str_t value, const char **what)
{
    jr_str_t     rest, name, param;
    const char  *end;

    *what = "Content-Type must be application/json";

    end = memchr(value.data, ';', value.len);

    rest = value;
    rest.len = end ? (size_t) (end - value.data) : value.len;

    if (!jr_header_equal(jr_header_trim(rest), "application/json")) {
        return JR_INVALID;
    }

    rest.data = value.data + rest.len;
    rest.len = value.len - rest.len;

    while (rest.len) {

        if (jr_header_parameter(&rest, &name, &param) != JR_OK) {
            *what = "Content-Type must be application/json, and its "
                    "parameters name=value";
            return JR_INVALID;
        }

        if (jr_header_equal(name, "charset")
            && !jr_header_equal(param, "utf-8")
            && !jr_header_equal(param, "utf8"))
        {
            *what = "Content-Type must be application/json with charset "
                    "utf-8, found another charset";
            return JR_INVALID;
        }
    }

    return JR_OK;
}


/* takes one ";name=value" or ';name="value"' off the rest (RFC 9110, 5.6.6);
   a ";" that ends the value is what some clients send, two in a row are a
   mistake */

static jr_status_e
jr_header_parameter(jr_str_t *rest, jr_str_t *name, jr_str_t *value)
{
    size_t    i;
    jr_str_t  s;

    s.data = rest->data + 1;
    s.len = rest->len - 1;
    s = jr_header_trim(s);

    if (s.len == 0) {
        name->len = 0;
        *rest = s;
        return JR_OK;
    }

    for (i = 0; i < s.len && jr_header_token_char(s.data[i]); i++) {
        /* the name */
    }

    if (i == 0 || i == s.len || s.data[i] != '=') {
        return JR_INVALID;
    }

    name->data = s.data;
    name->len = i;

    s.data += i + 1;
    s.len -= i + 1;

    if (s.len && s.data[0] == '"') {

        for (i = 1; i < s.len && s.data[i] != '"'; i++) {
            if (s.data[i] == '\\') {
                i++;
            }
        }

        if (i >= s.len) {
            return JR_INVALID;
        }

        value->data = s.data + 1;
        value->len = i - 1;
        i++;

    } else {

        for (i = 0; i < s.len && jr_header_token_char(s.data[i]); i++) {
            /* the value */
        }

        if (i == 0) {
            return JR_INVALID;
        }

        value->data = s.data;
        value->len = i;
    }

    s.data += i;
    s.len -= i;
    *rest = jr_header_trim(s);

    return (rest->len == 0 || rest->data[0] == ';') ? JR_OK : JR_INVALID;
}


static int
jr_header_token_char(int ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
           || (ch >= '0' && ch <= '9')
           || (ch > 0 && strchr("!#$%&'*+-.^_`|~", ch) != NULL);
}


static int
jr_header_equal(jr_str_t value, const char *lower)
{
    int     ch;
    size_t  i;

    for (i = 0; i < value.len; i++) {
        ch = (unsigned char) value.data[i];

        if (ch >= 'A' && ch <= 'Z') {
            ch |= 0x20;
        }

        if (lower[i] == '\0' || ch != lower[i]) {
            return 0;
        }
    }

    return lower[i] == '\0';
}
