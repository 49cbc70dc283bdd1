/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A schema of an operator: it compiles, or it is told why not; what compiles
 * can check whatever comes.  The input is the schema, a zero byte, a value.
 */

#include "fuzz.h"
#include "jr_json.h"
#include "jr_schema.h"


static void check_twice(const jr_schema_t *schema, const jr_value_t *value,
    unsigned flags);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               err[512];
    size_t             len;
    unsigned           flags;
    const char        *text, *rest;
    jr_arena_t        *arena;
    jr_status_e        rc;
    jr_schema_t       *schema;
    jr_json_error_t    json;
    const jr_value_t  *value;

    text = (const char *) data;
    rest = size ? memchr(text, '\0', size) : NULL;
    len = rest ? (size_t) (rest - text) : size;
    schema = NULL;
    err[0] = '\0';

    rc = jr_schema_compile(text, len, err, sizeof(err), &schema);
    if (rc != JR_OK) {
        fuzz_holds(rc == JR_INVALID && schema == NULL && err[0] != '\0');
        fuzz_holds(memchr(err, '\0', sizeof(err)) != NULL);
        fuzz_holds(fuzz_is_plain(err, strlen(err)));
        return 0;
    }

    arena = jr_arena_create();
    fuzz_holds(arena != NULL);

    if (rest && jr_json_parse(arena, rest + 1, size - len - 1, &json, &value)
                == JR_OK)
    {

        for (flags = 0; flags < 8; flags++) {
            check_twice(schema, value, flags);
        }
    }

    jr_arena_free(arena);

    jr_schema_free(schema);

    return 0;
}


/* a check leaves nothing behind that would change the next one */

static void
check_twice(const jr_schema_t *schema, const jr_value_t *value, unsigned flags)
{
    jr_status_e  rc;

    static jr_report_t  first, second;

    rc = jr_schema_check(schema, NULL, value, flags, &first);
    fuzz_holds((rc == JR_OK) == (first.count == 0));
    fuzz_holds(fuzz_is_plain(first.text, first.len));

    fuzz_holds(jr_schema_check(schema, NULL, value, flags, &second) == rc);
    fuzz_holds(first.count == second.count);
    fuzz_holds(strcmp(first.text, second.text) == 0);
}
