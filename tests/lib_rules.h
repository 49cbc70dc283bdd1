/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One line of a corpus or of the vectors against one rule.
 */

#ifndef LIB_RULES_H_INCLUDED
#define LIB_RULES_H_INCLUDED

#include "jr_schema.h"
#include "lib_corpus.h"


/* a schema of ngx_module/schema or tests/schema; fails the test where it does
   not compile */
jr_schema_t *load_schema(const char *name);

/*
 * {"name", "verdict" or "recommended": accept or reject, "b64" or "body"}:
 * what jr_json_parse() says.  A recommendation that leaves the choice
 * agrees with either.
 */
void rule_json(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data);

/*
 * {"id", "schema", "data", "valid"}: JSON Schema without the gateway's own
 * rules.  A line whose schema has a keyword or format that is not
 * implemented is outside, as is one with an integer beyond int64.
 */
void rule_schema(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data);

/*
 * {"expr", "class", "verdict", "documented"}: core expressions by their
 * verdict, quirks as documented, dangerous ones refused.
 */
void rule_cron(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data);

/* {"id", "recommended"} */
void rule_timezone(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data);

/*
 * {"id", "body", "verdict", "stage", "violations", ...}: the gateway's
 * answer to a body, with its code and the places of all violations in
 * order.  data is the schema of CreateJobRunDetails.
 */
void rule_body(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data);

/*
 * {"headers": [[name, latin-1 value]], "status"}: the values of the headers
 * that have rules.  A line without any of them is outside.
 */
void rule_header(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data);

/* {"s", "retry_token_ok", "request_id_ok"}: a string as a header value */
void rule_string(corpus_t *corpus, const json_t *line, const char *text,
    size_t len, void *data);


#endif /* LIB_RULES_H_INCLUDED */
