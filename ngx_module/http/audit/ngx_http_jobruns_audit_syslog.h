/*
 * A copy of each record to syslog, beside the file and never in its place:
 * a datagram may be dropped on its way, and nobody learns of it.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_SYSLOG_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_SYSLOG_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


char *ngx_http_jobruns_audit_syslog_conf(ngx_conf_t *cf,
    ngx_syslog_peer_t **peer);

/* sends a record without its line end, if the socket takes it */
void ngx_http_jobruns_audit_syslog(ngx_syslog_peer_t *peer, const char *line,
    size_t len);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_SYSLOG_H_INCLUDED */
