/*
 * A flood of refusals must not become a flood of records: beyond so many in a
 * second (jobruns_audit_refusals) they are counted, by outcome, and one record
 * a second tells the counts and the noisiest client addresses.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_FOLD_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_FOLD_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* Takes a refusal that is to have no record of its own; 0: it is to have one,
   which counts. */
ngx_uint_t ngx_http_jobruns_audit_fold(ngx_http_request_t *r,
    struct ngx_http_jobruns_attempt_s *a);

/* one record of what was folded, if anything was */
void ngx_http_jobruns_audit_fold_flush(ngx_http_jobruns_audit_file_t *file);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_FOLD_H_INCLUDED */
