/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Rates with "delay=": who waits for a turn that Redis has given it.
 */

#ifndef NGX_HTTP_JOBRUNS_DELAY_RATE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_DELAY_RATE_H_INCLUDED

#include "ngx_http_jobruns_delay.h"


/*
 * Enters an admitted attempt into the order of each rate that has given it a
 * turn later than now; d->until is the last of them.  NGX_OK, or NGX_ERROR
 * where there is no memory: then it is in none.
 */
ngx_int_t ngx_http_jobruns_delay_rate_enter(ngx_http_jobruns_delay_t *d);

/* Takes it out of all.  left: those behind it move up by one turn each, and
   the last turn is given back by the settlement. */
void ngx_http_jobruns_delay_rate_leave(ngx_http_jobruns_delay_t *d,
    ngx_uint_t left);


#endif /* NGX_HTTP_JOBRUNS_DELAY_RATE_H_INCLUDED */
