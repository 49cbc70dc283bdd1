/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of jobrunsctl share.
 */

#ifndef JOBRUNSCTL_H_INCLUDED
#define JOBRUNSCTL_H_INCLUDED

#include <stdio.h>

#include <hiredis/hiredis.h>
#include <jansson.h>

#include "jr_auth_keys.h"
#include "jr_digest.h"
#include "jr_identity.h"
#include "jr_key_read.h"
#include "jr_limit.h"


/* exit codes */
#define CTL_OK        0
#define CTL_NOTHING   1         /* no such token, tenant, request; a fault */
#define CTL_USAGE     2
#define CTL_FAILED    3         /* Redis or a file cannot be used */
#define CTL_REFUSED   4         /* the answer to a question was not yes */
#define CTL_ENOUGH    100       /* stops a scan, never leaves the program */

#define CTL_LIMITS    256
#define CTL_SEEDS     32


/* a limit of nginx.conf */
typedef struct {
    jr_limit_kind_e  kind;
    char            *name;
    char            *key;       /* "tenant", "workspace" ... */
    char            *window;    /* of a quota; else "" */
    char            *words;     /* the rest of the line */
} ctl_limit_t;


/* how a server is spoken to; NULL: not at all, or as the system has it */
typedef struct {
    char            *user;
    char            *password;
    char            *tls_ca;
    char            *tls_name;
    char            *tls_certificate;
    char            *tls_certificate_key;
    unsigned         tls:1;
} ctl_access_t;


typedef struct {
    char            *seeds[CTL_SEEDS];  /* "host:port", "unix:/path" */
    size_t           nseeds;
    char            *master;    /* seeds are sentinels, which call it so */
    ctl_access_t     access;
    ctl_access_t     sentinels;
    int              db;
    char            *prefix;
    double           timeout;   /* seconds */

    char            *conf;      /* a file that was read; NULL: none */
    ctl_limit_t      limits[CTL_LIMITS];
    size_t           nlimits;
    unsigned         limits_cut:1;      /* it has more */

    /* of the command line */
    char             tenant_name[JR_NAME_MAX + 1];
    char            *tenant;    /* that, or NULL */
    char            *principal;
    char            *platform;
    char            *workspace;
    char            *token;
    char            *hash;
    double           rate;
    double           interval;  /* of top, seconds */
    char            *ca;        /* of top: a file; NULL: the system's */
    char            *request;   /* of key check: a file, or "-" */
    char            *signed_lines;      /* a file */
    char            *at_time;
    char            *issuer;
    char            *not_after; /* of key add */
    char            *until;     /* of tenant set */
    unsigned         min_bits;
    unsigned         unknown:1; /* of token list */
    unsigned         once:1;    /* of top */
    unsigned         json:1;
    unsigned         yes:1;

    redisContext    *redis;
    char            *at;        /* the address that is connected to */
} ctl_t;


typedef struct {
    const char      *name;      /* member of the objects */
    const char      *title;
} ctl_column_t;


/* jobrunsctl_out.c */

/* a whole number in digits alone, from least to most; CTL_USAGE: it is not,
   which is not said */
int ctl_number(const char *text, long least, long most, long *value);

