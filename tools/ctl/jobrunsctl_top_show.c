/* SPDX-License-Identifier: BSD-2-Clause
 *
 * top: a table with a row for each gateway, and below it all troubles, the
 * worst first.
 *
 * In a terminal that is too narrow, columns are left out, the ones with the
 * highest rank first, and sentences are continued on the next line.
 */

#include <stdlib.h>
#include <string.h>

#include "jobrunsctl_top.h"


#define CTL_TOP_CELL     160
#define CTL_TOP_COLUMNS  14
#define CTL_TOP_INDENT   8      /* the longest level and two blanks */
#define CTL_TOP_LEAST    30     /* of what is left for a sentence */


typedef struct {
    const char  *title;
    unsigned     rank;          /* 0: never left out */
    unsigned     right:1;
} ctl_top_column_t;


static const ctl_top_column_t  ctl_top_columns[CTL_TOP_COLUMNS] = {
    { "HOST", 0, 0 },
    { "STATE", 0, 0 },
    { "REDIS", 2, 0 },
    { "RESPONDED", 3, 0 },
    { "CREATED/S", 1, 1 },
    { "429/S", 4, 1 },
    { "REPLAYED/S", 7, 1 },
    { "ERRORS/S", 2, 1 },
    { "ADMISSION", 8, 1 },
    { "SERVICE", 5, 1 },
    { "WAITING", 9, 1 },
    { "DELAYED", 9, 1 },
    { "CLAIMS", 6, 1 },
    { "GATEWAY", 10, 0 }
};

static const char *const  ctl_top_words[] = {
    "good", "warn", "bad", "silent"
};


ctl_top_level_e
ctl_top_show_level(const ctl_top_gateway_t *g)
{
    return g->failed[0] ? ctl_top_silent : g->figures.level;
}


static const char *
ctl_top_show_word(const ctl_top_gateway_t *g)
{
    return g->asked ? ctl_top_words[ctl_top_show_level(g)] : "...";
}


static const char *
ctl_top_show_host(const ctl_top_gateway_t *g)
{
    return g->known && g->figures.host[0] ? g->figures.host : g->name;
}


static void
ctl_top_show_number(char *cell, const char *format, double value)
{
    if (value < 0) {
        snprintf(cell, CTL_TOP_CELL, "-");
        return;
    }

    snprintf(cell, CTL_TOP_CELL, strcmp(format, "rate") == 0 ? "%.1f"
                                                             : "%.0f", value);
}


/* what stands in each column; figures of a gateway that is silent are old */

static void
ctl_top_show_cells(const ctl_top_gateway_t *g,
    char cells[CTL_TOP_COLUMNS][CTL_TOP_CELL])
{
    size_t                    i;
    const ctl_top_figures_t  *f;

    for (i = 0; i < CTL_TOP_COLUMNS; i++) {
        strcpy(cells[i], "-");
    }

    snprintf(cells[0], CTL_TOP_CELL, "%s", ctl_top_show_host(g));
    snprintf(cells[1], CTL_TOP_CELL, "%s", ctl_top_show_word(g));
    snprintf(cells[CTL_TOP_COLUMNS - 1], CTL_TOP_CELL, "%.150s", g->name);

    if (!g->known || g->failed[0]) {
        return;
    }

    f = &g->figures;

    snprintf(cells[2], CTL_TOP_CELL, "%s", f->redis);
    snprintf(cells[3], CTL_TOP_CELL, "%s", f->service);

    ctl_top_show_number(cells[4], "rate", f->created);
    ctl_top_show_number(cells[5], "rate", f->limited);
    ctl_top_show_number(cells[6], "rate", f->replayed);
    ctl_top_show_number(cells[7], "rate", f->errors);

    snprintf(cells[8], CTL_TOP_CELL, "%s", f->admission);
    snprintf(cells[9], CTL_TOP_CELL, "%s", f->responses);

    ctl_top_show_number(cells[10], "count", f->waiting);
    ctl_top_show_number(cells[11], "count", f->delayed);
    ctl_top_show_number(cells[12], "count", f->claims);
}


/* widths of the columns; 0: left out */

