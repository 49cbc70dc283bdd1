/*
 * The state of one check.  Internal to jr_schema_check*.c.
 */

#ifndef JR_SCHEMA_CHECK_H_INCLUDED
#define JR_SCHEMA_CHECK_H_INCLUDED

#include "jr_schema_tree.h"


/* bytes of one entry of a report: pointer, what was expected and found */
#define JR_ENTRY_TEXT  800


typedef struct {
    const jr_schema_t  *schema;
    jr_work_t          *scratch;
    unsigned            flags;

    size_t              used;           /* of scratch->sets */
    size_t              depth;
    size_t              work;           /* done in trials */
    unsigned            trials;         /* anyOf, oneOf or not around us: only
                                           whether, not why */
    unsigned            failed:1;       /* in this trial, or at all */
    unsigned            exhausted:1;    /* a limit was hit, and said so */

    jr_report_t        *report;
    jr_text_t           text;           /* of the report */
    jr_text_t           entry;
    char                buf[JR_ENTRY_TEXT];
} jr_check_t;


/* not in a trial: the walk outside of trials comes by every value */
#define jr_check_nuls(c)                                                     \
    (((c)->flags & JR_SCHEMA_REJECT_NUL) && (c)->trials == 0)


/* jr_schema_check.c: the value against all nodes of the set at once */
void jr_check_value(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place);

/* Strings that no schema accepts: true where one was reported. */
int jr_check_string(jr_check_t *c, jr_set_t set, const jr_value_t *value,
    const jr_place_t *place);

/* Adds a node's flattened set to the one that begins at from; false: no
   room, which was said. */
int jr_check_gather(jr_check_t *c, size_t from, const jr_node_t *node,
    const jr_place_t *place);

/* a trial needs no second reason to fail */
#define jr_check_decided(c)  ((c)->trials > 0 && (c)->failed)


/* jr_schema_check_object.c */

void jr_check_object(jr_check_t *c, jr_set_t set, const jr_value_t *object,
    const jr_place_t *place);

/* what no schema accepts, in a value that no schema looks at */
void jr_check_rest(jr_check_t *c, const jr_value_t *value,
    const jr_place_t *place);
void jr_check_nul_in_name(jr_check_t *c, const char *key, size_t len,
    const jr_place_t *place);


/* jr_schema_check_scalar.c: the keywords that look at one value alone */
void jr_check_scalar(jr_check_t *c, const jr_node_t *node,
    const jr_value_t *value, const jr_place_t *place);


/*
 * jr_schema_report.c
 *
 * A violation is text added to what jr_violation_begin() returns, then
 * jr_violation_end().  NULL: nobody wants the text, which also spares the
 * work of writing it.
 */

jr_text_t *jr_violation_begin(jr_check_t *c, const jr_place_t *place);
void jr_violation_end(jr_check_t *c);
void jr_violation(jr_check_t *c, const jr_place_t *place, const char *text);

/* one that is said even in a trial */
void jr_violation_forced(jr_check_t *c, const jr_place_t *place,
    const char *text);

void jr_report_begin(jr_check_t *c, jr_report_t *report);
void jr_report_end(jr_check_t *c);

/* ", found " and the value, or its type where it is not a scalar */
void jr_text_value(jr_text_t *t, const jr_value_t *value);
/* "an object or a string" */
void jr_text_types(jr_text_t *t, unsigned types);
/* "a", "b" or "c"; cut where it is long */
void jr_text_choices(jr_text_t *t, const jr_value_t *choices);


#endif /* JR_SCHEMA_CHECK_H_INCLUDED */
