/*
 * Audit files, and the chain that each worker has in each of them.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_FILE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_FILE_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* the file of that path in this configuration; NULL after logging an error */
ngx_http_jobruns_audit_file_t *ngx_http_jobruns_audit_open(ngx_conf_t *cf,
    ngx_str_t *path);

/* The files of a configuration (NULL: none), one a call; *i is 0 at the first.
   NULL: there are no more.  In the order in which they were opened. */
ngx_http_jobruns_audit_file_t *ngx_http_jobruns_audit_next(
    ngx_http_jobruns_main_conf_t *jmcf, ngx_uint_t *i);

/* begins a line; peer NULL: no copy.  NGX_ERROR: the record is lost, and
   that was logged and counted. */
ngx_int_t ngx_http_jobruns_audit_line(ngx_http_jobruns_audit_file_t *file,
    jr_line_t *line, ngx_syslog_peer_t *peer, ngx_log_t *log);

/* seals that line, which goes into the file at the end of this turn of the
   event loop; sync as jobruns_audit_sync has it.  NGX_ERROR as above. */
ngx_int_t ngx_http_jobruns_audit_append(ngx_http_jobruns_audit_file_t *file,
    jr_line_t *line, ngx_msec_t sync, ngx_http_jobruns_audit_wait_t *wait,
    ngx_log_t *log);

/* what is wrong with the file, for records and error.log */
void ngx_cdecl ngx_http_jobruns_audit_error(
    ngx_http_jobruns_audit_file_t *file, const char *fmt, ...);

/* closes all chains: this worker process writes no more records */
void ngx_http_jobruns_audit_close(ngx_cycle_t *cycle);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_FILE_H_INCLUDED */
