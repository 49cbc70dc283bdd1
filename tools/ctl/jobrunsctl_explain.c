/* SPDX-License-Identifier: BSD-2-Clause
 *
 * explain: what happened to a request, in words, from audit files.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"

#include "jr_chain.h"


#define CTL_LINE_MAX  (64 * 1024)


/* What files say of a request, and of refusals that have no record. */
typedef struct {
    const char  *id;
    json_t      *steps;
    int          open;          /* attempts that began and did not end */
    json_int_t   folded;        /* refusals */
    char         from[32];      /* the first and the last of them */
    char         to[32];
} ctl_explain_t;


static const struct {
    const char  *outcome;
    const char  *words;
} ctl_outcomes[] = {
    { "invalid", "was refused: the path, a header or the body is not right" },
    { "unauthenticated", "was refused: nobody was identified" },
    { "denied", "was refused by NGINX (authentication, limit_req ...)" },
    { "replayed", "got the kept answer of an earlier attempt; the service "
                  "was not asked" },
    { "in_progress", "came while another attempt with its token was running" },
    { "token_mismatch", "brought a token that belongs to another request" },
    { "token_unknown", "was refused: nobody knows how the first attempt with "
                       "its token ended" },
    { "limited", "was refused by a limit" },
    { "unavailable", "was refused: the gateway could not make sure of it" },
    { "created", "made a job run" },
    { "rejected_upstream", "was refused by the service; nothing was made" },
    { "unsent", "could not be sent; the service got no byte" },
    { "unknown", "was sent, and no usable answer came: the service may have "
                 "made a run" },
    { NULL, NULL }
};


static const char *
ctl_member(json_t *object, const char *name)
{
    const char  *text;

    text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}


static void
ctl_step(json_t *steps, json_t *record, const char *fmt, const char *one,
    const char *two)
{
    char  text[1024];

    snprintf(text, sizeof(text), fmt, one, two);

    json_array_append_new(steps, json_pack("{s:s,s:o}", "time",
                                           ctl_member(record, "eventTime"),
                                           "what", ctl_string(text,
                                                              strlen(text))));
}


/* of a token; absent has the words that say what nobody having it means */

static const char *
ctl_explain_state(json_t *details, const char *name, const char *absent)
{
    const char  *state;

    state = ctl_member(details, name);

    return strcmp(state, "absent") == 0 ? absent : state;
}


static void
ctl_explain_limits(json_t *steps, json_t *record, json_t *details)
{
    size_t       i;
    json_t      *limit;
    const char  *verdict;

    json_array_foreach(json_object_get(details, "limits"), i, limit) {
        verdict = ctl_member(limit, "verdict");

        if (strcmp(verdict, "refused") == 0) {
            ctl_step(steps, record, "limit %s refused it%s",
                     ctl_member(limit, "name"), "");

        } else if (strcmp(verdict, "would_refuse") == 0) {
            ctl_step(steps, record, "limit %s would have refused it, but is "
                     "dry_run%s", ctl_member(limit, "name"), "");
        }
    }
}


/* what could not be used, and with what error */

static void
ctl_explain_errors(json_t *steps, json_t *record, json_t *details)
{
    if (ctl_member(details, "redisError")[0]) {
        ctl_step(steps, record, "Redis could not be used: %s%s",
                 ctl_member(details, "redisError"), "");
    }

    if (ctl_member(details, "auditError")[0]) {
        ctl_step(steps, record, "the audit file could not be used: %s%s",
                 ctl_member(details, "auditError"), "");
    }
}


static void
ctl_explain_end(json_t *steps, json_t *record, json_t *data, json_t *details)
{
    size_t       i;
    const char  *outcome;
    json_t      *response;

    outcome = ctl_member(details, "outcome");
    response = json_object_get(data, "response");

    for (i = 0; ctl_outcomes[i].outcome != NULL; i++) {
        if (strcmp(ctl_outcomes[i].outcome, outcome) == 0) {
            break;
        }
    }

    ctl_step(steps, record, "it %s%s",
             ctl_outcomes[i].words != NULL ? ctl_outcomes[i].words
                                           : "ended as ",
             ctl_outcomes[i].words != NULL ? "" : outcome);

    if (ctl_member(response, "message")[0]) {
        ctl_step(steps, record, "told the client: %s: %s",
                 ctl_member(response, "code"),
                 ctl_member(response, "message"));
    }

    if (ctl_member(data, "resourceId")[0]) {
        ctl_step(steps, record, "job run %s%s",
                 ctl_member(data, "resourceId"),
                 json_is_false(json_object_get(details, "kept"))
                 ? ", whose answer is not kept in Redis" : "");
    }

    if (ctl_member(details, "originalRequestId")[0]) {
        ctl_step(steps, record, "the first request with this token was %s%s",
                 ctl_member(details, "originalRequestId"), "");
    }

    if (ctl_member(details, "tokenAfter")[0]) {
        ctl_step(steps, record, "the token is %s%s now",
                 ctl_explain_state(details, "tokenAfter", "free"), "");
    }

    if (json_is_true(json_object_get(details, "leaseLost"))) {
        ctl_step(steps, record, "it lost its lease to another attempt while "
                 "it ran%s%s", "", "");
    }

    ctl_step(steps, record, "the answer was %s%s",
             ctl_member(response, "status"), "");
}


/* adds the steps of one record; how many attempts begin or end by it */

