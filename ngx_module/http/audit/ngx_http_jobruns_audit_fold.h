/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A flood of refusals must not become a flood of records: beyond so many in a
 * second (jobruns_audit_refusals) they are counted, by outcome, and one record
 * a second reports the counts and the noisiest client addresses.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_FOLD_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_FOLD_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* client addresses that are watched for folded refusals, and bytes of one */
#define NGX_HTTP_JOBRUNS_AUDIT_ADDRESSES  32
#define NGX_HTTP_JOBRUNS_AUDIT_ADDRESS    64


typedef struct {
    ngx_uint_t                        count;  /* 0: free */
    ngx_uint_t                        error;  /* by so much it may be too
                                                 high */
    size_t                            len;
    u_char                            text[NGX_HTTP_JOBRUNS_AUDIT_ADDRESS];
} ngx_http_jobruns_audit_address_t;


/* Refusals of a file that have no record of their own, until one reports all
   of them. */
typedef struct {
    ngx_event_t                       timer;  /* when it does */
    time_t                            window; /* that written counts in */
    ngx_uint_t                        written;    /* records of refusals */
    ngx_uint_t                        refusals;   /* folded */
    ngx_uint_t                        outcomes[JR_OUTCOME_LAST];
    ngx_http_jobruns_audit_address_t  addresses[
                                           NGX_HTTP_JOBRUNS_AUDIT_ADDRESSES];
    char                              from[NGX_HTTP_JOBRUNS_AUDIT_TIME];
    char                              to[NGX_HTTP_JOBRUNS_AUDIT_TIME];
    ngx_syslog_peer_t                *peer;   /* of the first of them */
    ngx_msec_t                        sync;
} ngx_http_jobruns_audit_fold_t;


/* Takes a refusal that is to have no record of its own; 0: it is to have one,
   which counts. */
ngx_uint_t ngx_http_jobruns_audit_fold_take(ngx_http_jobruns_attempt_t *a);

/* writes one record of what was folded, if anything was */
void ngx_http_jobruns_audit_fold_flush(ngx_http_jobruns_audit_file_t *file);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_FOLD_H_INCLUDED */
