/* SPDX-License-Identifier: BSD-2-Clause
 *
 * key check: why a request is not verified.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobrunsctl_key.h"

#include "jr_http_date.h"
#include "jr_signing.h"


#define CTL_REQUEST_MAX   (17 * 1024 * 1024)
#define CTL_LINE_MOST     65536


typedef struct {
    char    *text;
    size_t   len;
} ctl_line_t;


static jr_status_e
ctl_check_put(void *data, const char *text, size_t len)
{
    char        *more;
    ctl_line_t  *line;

    line = data;

    if (len > CTL_LINE_MOST - line->len) {
        return JR_NO_MEMORY;
    }

    more = realloc(line->text, line->len + len + 1);

    if (more == NULL) {
        return JR_NO_MEMORY;
    }

    memcpy(more + line->len, text, len);

    line->text = more;
    line->len += len;
    line->text[line->len] = '\0';

    return JR_OK;
}


static int
ctl_check_lines(ctl_check_t *check)
{
    unsigned    i;
    ctl_line_t  line;

    for (i = 0; i < check->s.nlines; i++) {
        line.text = NULL;
        line.len = 0;

        if (jr_signing_line(&check->s, &check->rq, i,
                              (int64_t) check->raw.body.len, ctl_check_put,
                              &line)
            != JR_OK)
        {
            free(line.text);
            return ctl_fail(CTL_FAILED, "a line of more than %d bytes is "
                            "signed", CTL_LINE_MOST);
        }

        check->lines[i] = line.text;
    }

    return CTL_OK;
}


/* what the client says that it signed, line by line */

static int
ctl_check_compare(ctl_check_t *check)
{
    char      *text, *line, *end;
    unsigned   i;

    text = ctl_slurp(check->ctl->signed_lines, CTL_LINE_MOST);

    if (text == NULL) {
        return CTL_FAILED;
    }

    for (i = 0, line = text; line != NULL && i < check->s.nlines;
         i++, line = end)
    {
        end = strchr(line, '\n');

        if (end != NULL) {
            *end++ = '\0';
        }

        if (strcmp(line, check->lines[i]) != 0) {
            break;
        }
    }

    if (i < check->s.nlines) {
        json_object_set_new(check->result, "differs", json_integer(i + 1));
        json_object_set_new(check->result, "here",
                            ctl_string(check->lines[i],
                                       strlen(check->lines[i])));
        json_object_set_new(check->result, "signed",
                            ctl_string(line ? line : "",
                                       line ? strlen(line) : 0));
    }

    free(text);

    return CTL_OK;
}


/* Clients add no line end to a body, editors do: what is beyond the length that
   the head says does not count. */

static void
ctl_check_cut(ctl_check_t *check)
{
    char                *end, number[24];
    size_t               n;
    jr_str_t             length;
    unsigned long long   len;

    length = jr_raw_request_field(&check->raw, "content-length", &n);

    if (n != 1 || length.len == 0 || length.len >= sizeof(number)) {
        return;
    }

    memcpy(number, length.data, length.len);
    number[length.len] = '\0';
    len = strtoull(number, &end, 10);

    if (*end == '\0' && len < check->raw.body.len) {
        check->raw.body.len = (size_t) len;
    }
}


/* the clock that counts: --at, or that of the request itself, so that one that
   was saved can be verified later */

static int
ctl_check_clock(ctl_check_t *check)
{
    size_t    n;
    int64_t   date;
    jr_str_t  text;

    if (check->ctl->at_time != NULL) {
        text = (jr_str_t) { strlen(check->ctl->at_time), check->ctl->at_time };

        if (jr_http_date_read(text, &check->now) != JR_OK
            && jr_http_date_read_rfc3339(text, &check->now) != JR_OK)
        {
            return ctl_fail(CTL_USAGE, "--at %s: \"2026-11-27T03:30:52Z\" is "
                            "expected", check->ctl->at_time);
        }

        return CTL_OK;
    }

    check->now = (int64_t) time(NULL);

    text = jr_raw_request_field(&check->raw, "x-date", &n);

    if (n == 0) {
        text = jr_raw_request_field(&check->raw, "date", &n);
    }

    if (n && jr_http_date_read(text, &date) == JR_OK) {
        json_object_set_new(check->result, "ageSeconds",
                            json_integer(check->now - date));
        check->now = date;
    }

    return CTL_OK;
}


static jr_auth_reason_e
ctl_check_verify(ctl_check_t *check)
{
    size_t              i, n;
    jr_str_t            value;
    jr_auth_failure_t  *failure;

    failure = &check->failure;

    value = jr_raw_request_field(&check->raw, "authorization", &n);

    if (n > 1) {
        memset(failure, 0, sizeof(*failure));
        return jr_auth_reason_fail(failure, JR_AUTH_MALFORMED, "authorization");
    }

    if (jr_signature_read(value, &check->s, failure) != JR_AUTH_OK) {
        return failure->reason;
    }

    for (i = 0; i < check->raw.nfields; i++) {
        jr_signature_field(&check->s, check->raw.fields[i].name,
                           check->raw.fields[i].value);
    }

    if (jr_auth_check(&check->policy, &check->s, &check->rq, check->now,
                      failure) != JR_AUTH_OK
        || jr_auth_verify(&check->policy, &check->s, &check->rq,
                          (int64_t) check->raw.body.len, check->now,
                          &check->who, failure) != JR_AUTH_OK)
    {
        return failure->reason;
    }

    if (!check->rq.body) {
        return JR_AUTH_OK;
    }

    return jr_signature_body(&check->s.body, check->raw.body.data,
                             check->raw.body.len, failure);
}