static int
ctl_explain_record(json_t *steps, json_t *record)
{
    size_t       len;
    json_t      *data, *details, *identity;
    const char  *type;

    data = json_object_get(record, "data");
    details = json_object_get(data, "additionalDetails");
    identity = json_object_get(data, "identity");
    type = ctl_member(record, "eventType");
    len = strlen(type);

    if (len < 4 || strcmp(type + len - 4, ".end") != 0) {
        ctl_step(steps, record, "came from tenant %s at %s",
                 ctl_member(identity, "tenantId"),
                 ctl_member(identity, "ipAddress"));

        if (ctl_member(details, "tokenBefore")[0]) {
            ctl_step(steps, record, "its token was %s%s",
                     ctl_explain_state(details, "tokenBefore", "new"), "");
        }

        ctl_explain_limits(steps, record, details);

        if (json_is_true(json_object_get(details, "unprotected"))) {
            ctl_step(steps, record, "it was not protected by Redis: a retry "
                     "may make a second run%s%s", "", "");
        }
    }

    ctl_explain_errors(steps, record, details);

    if (len >= 6 && strcmp(type + len - 6, ".begin") == 0) {
        ctl_step(steps, record, "forwarded to the service as attempt %s%s",
                 ctl_member(details, "attemptId"), "");
        return 1;
    }

    ctl_explain_end(steps, record, data, details);

    return len >= 4 && strcmp(type + len - 4, ".end") == 0 ? -1 : 0;
}


/* refusals that were folded may have been of this request */

static void
ctl_explain_folded(ctl_explain_t *explain, json_t *record)
{
    json_t      *details;
    const char  *from, *to;

    if (strcmp(ctl_member(record, "eventType"), JR_CHAIN_TYPE_REFUSALS) != 0)
    {
        return;
    }

    details = json_object_get(json_object_get(record, "data"),
                              "additionalDetails");
    from = ctl_member(details, "from");
    to = ctl_member(details, "to");

    explain->folded += json_integer_value(json_object_get(details,
                                                          "refusals"));

    /* written alike, so they compare as text */

    if (explain->from[0] == '\0' || strcmp(from, explain->from) < 0) {
        snprintf(explain->from, sizeof(explain->from), "%s", from);
    }

    if (strcmp(to, explain->to) > 0) {
        snprintf(explain->to, sizeof(explain->to), "%s", to);
    }
}


static void
ctl_explain_line(ctl_explain_t *explain, const char *line)
{
    json_t  *record, *request;

    static const char  folded[] = JR_CHAIN_REFUSALS;

    if (strncmp(line, folded, sizeof(folded) - 1) != 0
        && strstr(line, explain->id) == NULL)
    {
        return;
    }

    record = json_loads(line, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    request = json_object_get(json_object_get(record, "data"), "request");

    if (strcmp(ctl_member(request, "id"), explain->id) == 0) {
        explain->open += ctl_explain_record(explain->steps, record);

    } else {
        ctl_explain_folded(explain, record);
    }

    json_decref(record);
}


/* CTL_FAILED: the file cannot be read */

static int
ctl_explain_file(ctl_explain_t *explain, const char *path)
{
    int    rc;
    FILE  *in;

    static char  line[CTL_LINE_MAX];

    in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");

    if (in == NULL) {
        return ctl_fail(CTL_FAILED, "\"%s\" cannot be read: %s", path,
                        strerror(errno));
    }

    while (fgets(line, sizeof(line), in) != NULL) {
        ctl_explain_line(explain, line);
    }

    /* of what was not read nobody can say that there is no record */

    rc = ferror(in) ? ctl_fail(CTL_FAILED, "\"%s\" cannot be read: %s", path,
                               strerror(errno))
                    : CTL_OK;

    if (in != stdin) {
        fclose(in);
    }

    return rc;
}


static int
ctl_explain_nothing(const ctl_explain_t *explain)
{
    if (explain->folded == 0) {
        return ctl_fail(CTL_NOTHING, "no record of request \"%s\"",
                        explain->id);
    }

    return ctl_fail(CTL_NOTHING, "no record of request \"%s\"; it may be one "
                    "of %lld refusals that were folded between %s and %s "
                    "(jobruns_audit_refusals): \"jobruns-audit show --chains "
                    "--json\" has them by second, outcome and client address",
                    explain->id, (long long) explain->folded, explain->from,
                    explain->to);
}


int
ctl_explain(ctl_t *ctl, int argc, char **argv)
{
    int            i, rc;
    ctl_explain_t  explain;

    static const ctl_column_t  columns[] = {
        { "time", "TIME" }, { "what", "WHAT HAPPENED" }, { NULL, NULL }
    };

    if (argc < 2) {
        return ctl_fail(CTL_USAGE, "explain which request, by which audit "
                        "files? explain REQUEST-ID FILE...");
    }

    memset(&explain, 0, sizeof(ctl_explain_t));

    explain.id = argv[0];
    explain.steps = json_array();

    for (i = 1; i < argc; i++) {
        rc = ctl_explain_file(&explain, argv[i]);

        if (rc != CTL_OK) {
            json_decref(explain.steps);
            return rc;
        }
    }

    if (json_array_size(explain.steps) == 0) {
        json_decref(explain.steps);
        return ctl_explain_nothing(&explain);
    }

    if (explain.open > 0) {
        json_array_append_new(explain.steps, json_pack("{s:s,s:s}", "time",
            "-", "what", "no end is recorded: it still runs, or its worker "
            "died and the service may have made a run"));
    }

    return ctl_show(ctl, explain.steps, columns);
}
