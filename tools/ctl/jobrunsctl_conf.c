/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an nginx.conf says of Redis and of limits, files it includes with it.
 *
 * Words are cut as NGINX cuts them; of all directives only ours are looked
 * at, wherever they stand.  With several of one the first is taken: an
 * operator whose locations use several Redis says which by --redis.
 */

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"


#define CTL_WORDS     64
#define CTL_DEPTH     8
#define CTL_CONF_MAX  (1024 * 1024)


typedef struct {
    char  *word[CTL_WORDS];
    int    n;
} ctl_words_t;


static int ctl_read_file(ctl_t *ctl, const char *path, const char *root,
    int depth);


char *
ctl_slurp(const char *path, size_t most)
{
    FILE    *in;
    char    *text;
    size_t   n;

    in = fopen(path, "r");

    if (in == NULL) {
        (void) ctl_fail(CTL_FAILED, "\"%s\" cannot be read: %s", path,
                        strerror(errno));
        return NULL;
    }

    text = malloc(most + 1);
    n = text != NULL ? fread(text, 1, most, in) : 0;
    fclose(in);

    if (text != NULL) {
        text[n] = '\0';
    }

    return text;
}


static int
ctl_conf_limit(ctl_t *ctl, ctl_words_t *w, jr_limit_kind_e kind)
{
    int           i;
    char          words[256];
    size_t        k, used;
    const char   *window;
    ctl_limit_t  *limit;

    if (w->n < 2) {
        return CTL_OK;
    }

    window = "";

    for (i = 2; i < w->n; i++) {
        if (jr_limit_kinds[kind].windowed
            && strncmp(w->word[i], "window=", 7) == 0)
        {
            window = w->word[i] + 7;
        }
    }

    /* what has a counter of its own is a limit of its own */

    for (k = 0; k < ctl->nlimits; k++) {
        if (ctl->limits[k].kind == kind
            && strcmp(ctl->limits[k].name, w->word[1]) == 0
            && strcmp(ctl->limits[k].window, window) == 0)
        {
            return CTL_OK;
        }
    }

    if (ctl->nlimits == CTL_LIMITS) {
        ctl->limits_cut = 1;
        return CTL_OK;
    }

    limit = &ctl->limits[ctl->nlimits++];
    limit->kind = kind;
    limit->name = strdup(w->word[1]);
    limit->key = strdup("tenant");
    limit->window = strdup(window);

    words[0] = '\0';
    used = 0;

    for (i = 2; i < w->n; i++) {

        if (strncmp(w->word[i], "key=", 4) == 0) {
            limit->key = strdup(w->word[i] + 4);
            continue;
        }

        used += (size_t) snprintf(words + used, sizeof(words) - used, "%s%s",
                                  used ? " " : "", w->word[i]);

        if (used >= sizeof(words)) {
            break;
        }
    }

    limit->words = strdup(words);

    return CTL_OK;
}


static int
ctl_conf_include(ctl_t *ctl, const char *pattern, const char *root,
    int depth)
{
    int     rc;
    char    path[4096];
    size_t  i;
    glob_t  found;

    snprintf(path, sizeof(path), "%s%s%s", pattern[0] == '/' ? "" : root,
             pattern[0] == '/' ? "" : "/", pattern);

    if (glob(path, 0, NULL, &found) != 0) {
        return CTL_OK;
    }

    rc = CTL_OK;

    for (i = 0; i < found.gl_pathc && rc == CTL_OK; i++) {
        rc = ctl_read_file(ctl, found.gl_pathv[i], root, depth + 1);
    }

    globfree(&found);

    return rc;
}


static int
ctl_conf_directive(ctl_t *ctl, ctl_words_t *w, const char *root, int depth)
{
    const char       *name;
    jr_limit_kind_e   kind;

    if (w->n == 0) {
        return CTL_OK;
    }

    name = w->word[0];

    if (strcmp(name, "jobruns_redis") == 0) {
        return ctl->nseeds == 0 && w->n > 1
               ? ctl_redis_words(ctl, w->n - 1, w->word + 1, root) : CTL_OK;
    }

    if (strcmp(name, "jobruns_redis_prefix") == 0 && w->n == 2) {
        ctl->prefix = strdup(w->word[1]);
        return CTL_OK;
    }

    kind = jr_limit_kind_find((jr_str_t) { strlen(name), name });

    if (kind != JR_LIMIT_LAST) {
        return ctl_conf_limit(ctl, w, kind);
    }

    if (strcmp(name, "include") == 0 && w->n == 2) {
        return ctl_conf_include(ctl, w->word[1], root, depth);
    }

    return CTL_OK;
}


/* one word, cut off in place; returns what is behind it */

static char *
ctl_conf_word(char *p, char **word)
{
    char  quote, *to;

    quote = (*p == '"' || *p == '\'') ? *p++ : '\0';
    *word = to = p;

    for ( /* void */ ; *p; p++) {

        if (*p == '\\' && p[1]) {
            *to++ = *++p;
            continue;
        }

        if (quote ? *p == quote
                  : (isspace((unsigned char) *p) || strchr(";{", *p)))
        {
            break;
        }

        *to++ = *p;
    }

    /* what ended the word is told by the caller's look at it */

    if (quote && *p) {
        p++;
    }

    return to == p ? p : (*to = '\0', p);
}


static int
ctl_read_file(ctl_t *ctl, const char *path, const char *root, int depth)
{
    int          rc;
    char        *text, *p, end, *word;
    ctl_words_t  w;

    if (depth > CTL_DEPTH) {
        return ctl_fail(CTL_FAILED, "\"%s\" includes itself", path);
    }

    text = ctl_slurp(path, CTL_CONF_MAX);

    if (text == NULL) {
        return CTL_FAILED;
    }

    w.n = 0;
    rc = CTL_OK;

    for (p = text; *p && rc == CTL_OK; /* void */) {

        if (isspace((unsigned char) *p)) {
            p++;

        } else if (*p == '#') {
            p += strcspn(p, "\n");

        } else if (strchr(";{}", *p)) {
            rc = ctl_conf_directive(ctl, &w, root, depth);
            w.n = 0;
            p++;

        } else {
            p = ctl_conf_word(p, &word);
            end = *p;
            *p = '\0';

            if (w.n < CTL_WORDS) {
                w.word[w.n++] = word;
            }

            if (end == ';' || end == '{' || end == '}') {
                rc = ctl_conf_directive(ctl, &w, root, depth);
                w.n = 0;
            }

            p += (end != '\0');
        }
    }

    free(text);

    return rc;
}


int
ctl_read_conf(ctl_t *ctl, const char *path)
{
    int    rc;
    char  *copy;

    ctl->conf = strdup(path);
    copy = strdup(path);
    rc = ctl_read_file(ctl, path, dirname(copy), 0);
    free(copy);

    return rc;
}
