/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Take-backs: settlements of admissions whose reply is lost and that Redis
 * may have carried out.  Each is tried until Redis replies and its clock is
 * past the deadline of the admission, however long that takes.  They are
 * bounded by jobruns_hold_memory and a tenant's half of it, the oldest go
 * first; a worker that exits gives up after a minute.
 */

#ifndef NGX_HTTP_JOBRUNS_TAKEBACK_H_INCLUDED
#define NGX_HTTP_JOBRUNS_TAKEBACK_H_INCLUDED

#include "ngx_http_jobruns_settlement.h"


/* Queues s behind the take-backs that wait; freeing it takes it out. */
void ngx_http_jobruns_takeback_add(ngx_http_jobruns_settlement_t *s);

/* Takes s, which may be queued, out of the take-backs that wait. */
void ngx_http_jobruns_takeback_remove(ngx_http_jobruns_settlement_t *s);

/*
 * Redis' clock has not come to the deadline of the lost admission: tries s
 * again.  Where it does not come within a minute, it was set back: what was
 * to come has come, and s is told without a deadline.
 */
void ngx_http_jobruns_takeback_early(ngx_http_jobruns_settlement_t *s);

/*
 * Makes room for a take-back at the cost of the oldest ones, and ends what a
 * worker that exits has not told within a minute.  Whether s itself, which
 * is queued, is gone.
 */
ngx_uint_t ngx_http_jobruns_takeback_over(ngx_http_jobruns_settlement_t *s);

/*
 * Makes room for s at the cost of take-backs that wait, the oldest first: of
 * its tenant, until that has no more than its half of jobruns_hold_memory,
 * then of all.  Each is logged and counted.  Whether s itself is gone.
 */
ngx_uint_t ngx_http_jobruns_takeback_trim(ngx_http_jobruns_settlement_t *s);


#endif /* NGX_HTTP_JOBRUNS_TAKEBACK_H_INCLUDED */
