/* SPDX-License-Identifier: BSD-2-Clause
 *
 * May this request leave?  A request line that is, or that somebody may read
 * as, createJobRun leaves only as the admitted attempt it belongs to, as its
 * client sent it.  Whatever made it otherwise is named in error.log.
 */

#ifndef NGX_HTTP_JOBRUNS_GUARD_CHECK_H_INCLUDED
#define NGX_HTTP_JOBRUNS_GUARD_CHECK_H_INCLUDED

#include "ngx_http_jobruns_guard.h"


/*
 * Is what r->upstream is about to send to be looked at?  0: it may leave, as a
 * GET that is sent as one.  Logs and changes nothing.
 */
ngx_uint_t ngx_http_jobruns_guard_check_reads(ngx_http_request_t *r);

/*
 * Looks at the request that r->upstream is about to send.  Returns NULL where
 * it may leave, else what the client is not to learn but the operator is: why
 * it is stopped, and which directive is to be changed.
 */
const char *ngx_http_jobruns_guard_check(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_GUARD_CHECK_H_INCLUDED */
