/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The canonical form of a JSON value as a whole.
 */

#include <stdlib.h>
#include <string.h>

#include "lib_canonical.h"


typedef struct {
    char    *text;
    size_t   len;
} canonical_t;


static jr_status_e canonical_put(void *data, const char *text, size_t len);


jr_status_e
canonical_text(const jr_value_t *value, char **text, size_t *len)
{
    jr_status_e  rc;
    canonical_t  all;

    all.text = NULL;
    all.len = 0;

    rc = jr_canonical_write(value, canonical_put, &all);

    if (rc != JR_OK) {
        free(all.text);
        return rc;
    }

    *text = all.text;
    *len = all.len;

    return JR_OK;
}


static jr_status_e
canonical_put(void *data, const char *text, size_t len)
{
    char         *more;
    canonical_t  *all = data;

    more = realloc(all->text, all->len + len);
    if (more == NULL) {
        return JR_NO_MEMORY;
    }

    memcpy(more + all->len, text, len);

    all->text = more;
    all->len += len;

    return JR_OK;
}