static void
ctl_top_show_widths(ctl_top_t *top, int most, size_t widths[])
{
    char    cells[CTL_TOP_COLUMNS][CTL_TOP_CELL];
    size_t  i, k, len, sum, last;

    for (k = 0; k < CTL_TOP_COLUMNS; k++) {
        widths[k] = strlen(ctl_top_columns[k].title);
    }

    for (i = 0; i < top->n; i++) {
        ctl_top_show_cells(&top->gateways[i], cells);

        for (k = 0; k < CTL_TOP_COLUMNS; k++) {
            len = strlen(cells[k]);
            widths[k] = len > widths[k] ? len : widths[k];
        }
    }

    while (most > 0) {
        sum = 0;
        last = 0;

        for (k = 0; k < CTL_TOP_COLUMNS; k++) {
            sum += widths[k] ? widths[k] + 2 : 0;

            if (widths[k]
                && ctl_top_columns[k].rank >= ctl_top_columns[last].rank)
            {
                last = k;
            }
        }

        if (sum <= (size_t) most + 2 || ctl_top_columns[last].rank == 0) {
            return;
        }

        widths[last] = 0;
    }
}


static void
ctl_top_show_colored(FILE *out, int color, ctl_top_level_e level,
    const char *text, int width)
{
    const char  *begin;

    begin = !color ? "" : level >= ctl_top_bad ? "\033[1;31m"
            : level == ctl_top_warn ? "\033[1;33m" : "\033[32m";

    fprintf(out, "%s%s%s%*s", begin, text, begin[0] ? "\033[0m" : "",
            width > (int) strlen(text) ? width - (int) strlen(text) : 0, "");
}


static void
ctl_top_show_row(FILE *out, const ctl_top_gateway_t *g, const size_t widths[],
    int color)
{
    char    cells[CTL_TOP_COLUMNS][CTL_TOP_CELL];
    size_t  k, blanks;

    ctl_top_show_cells(g, cells);
    blanks = 0;

    for (k = 0; k < CTL_TOP_COLUMNS; k++) {

        if (widths[k] == 0) {
            continue;
        }

        fprintf(out, "%*s", (int) blanks, "");
        blanks = 2;

        if (k == 1) {
            ctl_top_show_colored(out, color && g->asked,
                                 ctl_top_show_level(g), cells[k],
                                 (int) widths[k]);

        } else if (ctl_top_columns[k].right) {
            fprintf(out, "%*s", (int) widths[k], cells[k]);

        } else if (k + 1 == CTL_TOP_COLUMNS) {
            fputs(cells[k], out);

        } else {
            fprintf(out, "%-*s", (int) widths[k], cells[k]);
        }
    }

    fputc('\n', out);
}


static void
ctl_top_show_table(FILE *out, ctl_top_t *top, int width, int color)
{
    size_t  i, k, blanks, widths[CTL_TOP_COLUMNS];

    ctl_top_show_widths(top, width, widths);
    blanks = 0;

    for (k = 0; k < CTL_TOP_COLUMNS; k++) {
        if (widths[k]) {
            fprintf(out, ctl_top_columns[k].right ? "%*s%*s" : "%*s%-*s",
                    (int) blanks, "", k + 1 < CTL_TOP_COLUMNS
                    ? (int) widths[k] : 0, ctl_top_columns[k].title);
            blanks = 2;
        }
    }

    fputc('\n', out);

    for (i = 0; i < top->n; i++) {
        ctl_top_show_row(out, &top->gateways[i], widths, color);
    }
}


/* a sentence, broken between words where a line has an end */

static void
ctl_top_show_sentence(FILE *out, const char *text, int width)
{
    int     room, n;

    room = width - CTL_TOP_INDENT;

    while (width > 0 && room >= CTL_TOP_LEAST && (int) strlen(text) > room) {

        for (n = room; n > 0 && text[n] != ' '; n--) {
            /* void */
        }

        n = n > 0 ? n : room;

        fprintf(out, "%*s%.*s\n", CTL_TOP_INDENT, "", n, text);
        text += n + (text[n] == ' ');
    }

    if (text[0]) {
        fprintf(out, "%*s%s\n", CTL_TOP_INDENT, "", text);
    }
}


