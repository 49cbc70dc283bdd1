/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A request as it went over the wire.
 */

#include "jr_header.h"
#include "jr_raw_request.h"


static int jr_raw_request_line(jr_str_t *rest, jr_str_t *line);
static jr_status_e jr_raw_request_first(jr_str_t line, jr_raw_request_t *rq);


jr_status_e
jr_raw_request_read(jr_str_t text, jr_raw_request_t *rq, const char **what)
{
    jr_str_t         line;
    const char      *colon;
    jr_raw_field_t  *field;

    rq->nfields = 0;

    if (!jr_raw_request_line(&text, &line)
        || jr_raw_request_first(line, rq) != JR_OK)
    {
        *what = "does not begin with a request line, \"POST /... HTTP/1.1\"";
        return JR_INVALID;
    }

    for ( ;; ) {

        if (!jr_raw_request_line(&text, &line)) {
            *what = "has no empty line behind its headers";
            return JR_INVALID;
        }

        if (line.len == 0) {
            rq->body = text;
            return JR_OK;
        }

        colon = memchr(line.data, ':', line.len);

        if (colon == NULL || colon == line.data || line.data[0] == ' '
            || line.data[0] == '\t')
        {
            *what = "has a line in its head that is not a header";
            return JR_INVALID;
        }

        if (rq->nfields == JR_RAW_REQUEST_FIELDS) {
            *what = "has more than 128 headers";
            return JR_INVALID;
        }

        field = &rq->fields[rq->nfields++];

        field->name.data = line.data;
        field->name.len = (size_t) (colon - line.data);
        field->value.data = colon + 1;
        field->value.len = line.len - field->name.len - 1;
        field->value = jr_header_trim(field->value);
    }
}


static int
jr_raw_request_line(jr_str_t *rest, jr_str_t *line)
{
    const char  *lf;

    lf = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;

    if (lf == NULL) {
        return 0;
    }

    line->data = rest->data;
    line->len = (size_t) (lf - rest->data);

    rest->len -= line->len + 1;
    rest->data = lf + 1;

    if (line->len && line->data[line->len - 1] == '\r') {
        line->len--;
    }

    return 1;
}


static jr_status_e
jr_raw_request_first(jr_str_t line, jr_raw_request_t *rq)
{
    size_t       end;
    const char  *space;

    space = line.len ? memchr(line.data, ' ', line.len) : NULL;

    for (end = line.len; end && line.data[end - 1] != ' '; end--) {
        /* void */
    }

    if (space == NULL || space == line.data || space + 1 >= line.data + end - 1
        || line.len - end < 5 || memcmp(line.data + end, "HTTP/", 5) != 0)
    {
        return JR_INVALID;
    }

    rq->method.data = line.data;
    rq->method.len = (size_t) (space - line.data);
    rq->target.data = space + 1;
    rq->target.len = (size_t) (line.data + end - 1 - rq->target.data);

    return JR_OK;
}


jr_str_t
jr_raw_request_field(const jr_raw_request_t *rq, const char *name, size_t *n)
{
    size_t    i;
    jr_str_t  value;

    *n = 0;
    value.len = 0;
    value.data = NULL;

    for (i = 0; i < rq->nfields; i++) {
        if (jr_str_is(rq->fields[i].name, name) && (*n)++ == 0) {
            value = rq->fields[i].value;
        }
    }

    return value;
}