/* says "jobrunsctl: ..." on standard error; returns code */
int ctl_fail(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* says "jobrunsctl: ..." on standard error, and is no failure */
void ctl_warn(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* sorts a list; compare is qsort()'s, of two json_t * */
void ctl_sort(json_t *rows, int (*compare)(const void *, const void *));

/* a list of objects as a table, or as JSON; takes rows */
int ctl_show(ctl_t *ctl, json_t *rows, const ctl_column_t *columns);

/* one object, a line for each member; takes it */
int ctl_show_one(ctl_t *ctl, json_t *object);

/* text whose bytes a terminal may do something with are replaced */
void ctl_put(FILE *out, const char *text);

/* asks, unless --yes; CTL_OK or CTL_REFUSED */
int ctl_confirm(ctl_t *ctl, const char *question);

/* a string of any bytes */
json_t *ctl_string(const char *data, size_t len);

/* "3 s", "2 min", of milliseconds; in a buffer that the next call reuses */
const char *ctl_duration(long long ms);


/* jobrunsctl_redis.c */

/* connects to the master, or a node; CTL_OK, or CTL_FAILED after saying why */
int ctl_connect(ctl_t *ctl);

/*
 * Calls visit for each master of the cluster, connected to, or once where
 * there is no cluster; stops and returns what it returns when that is not
 * CTL_OK.
 */
typedef int (*ctl_visit_pt)(ctl_t *ctl, void *data);
int ctl_masters(ctl_t *ctl, ctl_visit_pt visit, void *data);

/*
 * One command; the reply is the caller's to free.  NULL after saying why:
 * also for an error reply, unless tolerant.  A redirection of a cluster is
 * followed.
 */
redisReply *ctl_command(ctl_t *ctl, int tolerant, int argc,
    const char **argv);

/* the key of the arguments, NUL-terminated, to be freed */
char *ctl_key(ctl_t *ctl, jr_key_kind_e kind, const char *name);

/* the parts of a key, which point into text; 0: it is none of the gateway's */
int ctl_key_split(const ctl_t *ctl, const char *text, size_t len,
    jr_key_t *key);

/* the server's clock, ms; -1 after saying why */
long long ctl_now(ctl_t *ctl);


/* jobrunsctl_scan.c */

/* calls handler for each key of all masters that matches a glob pattern;
   stops and returns what it returns when that is not CTL_OK */
typedef int (*ctl_scan_pt)(ctl_t *ctl, const char *key, size_t len,
    void *data);
int ctl_scan(ctl_t *ctl, const char *pattern, ctl_scan_pt handler,
    void *data);

/*
 * Asks about each key of all masters that matches "<prefix>{<tenant>}<rest>"
 * (ctl_pattern()): argv is a command, argv[1] the key.  The reply, also an
 * error, is handed to handler.  Keys of one step of the scan are asked about
 * in one round trip.  Likewise.
 */
typedef int (*ctl_ask_pt)(ctl_t *ctl, const char *key, size_t len,
    redisReply *reply, void *data);
int ctl_scan_ask(ctl_t *ctl, const char *rest, int argc, const char **argv,
    ctl_ask_pt handler, void *data);

/* "<prefix>{<tenant>}<rest>", any tenant where --tenant names none, as a
   pattern; rest may be one.  To be freed. */
char *ctl_pattern(ctl_t *ctl, const char *rest);

/* "*" and its like in text lose their meaning in a pattern; to be freed */
char *ctl_quote(const char *text);


/* jobrunsctl_conf.c: jobruns_redis, its companions and limits of nginx.conf;
   CTL_OK, or CTL_FAILED after saying why */
int ctl_read_conf(ctl_t *ctl, const char *path);

/* a file's text, as far as most bytes, NUL-terminated, to be freed; NULL after
   saying why */
char *ctl_slurp(const char *path, size_t most);


/* jobrunsctl_address.c: what stands behind jobruns_redis, as words, as one
   line, and one option; files are looked for in root */

int ctl_redis_words(ctl_t *ctl, int n, char **words, const char *root);
int ctl_redis_line(ctl_t *ctl, const char *line);
int ctl_redis_option(ctl_t *ctl, const char *option, const char *root);


/* jobrunsctl_tls.c: a descriptor that speaks plainly for the connection fd,
   which stays the caller's; -1 after saying why */

int ctl_tls(const ctl_access_t *access, const char *address,
    const char *host, int fd);


/* jobrunsctl_override.c: fields of the hash of a tenant's overrides */

/* sets a field, with the end of --until, or deletes it (value NULL) */
int ctl_override_set(ctl_t *ctl, const char *key, const char *field,
    const char *value);

/* those of all tenants, or of one */
int ctl_override_list(ctl_t *ctl);

/* "20000 until 2026-11-28T00:00:00Z", or "ended"; now in ms */
void ctl_override_words(const char *text, long long now, char *buf,
    size_t size);


/* jobrunsctl_tokens.c: tokens whose outcome is unknown now */
int ctl_tokens_unknown(ctl_t *ctl);

/* jobrunsctl_use.c: the most used limits of all tenants, so many */
int ctl_use(ctl_t *ctl, const char *number);


/* the verbs, each in a file of its own name; argv[0] is behind the verb */

int ctl_token(ctl_t *ctl, int argc, char **argv);
int ctl_tenant(ctl_t *ctl, int argc, char **argv);
int ctl_explain(ctl_t *ctl, int argc, char **argv);
int ctl_inflight(ctl_t *ctl, int argc, char **argv);
int ctl_doctor(ctl_t *ctl, int argc, char **argv);
int ctl_key_verb(ctl_t *ctl, int argc, char **argv);
int ctl_top(ctl_t *ctl, int argc, char **argv);


/* jobrunsctl_key.c: files of keys */

/* the keys of n files, the caller's to free; CTL_OK, or CTL_FAILED after
   saying which file and entry, and why */
int ctl_key_read(ctl_t *ctl, int n, char **files, jr_auth_keys_t **keys);

/* a file of any bytes, or with "-" the standard input, to be freed; NULL after
   saying why */
char *ctl_key_slurp(const char *path, size_t most, size_t *len);

/* jobrunsctl_key_check.c: the verb; argv are files of keys */
int ctl_key_check(ctl_t *ctl, int argc, char **argv);


#endif /* JOBRUNSCTL_H_INCLUDED */
