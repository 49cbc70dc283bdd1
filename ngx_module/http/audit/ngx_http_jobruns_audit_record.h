/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an attempt's record says, in the shape of the OCI Audit event v2.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_RECORD_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_RECORD_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* what a record is about */
typedef enum {
    jobruns_audit_begin = 0,    /* an attempt is going to be forwarded */
    jobruns_audit_end,          /* and has ended */
    jobruns_audit_whole,        /* both: it was not forwarded */
    jobruns_audit_last
} ngx_http_jobruns_audit_moment_e;


/* "eventType" of an attempt's record */
jr_str_t ngx_http_jobruns_audit_record_type(
    ngx_http_jobruns_audit_moment_e moment);

/* the members of "data" of an attempt's record */
void ngx_http_jobruns_audit_record(ngx_http_jobruns_attempt_t *a,
    jr_line_t *line, ngx_http_jobruns_audit_moment_e moment);

/* is that record of an attempt one of a refusal?  Such are bounded in length
   and in number. */
ngx_uint_t ngx_http_jobruns_audit_record_refusal(
    ngx_http_jobruns_attempt_t *a, ngx_http_jobruns_audit_moment_e moment);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_RECORD_H_INCLUDED */
