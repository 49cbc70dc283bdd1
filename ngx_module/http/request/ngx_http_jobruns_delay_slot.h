/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Concurrencies with "delay=": who waits in line for a slot.
 */

#ifndef NGX_HTTP_JOBRUNS_DELAY_SLOT_H_INCLUDED
#define NGX_HTTP_JOBRUNS_DELAY_SLOT_H_INCLUDED

#include "ngx_http_jobruns_delay.h"


/*
 * Puts an attempt at the end of the line for the limit that refused it; one
 * that has asked from its head stays there.  NGX_OK, or NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_jobruns_delay_slot_enter(ngx_http_jobruns_delay_t *d);

/* Takes it out; the next one is the head. */
void ngx_http_jobruns_delay_slot_leave(ngx_http_jobruns_delay_t *d);

/* Whether others wait in this worker for what the attempt's limit i counts:
   it is not to pass them. */
ngx_uint_t ngx_http_jobruns_delay_slot_is_awaited(
    ngx_http_jobruns_attempt_t *a, ngx_uint_t i);

/* A settlement of this worker has given back its slots: the heads of lines
   for them ask. */
void ngx_http_jobruns_delay_slot_settled(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_settled_e settled);


#endif /* NGX_HTTP_JOBRUNS_DELAY_SLOT_H_INCLUDED */
