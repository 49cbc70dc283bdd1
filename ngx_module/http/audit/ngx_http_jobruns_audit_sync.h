/*
 * Getting records to the disk with fdatasync(), in NGINX's thread pool and
 * never in the event loop.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_SYNC_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_SYNC_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* asks NGINX for its thread pool; NGX_DECLINED: it is built without threads */
ngx_int_t ngx_http_jobruns_audit_sync_threads(ngx_conf_t *cf);

/* a worker begins: finds the thread pool of its cycle */
void ngx_http_jobruns_audit_sync_begin(ngx_cycle_t *cycle);

void ngx_http_jobruns_audit_sync_init(ngx_http_jobruns_audit_sync_t *sync,
    ngx_open_file_t *file, ngx_log_t *log);

/* a record was written */
void ngx_http_jobruns_audit_sync_note(ngx_http_jobruns_audit_sync_t *sync);

/* what was written gets to the disk within interval, ms */
void ngx_http_jobruns_audit_sync_later(ngx_http_jobruns_audit_sync_t *sync,
    ngx_msec_t interval);

/* waits for the record written last; the handler is not called before this
   returns */
void ngx_http_jobruns_audit_sync_wait(ngx_http_jobruns_audit_sync_t *sync,
    ngx_http_jobruns_audit_wait_t *wait);

/* the file is about to be opened anew: keeps what is not synced yet */
void ngx_http_jobruns_audit_sync_retire(ngx_http_jobruns_audit_sync_t *sync,
    ngx_log_t *log);

/* the last sync of a process, which waits for the disk */
void ngx_http_jobruns_audit_sync_now(ngx_http_jobruns_audit_sync_t *sync,
    ngx_log_t *log);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_SYNC_H_INCLUDED */
