/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which Redis, as jobruns_redis has it: "ADDRESS", "sentinel:NAME ADDRESS ..."
 * or "cluster ADDRESS ...", and options behind it.
 */

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"

#include "jr_secret.h"


#define CTL_SENTINEL  "sentinel_"


/* options with a value, for Redis and, with "sentinel_", for sentinels */

static const struct {
    const char  *name;
    size_t       offset;
    int          file;
} ctl_access_options[] = {
    { "user=", offsetof(ctl_access_t, user), 0 },
    { "tls_name=", offsetof(ctl_access_t, tls_name), 0 },
    { "tls_ca=", offsetof(ctl_access_t, tls_ca), 1 },
    { "tls_certificate=", offsetof(ctl_access_t, tls_certificate), 1 },
    { "tls_certificate_key=", offsetof(ctl_access_t, tls_certificate_key), 1 },
    { NULL, 0, 0 }
};


/* a file of nginx.conf is looked for beside it; to be kept */

static char *
ctl_path(const char *root, const char *path)
{
    char    *full;
    size_t   size;

    if (root == NULL || path[0] == '/' || path[0] == '\0') {
        return strdup(path);
    }

    size = strlen(root) + strlen(path) + 2;
    full = malloc(size);

    if (full != NULL) {
        snprintf(full, size, "%s/%s", root, path);
    }

    return full;
}


/* as the gateway reads it: jr_secret_line() */

static int
ctl_password(ctl_access_t *access, const char *path)
{
    FILE        *in;
    char        *text;
    size_t       n;
    jr_str_t     secret;
    const char  *fault;

    in = path ? fopen(path, "rb") : NULL;

    if (in == NULL) {
        return ctl_fail(CTL_FAILED, "the password file \"%s\" cannot be "
                        "read: %s", path ? path : "", strerror(errno));
    }

    text = malloc(jr_secret_read_size(JR_SECRET_PASSWORD_MOST) + 1);
    n = text ? fread(text, 1, jr_secret_read_size(JR_SECRET_PASSWORD_MOST),
                     in)
             : 0;

    if (text == NULL || ferror(in)) {
        (void) ctl_fail(CTL_FAILED, "the password file \"%s\" cannot be "
                        "read: %s", path, strerror(errno));
        fclose(in);
        free(text);
        return CTL_FAILED;
    }

    fclose(in);

    fault = jr_secret_line((jr_str_t) { n, text }, 1, JR_SECRET_PASSWORD_MOST,
                           &secret);

    if (fault != NULL) {
        free(text);
        return ctl_fail(CTL_FAILED, "the password file \"%s\" %s: write 1 to "
                        "%d bytes there", path, fault,
                        JR_SECRET_PASSWORD_MOST);
    }

    text[secret.len] = '\0';
    access->password = text;

    return CTL_OK;
}


static int
ctl_access_option(ctl_access_t *access, const char *option, const char *root)
{
    int          i, rc;
    char        *path;
    size_t       len;
    const char  *value;

    if (strcmp(option, "tls") == 0) {
        access->tls = 1;
        return CTL_OK;
    }

    if (strncmp(option, "password_file=", 14) == 0) {
        path = ctl_path(root, option + 14);
        rc = ctl_password(access, path);
        free(path);

        return rc;
    }

    for (i = 0; ctl_access_options[i].name != NULL; i++) {

        len = strlen(ctl_access_options[i].name);

        if (strncmp(option, ctl_access_options[i].name, len) != 0) {
            continue;
        }

        value = option + len;

        *(char **) ((char *) access + ctl_access_options[i].offset)
            = ctl_path(ctl_access_options[i].file ? root : NULL, value);

        return CTL_OK;
    }

    return CTL_NOTHING;
}


int
ctl_redis_option(ctl_t *ctl, const char *option, const char *root)
{
    int   rc;
    long  db;

    if (strncmp(option, "db=", 3) == 0) {

        if (ctl_number(option + 3, 0, INT_MAX, &db) != CTL_OK) {
            return ctl_fail(CTL_USAGE, "\"%s\": db= takes the number of a "
                            "database, 0 or more", option);
        }

        ctl->db = (int) db;

        return CTL_OK;
    }

    rc = strncmp(option, CTL_SENTINEL, sizeof(CTL_SENTINEL) - 1) == 0
         ? ctl_access_option(&ctl->sentinels,
                             option + sizeof(CTL_SENTINEL) - 1, root)
         : ctl_access_option(&ctl->access, option, root);

    if (rc != CTL_NOTHING) {
        return rc;
    }

    return ctl_fail(CTL_USAGE, "\"%s\" is no option of jobruns_redis: there "
                    "are db=, user=, password_file=, tls, tls_ca=, tls_name=, "
                    "tls_certificate=, tls_certificate_key=, and with "
                    "\"sentinel_\" before it those of sentinels", option);
}


static int
ctl_is_option(const char *word)
{
    return strchr(word, '=') != NULL || strcmp(word, "tls") == 0
           || strcmp(word, "sentinel_tls") == 0;
}


/* "host", "host:port", "[address]:port" or "unix:path" */

static int
ctl_is_address(const char *word)
{
    long         port;
    const char  *colon;

    colon = strrchr(word, ':');

    return strncmp(word, "unix:", 5) == 0
           || colon == NULL || strchr(colon, ']') != NULL
           || ctl_number(colon + 1, 1, 65535, &port) == CTL_OK;
}


int
ctl_redis_words(ctl_t *ctl, int n, char **words, const char *root)
{
    int  i, rc, several;

    i = 0;
    several = 1;

    ctl->master = NULL;
    ctl->nseeds = 0;

    if (n > 0 && strncmp(words[0], "sentinel:", 9) == 0) {
        ctl->master = strdup(words[0] + 9);
        i = 1;

    } else if (n > 0 && strcmp(words[0], "cluster") == 0) {
        i = 1;

    } else {
        several = 0;
    }

    for ( /* void */ ;
         i < n && !ctl_is_option(words[i]) && (several || ctl->nseeds == 0);
         i++)
    {
        if (!ctl_is_address(words[i])) {
            return ctl_fail(CTL_USAGE, "\"%s\" is no address of Redis: the "
                            "port is from 1 to 65535", words[i]);
        }

        if (ctl->nseeds < CTL_SEEDS) {
            ctl->seeds[ctl->nseeds++] = strdup(words[i]);
        }
    }

    if (ctl->nseeds == 0) {
        return ctl_fail(CTL_USAGE, "an address of Redis is missing: say "
                        "host:port, unix:/path, \"sentinel:NAME host:port "
                        "...\" or \"cluster host:port ...\"");
    }

    for ( /* void */ ; i < n; i++) {
        rc = ctl_redis_option(ctl, words[i], root);

        if (rc != CTL_OK) {
            return rc;
        }
    }

    return CTL_OK;
}


int
ctl_redis_line(ctl_t *ctl, const char *line)
{
    int    n;
    char  *copy, *word, *rest, *words[CTL_SEEDS + 16];

    copy = strdup(line);
    n = 0;

    for (word = copy ? strtok_r(copy, " ", &rest) : NULL;
         word != NULL && n < CTL_SEEDS + 16;
         word = strtok_r(NULL, " ", &rest))
    {
        words[n++] = word;
    }

    n = ctl_redis_words(ctl, n, words, NULL);
    free(copy);

    return n;
}
