/*
 * A copy of each record to syslog, beside the file and never in its place:
 * a datagram may be dropped on its way, and nobody learns of it.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_syslog.h"


char *
ngx_http_jobruns_audit_syslog_conf(ngx_conf_t *cf, ngx_syslog_peer_t **peer)
{
    if (*peer != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    *peer = ngx_pcalloc(cf->pool, sizeof(ngx_syslog_peer_t));
    if (*peer == NULL) {
        return NGX_CONF_ERROR;
    }

    /* takes the directive's first argument, as access_log has it */

    return ngx_syslog_process_conf(cf, *peer);
}


void
ngx_http_jobruns_audit_syslog(ngx_syslog_peer_t *peer, const char *line,
    size_t len)
{
    u_char  *last;

    /* room for ngx_syslog_add_header(): priority, time, host and tag */

    static u_char  buf[NGX_HTTP_JOBRUNS_AUDIT_RECORD + NGX_MAXHOSTNAMELEN
                       + 128];

    last = ngx_syslog_add_header(peer, buf);
    last = ngx_cpymem(last, line, len);

    /* never blocks; a failure is logged by ngx_send() */

    (void) ngx_syslog_send(peer, buf, last - buf);
}
