/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A schema as its users have it: made of its text in two steps, the nodes and
 * then the links between them, and freed with all that it holds.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jr_check.h"
#include "jr_compile.h"
#include "jr_json.h"
#include "jr_link.h"
#include "jr_report.h"


static jr_schema_t *jr_schema_create(void);
static jr_status_e jr_schema_parse(jr_compiler_t *c, const char *text,
    size_t len);


jr_status_e
jr_schema_compile(const char *text, size_t len, char *err, size_t errlen,
    jr_schema_t **schema)
{
    jr_status_e    rc;
    jr_compiler_t  c;

    jr_text_init(&c.err, err, errlen);

    c.errors = 0;
    c.schema = jr_schema_create();

    rc = c.schema == NULL ? JR_NO_MEMORY : jr_schema_parse(&c, text, len);

    if (rc == JR_OK && c.errors > 0) {
        rc = JR_INVALID;
    }

    if (rc == JR_OK) {
        rc = jr_link(&c);
    }

    if (rc == JR_NO_MEMORY) {
        jr_text_init(&c.err, err, errlen);
        jr_text_str(&c.err, "out of memory");
    }

    if (rc != JR_OK) {
        jr_schema_free(c.schema);
        return rc;
    }

    *schema = c.schema;

    return JR_OK;
}


static jr_schema_t *
jr_schema_create(void)
{
    jr_schema_t  *schema;

    schema = calloc(1, sizeof(jr_schema_t));
    if (schema == NULL) {
        return NULL;
    }

    schema->nodes = calloc(JR_SCHEMA_NODES, sizeof(jr_node_t *));
    schema->text_arena = jr_arena_create();
    schema->work = jr_schema_work_create();

    if (schema->nodes == NULL || schema->text_arena == NULL
        || schema->work == NULL)
    {
        jr_schema_free(schema);
        return NULL;
    }

    return schema;
}


static jr_status_e
jr_schema_parse(jr_compiler_t *c, const char *text, size_t len)
{
    jr_status_e      rc;
    jr_place_t       top;
    jr_json_error_t  err;

    rc = jr_json_parse(c->schema->text_arena, text, len, &err,
                       &c->schema->text);

    if (rc == JR_INVALID) {
        jr_text_str(&c->err, "line ");
        jr_text_size(&c->err, err.line);
        jr_text_str(&c->err, ", column ");
        jr_text_size(&c->err, err.column);
        jr_text_str(&c->err, ": ");
        jr_text_str(&c->err, err.text);
    }

    if (rc != JR_OK) {
        return rc;
    }

    memset(&top, 0, sizeof(jr_place_t));

    return jr_compile(c, c->schema->text, &top, &c->schema->root);
}


void
jr_schema_free(jr_schema_t *schema)
{
    size_t  i;

    if (schema == NULL) {
        return;
    }

    for (i = 0; i < schema->nnodes; i++) {
        jr_node_free(schema->nodes[i]);
    }

    jr_schema_work_free(schema->work);
    jr_arena_free(schema->text_arena);
    free(schema->nodes);
    free(schema);
}


jr_work_t *
jr_schema_work_create(void)
{
    jr_work_t  *work;

    work = calloc(1, sizeof(jr_work_t));
    if (work == NULL) {
        return NULL;
    }

    work->sets = calloc(JR_SCHEMA_SETS, sizeof(jr_node_t *));
    work->arena = jr_arena_create();

    if (work->sets == NULL || work->arena == NULL
        || jr_pattern_matcher_create(&work->matcher) != JR_OK)
    {
        jr_schema_work_free(work);
        return NULL;
    }

    return work;
}


void
jr_schema_work_free(jr_work_t *work)
{
    if (work == NULL) {
        return;
    }

    jr_pattern_matcher_free(work->matcher);
    jr_arena_free(work->arena);
    free(work->sets);
    free(work);
}


jr_status_e
jr_schema_check(const jr_schema_t *schema, jr_work_t *work,
    const jr_value_t *value, unsigned flags, jr_report_t *report)
{
    jr_check_t  c;
    jr_place_t  top;

    if (work == NULL) {
        work = schema->work;
    }

    c.scratch = work;
    c.flags = flags;
    c.used = 0;
    c.depth = 0;
    c.work = 0;
    c.trials = 0;
    c.failed = 0;
    c.exhausted = 0;

    jr_pattern_matcher_reset(work->matcher);
    jr_report_begin(&c, report);

    memset(&top, 0, sizeof(jr_place_t));

    jr_check(&c, schema->root->flat, value, &top);

    jr_report_end(&c);

    return c.failed ? JR_INVALID : JR_OK;
}
