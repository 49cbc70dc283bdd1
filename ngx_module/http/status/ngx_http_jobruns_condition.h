/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What can be wrong: each function looks for one condition in the sums, and
 * says it in a sentence.
 */

#ifndef NGX_HTTP_JOBRUNS_CONDITION_H_INCLUDED
#define NGX_HTTP_JOBRUNS_CONDITION_H_INCLUDED

#include "ngx_http_jobruns_troubles.h"


/* seconds for which what a counter counts counts as going on */
#define NGX_HTTP_JOBRUNS_FRESH   60

/* shares of lately's attempts, of 100 */
#define NGX_HTTP_JOBRUNS_MANY    50
#define NGX_HTTP_JOBRUNS_SOME    5

/* of 100 of maxmemory */
#define NGX_HTTP_JOBRUNS_FULL    98
#define NGX_HTTP_JOBRUNS_FILLING 90


typedef struct ngx_http_jobruns_kind_s  ngx_http_jobruns_kind_t;

/* whether it is true now, of a server of Redis where it is about one; and then
   says so in trouble->text */
typedef ngx_uint_t (*ngx_http_jobruns_condition_pt)(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);

struct ngx_http_jobruns_kind_s {
    const char                     *name;
    const char                     *alert;
    const char                     *level;
    ngx_http_jobruns_condition_pt   find;
    ngx_uint_t                      of;       /* which counter or outcome */
    ngx_int_t                       bound;    /* seconds since it grew, or a
                                                 share of 100 */
    const char                     *text;     /* a part of the sentence */
    const char                     *affects;
    const char                     *remedy;
};


ngx_uint_t ngx_http_jobruns_condition_unreachable(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);
ngx_uint_t ngx_http_jobruns_condition_replica(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);
ngx_uint_t ngx_http_jobruns_condition_memory(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);
ngx_uint_t ngx_http_jobruns_condition_lost_file(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);
ngx_uint_t ngx_http_jobruns_condition_broken_keys(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);
ngx_uint_t ngx_http_jobruns_condition_refusing(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);
ngx_uint_t ngx_http_jobruns_condition_service(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);
ngx_uint_t ngx_http_jobruns_condition_pending(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);
ngx_uint_t ngx_http_jobruns_condition_lag(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);
ngx_uint_t ngx_http_jobruns_condition_module(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);
ngx_uint_t ngx_http_jobruns_condition_counter(
    ngx_http_jobruns_figures_t *figures, const ngx_http_jobruns_kind_t *kind,
    ngx_uint_t server, ngx_http_jobruns_trouble_t *trouble);


#endif /* NGX_HTTP_JOBRUNS_CONDITION_H_INCLUDED */
