/*
 * What a record says, in the shape of the OCI Audit event v2.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_RECORD_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_RECORD_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


void ngx_http_jobruns_audit_record(ngx_http_request_t *r,
    struct ngx_http_jobruns_attempt_s *a, jr_line_t *line,
    ngx_http_jobruns_audit_moment_e moment);

/* is that record of an attempt one of a refusal?  Such are bounded in length
   and in number. */
ngx_uint_t ngx_http_jobruns_audit_refusal(
    struct ngx_http_jobruns_attempt_s *a,
    ngx_http_jobruns_audit_moment_e moment);

/* the members that all records begin with; an object "data" is open then */
void ngx_http_jobruns_audit_envelope(jr_line_t *line, jr_str_t type);

/* RFC 3339 with milliseconds, from NGINX's cached clock; buf has room for
   NGX_HTTP_JOBRUNS_AUDIT_TIME - 1 bytes */
jr_str_t ngx_http_jobruns_audit_time(char *buf);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_RECORD_H_INCLUDED */
