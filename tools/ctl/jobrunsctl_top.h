/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of `jobrunsctl top` share: the gateways that are asked, and
 * what each said last.
 */

#ifndef JOBRUNSCTL_TOP_H_INCLUDED
#define JOBRUNSCTL_TOP_H_INCLUDED

#include <stdio.h>

#include <curl/curl.h>

#include "jobrunsctl.h"


/* gateways at most, and what is shown of each */
#define CTL_TOP_URLS      64
#define CTL_TOP_TROUBLES  32

/* bytes of a response at most; those of jobruns_status have some ten
   thousand */
#define CTL_TOP_BODY      (1024 * 1024)

/* ms that a gateway has to accept a connection, and to respond */
#define CTL_TOP_CONNECT   2000
#define CTL_TOP_RESPOND   3000


/* the worst has the highest number */
typedef enum {
    ctl_top_good = 0,
    ctl_top_warn,
    ctl_top_bad,
    ctl_top_silent              /* no response that can be used */
} ctl_top_level_e;


typedef struct {
    ctl_top_level_e      level;
    long long            age;           /* seconds; -1: unknown */
    char                 text[256];
    char                 affects[256];
    char                 remedy[256];
    char                 runbook[128];
} ctl_top_trouble_t;


/* what a response said; -1 is unknown; texts are printable ASCII */
typedef struct {
    char                 host[128];
    ctl_top_level_e      level;
    char                 redis[32];     /* "ok", "unreachable" ... */
    char                 service[48];   /* "98 of 98" */
    double               created;       /* a second, as the next three */
    double               limited;
    double               replayed;
    double               errors;
    char                 admission[32]; /* "5 ms/25 ms", halves and 99 of 100 */
    char                 responses[32];
    double               waiting;
    double               delayed;
    double               claims;
    size_t               ntroubles;
    ctl_top_trouble_t    troubles[CTL_TOP_TROUBLES];
} ctl_top_figures_t;


typedef struct {
    char                *url;           /* curl_free()'s */
    char                *name;          /* "host:port" of it */
    CURL                *easy;
    char                *body;
    size_t               size;          /* of the memory of body */
    size_t               len;
    char                 error[CURL_ERROR_SIZE];

    /* of the last response */
    char                 failed[320];   /* why it cannot be used; "" */
    ctl_top_figures_t    figures;       /* the last that could */

    long long            since;         /* ms; it fails since then */
    long long            due;           /* ms; it is asked then */
    unsigned             asked:1;       /* at least once, to the end */
    unsigned             known:1;       /* figures are set */
    unsigned             busy:1;        /* it is being asked */
    unsigned             cut:1;         /* the response is too large */
} ctl_top_gateway_t;


typedef struct {
    CURLM               *multi;
    struct curl_slist   *headers;
    ctl_top_gateway_t   *gateways;
    size_t               n;
    long long            interval;      /* ms */
} ctl_top_t;


/* jobrunsctl_top_fetch.c */

/*
 * Prepares asking n URLs, "host:port" among them.  CTL_OK, CTL_USAGE for one
 * that is none, or CTL_FAILED, after saying why; ctl_top_fetch_end() frees
 * what there is in each case.
 */
int ctl_top_fetch_begin(ctl_t *ctl, ctl_top_t *top, int n, char **urls);
void ctl_top_fetch_end(ctl_top_t *top);

/*
 * Asks each gateway that is due, and takes what has come.  Returns whether a
 * gateway has ended a request; *busy is how many still run.
 */
int ctl_top_fetch_some(ctl_top_t *top, long long now, size_t *busy);

/* monotonic ms */
long long ctl_top_fetch_now(void);


/* jobrunsctl_top_read.c */

/* the figures of a response; -1 if it is not the JSON of jobruns_status, and
   figures is as it was */
int ctl_top_read(const char *body, size_t len, ctl_top_figures_t *figures);

/* a copy of text as printable ASCII: what else there is becomes "?" */
void ctl_top_read_text(char *dst, size_t size, const char *text);


/* jobrunsctl_top_show.c */

/* good, unless it says otherwise or does not respond */
ctl_top_level_e ctl_top_show_level(const ctl_top_gateway_t *g);

/* the table and the troubles; columns and lines are cut to a width, where it
   is not 0.  With color, levels have escape sequences around them. */
void ctl_top_show(FILE *out, ctl_top_t *top, long long now, int width,
    int color);

/* the same, as JSON; the caller's */
json_t *ctl_top_show_json(ctl_top_t *top, long long now);


/* jobrunsctl_top_screen.c */

/* whether both ends are a terminal on which can be drawn */
int ctl_top_screen_possible(void);

/* takes the terminal over, and gives it back as it was */
int ctl_top_screen_begin(void);
void ctl_top_screen_end(void);

/* draws all again, in the size that the terminal has now */
void ctl_top_screen_draw(ctl_top_t *top, long long now);


#endif /* JOBRUNSCTL_TOP_H_INCLUDED */
