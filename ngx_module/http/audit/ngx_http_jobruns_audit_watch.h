/*
 * Is the file that records are written to the one that people find on disk?
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_WATCH_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_WATCH_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* a worker begins to look after its files */
void ngx_http_jobruns_audit_watch_begin(ngx_cycle_t *cycle);
void ngx_http_jobruns_audit_watch_end(ngx_http_jobruns_audit_file_t *file);

/* ngx_reopen_files() is about to open the file again */
void ngx_http_jobruns_audit_watch_reopening(
    ngx_http_jobruns_audit_file_t *file);

/* what became of that, if it is over */
void ngx_http_jobruns_audit_watch_settle(ngx_http_jobruns_audit_file_t *file);

/* Something was written.  NGX_ERROR: to a file that has no name, and it is
   lost; NGX_DECLINED: the same, but another file stands at the path, is open
   now and wants it. */
ngx_int_t ngx_http_jobruns_audit_watch_written(
    ngx_http_jobruns_audit_file_t *file);

/* makes a file that is not there, 0640; the other: all of a configuration,
   before NGINX opens them */
void ngx_http_jobruns_audit_create(ngx_str_t *name);
void ngx_http_jobruns_audit_create_files(ngx_conf_t *cf);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_WATCH_H_INCLUDED */
