/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is wrong now, worst first: one list for the page, the JSON form and
 * the text form.
 */

#ifndef NGX_HTTP_JOBRUNS_TROUBLES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_TROUBLES_H_INCLUDED

#include "ngx_http_jobruns_status.h"


/* a sentence with the name of a server in it */
#define NGX_HTTP_JOBRUNS_TROUBLE_LEN  (NGX_HTTP_JOBRUNS_NAME_LEN + 256)


/* strings but text are constants; text may have the name of a server of Redis
   in it, unescaped */
typedef struct {
    const char  *name;      /* "redis_unreachable", as label */
    const char  *alert;     /* its paragraph in docs/runbook.md */
    const char  *level;     /* "warn" or "bad" */
    const char  *affects;   /* what clients get meanwhile */
    const char  *remedy;    /* what to do first */
    time_t       since;     /* when it was first seen */
    size_t       len;
    u_char       text[NGX_HTTP_JOBRUNS_TROUBLE_LEN];
} ngx_http_jobruns_trouble_t;


/* calls on_trouble for each, worst first; the argument lives for the call */
typedef void (*ngx_http_jobruns_trouble_pt)(void *data,
    ngx_http_jobruns_trouble_t *trouble);
void ngx_http_jobruns_troubles_each(ngx_http_jobruns_figures_t *figures,
    ngx_http_jobruns_trouble_pt on_trouble, void *data);

/* the worst one, or with level "good" that there is none */
void ngx_http_jobruns_troubles_worst(ngx_http_jobruns_figures_t *figures,
    ngx_http_jobruns_trouble_t *trouble);

/* notes since when each is there: by one worker, once a second */
void ngx_http_jobruns_troubles_note(ngx_http_jobruns_figures_t *figures);

/* whether there is a trouble of the n-th kind, which is filled in but for its
   text and since; NGX_DECLINED: there are no more kinds */
ngx_int_t ngx_http_jobruns_troubles_kind(ngx_http_jobruns_figures_t *figures,
    ngx_uint_t n, ngx_http_jobruns_trouble_t *trouble, ngx_uint_t *found);


#endif /* NGX_HTTP_JOBRUNS_TROUBLES_H_INCLUDED */