static void
ctl_top_show_trouble(FILE *out, const ctl_top_gateway_t *g,
    const ctl_top_trouble_t *trouble, int width, int color)
{
    fputc('\n', out);
    ctl_top_show_colored(out, color, trouble->level,
                         ctl_top_words[trouble->level], CTL_TOP_INDENT);
    fputs(ctl_top_show_host(g), out);

    if (trouble->age > 0) {
        fprintf(out, ", for %s", ctl_duration(trouble->age * 1000));
    }

    fputc('\n', out);

    ctl_top_show_sentence(out, trouble->text, width);
    ctl_top_show_sentence(out, trouble->affects, width);
    ctl_top_show_sentence(out, trouble->remedy, width);
    ctl_top_show_sentence(out, trouble->runbook, width);
}


/* those of one level, in the order of the gateways */

static void
ctl_top_show_level_of(FILE *out, ctl_top_t *top, ctl_top_level_e level,
    long long now, int width, int color)
{
    size_t              i, k;
    ctl_top_gateway_t  *g;
    ctl_top_trouble_t   silent;

    for (i = 0; i < top->n; i++) {
        g = &top->gateways[i];

        if (g->failed[0]) {

            if (level == ctl_top_silent) {
                memset(&silent, 0, sizeof(silent));

                silent.level = ctl_top_silent;
                silent.age = (now - g->since) / 1000;
                snprintf(silent.text, sizeof(silent.text), "%.250s",
                         g->failed);
                ctl_top_show_trouble(out, g, &silent, width, color);
            }

            continue;
        }

        for (k = 0; k < g->figures.ntroubles; k++) {
            if (g->figures.troubles[k].level == level) {
                ctl_top_show_trouble(out, g, &g->figures.troubles[k], width,
                                     color);
            }
        }
    }
}


void
ctl_top_show(FILE *out, ctl_top_t *top, long long now, int width, int color)
{
    int  level;

    ctl_top_show_table(out, top, width, color);

    for (level = ctl_top_silent; level > ctl_top_good; level--) {
        ctl_top_show_level_of(out, top, (ctl_top_level_e) level, now, width,
                              color);
    }
}


static json_t *
ctl_top_show_value(double value)
{
    return value < 0 ? json_null() : json_real(value);
}


static json_t *
ctl_top_show_figures(const ctl_top_figures_t *f)
{
    size_t                    i;
    json_t                   *object, *troubles;
    const ctl_top_trouble_t  *one;

    troubles = json_array();

    for (i = 0; i < f->ntroubles; i++) {
        one = &f->troubles[i];

        json_array_append_new(troubles, json_pack("{s:s,s:o,s:s,s:s,s:s,s:s}",
            "level", ctl_top_words[one->level],
            "seconds", one->age < 0 ? json_null() : json_integer(one->age),
            "text", one->text, "affects", one->affects,
            "remedy", one->remedy, "runbook", one->runbook));
    }

    object = json_pack("{s:s,s:s,s:s,s:s,s:s}", "host", f->host,
                       "redis", f->redis, "responded", f->service,
                       "admission", f->admission, "service", f->responses);

    json_object_set_new(object, "created", ctl_top_show_value(f->created));
    json_object_set_new(object, "limited", ctl_top_show_value(f->limited));
    json_object_set_new(object, "replayed", ctl_top_show_value(f->replayed));
    json_object_set_new(object, "errors", ctl_top_show_value(f->errors));
    json_object_set_new(object, "waiting", ctl_top_show_value(f->waiting));
    json_object_set_new(object, "delayed", ctl_top_show_value(f->delayed));
    json_object_set_new(object, "claims", ctl_top_show_value(f->claims));
    json_object_set_new(object, "troubles", troubles);

    return object;
}


json_t *
ctl_top_show_json(ctl_top_t *top, long long now)
{
    size_t              i;
    json_t             *rows, *row;
    ctl_top_gateway_t  *g;

    rows = json_array();

    for (i = 0; i < top->n; i++) {
        g = &top->gateways[i];

        if (g->failed[0]) {
            row = json_pack("{s:s,s:I}", "failed", g->failed, "seconds",
                            (json_int_t) ((now - g->since) / 1000));
        } else {
            row = ctl_top_show_figures(&g->figures);
        }

        json_object_set_new(row, "gateway", json_string(g->name));
        json_object_set_new(row, "state", json_string(ctl_top_show_word(g)));
        json_array_append_new(rows, row);
    }

    return rows;
}
