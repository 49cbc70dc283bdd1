/*
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


#define CTL_WORDS     16
#define CTL_DEPTH     8
#define CTL_CONF_MAX  (1024 * 1024)


typedef struct {
    char  *word[CTL_WORDS];
    int    n;
} ctl_words_t;


static int ctl_read_file(ctl_t *ctl, const char *path, const char *root,
    int depth);


static char *
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


/* the password, without the line end behind it */

static int
ctl_password(ctl_t *ctl, const char *path)
{
    ctl->password = ctl_slurp(path, 4096);

    if (ctl->password == NULL) {
        return CTL_FAILED;
    }

    ctl->password[strcspn(ctl->password, "\r\n")] = '\0';

    return CTL_OK;
}


int
ctl_redis_option(ctl_t *ctl, const char *option)
{
    if (strncmp(option, "db=", 3) == 0) {
        ctl->db = atoi(option + 3);
        return CTL_OK;
    }

    if (strncmp(option, "user=", 5) == 0) {
        ctl->user = strdup(option + 5);
        return CTL_OK;
    }

    if (strncmp(option, "password_file=", 14) == 0) {
        return ctl_password(ctl, option + 14);
    }

    if (strncmp(option, "tls", 3) == 0) {
        return ctl_fail(CTL_FAILED, "\"%s\": TLS is not spoken here; name "
                        "another way to this Redis by --redis, a Unix socket "
                        "or a tunnel's end", option);
    }

    return ctl_fail(CTL_USAGE, "\"%s\" is no option of Redis' address; there "
                    "are db=, user= and password_file=", option);
}


static int
ctl_conf_redis(ctl_t *ctl, ctl_words_t *w)
{
    int  i, rc;

    if (ctl->address != NULL || w->n < 2) {
        return CTL_OK;
    }

    i = 2;

    if (strcmp(w->word[1], "cluster") == 0 && w->n > 2) {
        /* one node redirects to the others */
        ctl->address = strdup(w->word[2]);

        while (i < w->n && strchr(w->word[i], '=') == NULL
               && strcmp(w->word[i], "tls") != 0)
        {
            i++;
        }

    } else if (strchr(w->word[1], ':') == NULL && w->n > 2
               && strchr(w->word[2], '=') == NULL)
    {
        return ctl_fail(CTL_FAILED, "\"jobruns_redis %s\": say by --redis "
                        "which server it is now", w->word[1]);

    } else {
        ctl->address = strdup(w->word[1]);
    }

    for ( /* void */ ; i < w->n; i++) {

        if (strchr(w->word[i], '=') == NULL
            && strncmp(w->word[i], "tls", 3) != 0)
        {
            continue;
        }

        rc = ctl_redis_option(ctl, w->word[i]);

        if (rc != CTL_OK) {
            return rc;
        }
    }

    return CTL_OK;
}


static int
ctl_conf_limit(ctl_t *ctl, ctl_words_t *w, jr_limit_kind_e kind)
{
    int           i;
    char          words[256];
    size_t        k, used;
    ctl_limit_t  *limit;

    if (w->n < 2 || ctl->nlimits == CTL_LIMITS) {
        return CTL_OK;
    }

    for (k = 0; k < ctl->nlimits; k++) {
        if (strcmp(ctl->limits[k].name, w->word[1]) == 0) {
            return CTL_OK;
        }
    }

    limit = &ctl->limits[ctl->nlimits++];
    limit->kind = kind;
    limit->name = strdup(w->word[1]);
    limit->key = strdup("tenant");

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
    const char  *name;

    if (w->n == 0) {
        return CTL_OK;
    }

    name = w->word[0];

    if (strcmp(name, "jobruns_redis") == 0) {
        return ctl_conf_redis(ctl, w);
    }

    if (strcmp(name, "jobruns_redis_prefix") == 0 && w->n == 2) {
        ctl->prefix = strdup(w->word[1]);
        return CTL_OK;
    }

    if (strcmp(name, "jobruns_limit") == 0) {
        return ctl_conf_limit(ctl, w, JR_LIMIT_RATE);
    }

    if (strcmp(name, "jobruns_quota") == 0) {
        return ctl_conf_limit(ctl, w, JR_LIMIT_QUOTA);
    }

    if (strcmp(name, "jobruns_concurrency") == 0) {
        return ctl_conf_limit(ctl, w, JR_LIMIT_SLOTS);
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

    copy = strdup(path);
    rc = ctl_read_file(ctl, path, dirname(copy), 0);
    free(copy);

    return rc;
}