static int
ctl_check_say(ctl_check_t *check, jr_auth_reason_e rc)
{
    int       done;
    char      reason[JR_AUTH_REASON_MAX], message[JR_AUTH_MESSAGE_MAX];
    json_t   *lines;
    unsigned  i;

    json_object_set_new(check->result, "verified", json_boolean(rc
                                                            == JR_AUTH_OK));

    if (rc == JR_AUTH_OK) {
        json_object_set_new(check->result, "tenancy",
                            ctl_string(check->who.tenancy.data,
                                       check->who.tenancy.len));
        json_object_set_new(check->result, "principal",
                            ctl_string(check->who.principal.data,
                                       check->who.principal.len));

    } else {
        (void) jr_auth_reason_write(&check->failure, reason);
        (void) jr_auth_reason_message(&check->failure, message);
        json_object_set_new(check->result, "reason",
                            ctl_string(reason, strlen(reason)));
        json_object_set_new(check->result, "message", json_string(message));
    }

    if (check->ctl->json) {
        lines = json_array();

        for (i = 0; i < JR_SIGNATURE_NAMES && check->lines[i]; i++) {
            json_array_append_new(lines, ctl_string(check->lines[i],
                                                    strlen(check->lines[i])));
        }

        json_object_set_new(check->result, "lines", lines);
    }

    done = ctl_show_one(check->ctl, json_incref(check->result));

    if (done == CTL_OK && !check->ctl->json && rc != JR_AUTH_OK
        && check->lines[0] != NULL)
    {
        printf("\nWhat is signed, as it has arrived here:\n\n");

        for (i = 0; i < JR_SIGNATURE_NAMES && check->lines[i]; i++) {
            printf("%4u  ", i + 1);
            ctl_put(stdout, check->lines[i]);
            putchar('\n');
        }

        if (check->failure.reason == JR_AUTH_SIGNATURE
            && json_object_get(check->result, "differs") == NULL)
        {
            printf("\nNo line by itself explains it: another key, or more "
                   "than one line.\nCompare with what the client signs: "
                   "--signed FILE.\n");
        }
    }

    return done != CTL_OK ? done : rc == JR_AUTH_OK ? CTL_OK : CTL_NOTHING;
}


static int
ctl_check_run(ctl_check_t *check)
{
    int               rc;
    unsigned          i;
    jr_auth_reason_e  verdict;

    ctl_check_cut(check);

    check->rq.method = check->raw.method;
    check->rq.target = check->raw.target;
    check->rq.body = jr_str_eq(check->raw.method, "POST", 4);

    rc = ctl_check_clock(check);

    if (rc != CTL_OK) {
        return rc;
    }

    verdict = ctl_check_verify(check);

    if (verdict == JR_AUTH_SIGNATURE || verdict == JR_AUTH_DIGEST
        || verdict == JR_AUTH_LENGTH)
    {
        rc = ctl_check_lines(check);

        if (rc == CTL_OK && check->ctl->signed_lines != NULL) {
            rc = ctl_check_compare(check);

        } else if (rc == CTL_OK) {
            ctl_key_explain(check);
        }
    }

    if (rc == CTL_OK) {
        rc = ctl_check_say(check, verdict);
    }

    for (i = 0; i < JR_SIGNATURE_NAMES; i++) {
        free(check->lines[i]);
    }

    return rc;
}


int
ctl_key_check(ctl_t *ctl, int argc, char **argv)
{
    int               rc;
    char             *text;
    size_t            len;
    const char       *what;
    ctl_check_t      *check;
    jr_auth_keys_t   *keys;

    if (ctl->request == NULL) {
        return ctl_fail(CTL_USAGE, "--request FILE names the saved request; "
                        "\"-\" is the standard input");
    }

    text = ctl_key_slurp(ctl->request, CTL_REQUEST_MAX, &len);

    if (text == NULL) {
        return CTL_FAILED;
    }

    rc = ctl_key_read(ctl, argc, argv, &keys);
    check = rc == CTL_OK ? calloc(1, sizeof(*check)) : NULL;

    if (check == NULL) {
        free(text);
        return rc != CTL_OK ? rc : ctl_fail(CTL_FAILED, "there is not enough "
                                            "memory");
    }

    check->ctl = ctl;
    check->result = json_object();
    check->policy.min_bits = ctl->min_bits;
    check->policy.skew = 300;

    if (ctl->issuer != NULL) {
        check->issuer.name = (jr_str_t) { strlen(ctl->issuer), ctl->issuer };
        check->issuer.keys = keys;
        check->policy.issuers = &check->issuer;
        check->policy.nissuers = 1;

    } else {
        check->policy.keys = keys;
        check->policy.users = 1;
    }

    if (jr_raw_request_read((jr_str_t) { len, text }, &check->raw, &what)
        == JR_OK)
    {
        rc = ctl_check_run(check);

    } else {
        rc = ctl_fail(CTL_FAILED, "\"%s\": %s", ctl->request, what);
    }

    json_decref(check->result);
    free(check);
    jr_auth_keys_free(keys);
    free(text);

    return rc;
}
