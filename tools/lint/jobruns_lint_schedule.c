/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns-lint: what Quartz makes of an expression, and when it fires next.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "jobruns_lint_schedule.h"


/* bytes of a warning, the longest expression included */
#define LINT_WARNING  1024


static json_t *
lint_fires_json(char fires[LINT_FIRES][32], size_t n)
{
    size_t   i;
    json_t  *list;

    list = json_array();

    for (i = 0; i < n; i++) {
        json_array_append_new(list, json_string(fires[i]));
    }

    return list;
}


/* what Quartz takes and does not heed, which is seldom what was meant */

static void
lint_warning(const char *expr, const jr_cron_dropped_t *d, char *text,
    size_t size)
{
    snprintf(text, size, "Quartz ignores \"%.*s\" behind a name: \"%.*s\" "
             "means \"%.*s\"; use numbers or three letters",
             (int) (d->end - d->offset), expr + d->offset,
             (int) (d->end - d->item), expr + d->item,
             (int) (d->offset - d->item), expr + d->item);
}


int
lint_schedule_json(json_t *result, const char *expr, const jr_cron_t *cron,
    const char *zone, const lint_fires_t *fires)
{
    int     rc;
    char    text[LINT_WARNING];
    size_t  i;
    json_t  *list;

    list = json_array();

    for (i = 0; i < cron->ndropped; i++) {
        lint_warning(expr, &cron->dropped[i], text, sizeof(text));
        json_array_append_new(list, json_string(text));
    }

    rc = json_object_set_new(result, "fires",
                             lint_fires_json((char (*)[32]) fires->utc,
                                             fires->n));

    if (zone != NULL) {
        rc |= json_object_set_new(result, "timezoneId", json_string(zone));
        rc |= json_object_set_new(result, "localFires",
                                  lint_fires_json((char (*)[32])
                                                  fires->local, fires->n));
    }

    return rc | json_object_set_new(result, "warnings", list);
}


void
lint_schedule_print(const char *expr, const jr_cron_t *cron,
    const char *zone, const lint_fires_t *fires)
{
    char    text[LINT_WARNING];
    size_t  i;

    for (i = 0; i < cron->ndropped; i++) {
        lint_warning(expr, &cron->dropped[i], text, sizeof(text));
        printf("warning: %s\n", text);
    }

    if (fires->n == 0) {
        printf("never fires again before the end of 2199\n");
        return;
    }

    if (zone == NULL) {
        printf("next fire times (UTC, the rules of timezoneId are not "
               "known here):\n");
    } else if (strcmp(zone, "UTC") == 0) {
        printf("next fire times (UTC):\n");
    } else {
        printf("next fire times (UTC, and %s):\n", zone);
    }

    for (i = 0; i < fires->n; i++) {
        if (zone == NULL || strcmp(zone, "UTC") == 0) {
            printf("  %s\n", fires->utc[i]);
        } else {
            printf("  %s  %s\n", fires->utc[i], fires->local[i]);
        }
    }
}


int
lint_schedule_cron(const lint_options_t *options)
{
    json_t          *result;
    jr_cron_t        cron;
    lint_fires_t     fires;
    jr_cron_error_t  err;

    if (jr_cron_parse(options->cron, strlen(options->cron), &cron, &err)
        != JR_OK)
    {
        if (options->json) {
            return lint_print_json(json_pack("{sb, si, ss}", "valid", 0,
                                             "offset", (int) err.offset,
                                             "message", err.text),
                                   LINT_INVALID);
        }

        printf("character %zu: %s\n", err.offset + 1, err.text);
        return LINT_INVALID;
    }

    (void) lint_zone_set("UTC", 3);
    lint_fires(&cron, time(NULL), &fires);

    if (!options->json) {
        lint_schedule_print(options->cron, &cron, "UTC", &fires);
        return LINT_VALID;
    }

    result = json_pack("{sb}", "valid", 1);

    if (lint_schedule_json(result, options->cron, &cron, NULL, &fires) != 0) {
        json_decref(result);
        result = NULL;
    }

    return lint_print_json(result, LINT_VALID);
}
