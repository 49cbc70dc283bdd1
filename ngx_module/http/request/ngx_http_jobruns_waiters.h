/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Waiters: retries that wait for the end of a running attempt with their
 * token, in groups of which one member asks for all.
 */

#ifndef NGX_HTTP_JOBRUNS_WAITERS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_WAITERS_H_INCLUDED

#include "ngx_http_jobruns.h"


/*
 * Has an attempt whose verdict is "running" wait: with others of its location,
 * record and fingerprint, or as the first of a new group.  NGX_AGAIN, then
 * ngx_http_jobruns_flow_wake() with
 *
 *   NGX_OK        it is this attempt's turn to ask Redis;
 *   NGX_DECLINED  a->verdict is what its group was told, or still "running":
 *                 it has waited for as long as it may, and asks to wait no
 *                 more.
 *
 * NGX_DECLINED: it has waited long enough, its client is gone, or it is one
 * too many in this worker or of its tenant, which is counted and logged.
 */
ngx_int_t ngx_http_jobruns_waiters_wait(ngx_http_jobruns_attempt_t *a);

/*
 * An attempt has its verdict.  Of a waiter that asked for its group,
 * "running", also in the place of "unavailable", is what all go on with, and
 * it may wait again; "replay", "unkept", "mismatch" and "refused" are given to
 * all.  With these and any other verdict it is no waiter any more, and where
 * that was its own ("forward", "limited") the next one asks.
 */
void ngx_http_jobruns_waiters_decided(ngx_http_jobruns_attempt_t *a);

/*
 * An attempt is to wait no more: stops its timer, and leaves its group, of
 * which the next asks where it was this one's turn.  For any attempt; in the
 * log phase at the latest.
 */
void ngx_http_jobruns_waiters_leave(ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_WAITERS_H_INCLUDED */
