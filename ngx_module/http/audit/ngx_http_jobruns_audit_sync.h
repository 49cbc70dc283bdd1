/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Getting records to the disk with fdatasync(), in NGINX's thread pool and
 * never in the event loop.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_SYNC_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_SYNC_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* a record that is not on the disk by then counts as not written, ms */
#define NGX_HTTP_JOBRUNS_SYNC_PATIENCE  5000

/* files of rotations that wait for their last sync */
#define NGX_HTTP_JOBRUNS_SYNC_RETIRED   4


/*
 * How a file gets to its disk.  One sync is under way at a time; records
 * written meanwhile share the next one.
 */
struct ngx_http_jobruns_audit_sync_s {
    ngx_open_file_t                 *file;
    uint64_t                         written; /* records, since the start */
    uint64_t                         synced;  /* of them on the disk */
    uint64_t                         syncing; /* those of the sync under way */
    ngx_msec_t                       since;   /* the first that is not synced
                                                 is written */
    ngx_msec_t                       syncing_since;   /* the same, of these */
    ngx_msec_t                       interval;
    ngx_queue_t                      waiting;
    ngx_event_t                      timer;
    ngx_event_t                      start;   /* posted: at the end of this
                                                 turn of the event loop */
    ngx_fd_t                         retired[NGX_HTTP_JOBRUNS_SYNC_RETIRED];
    ngx_uint_t                       nretired;
    void                            *task;    /* ngx_thread_task_t */
    unsigned                         wanted:1;    /* ever, by anybody */
    unsigned                         running:1;
};


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

/* the file is about to be opened again: keeps what is not synced yet */
void ngx_http_jobruns_audit_sync_retire(ngx_http_jobruns_audit_sync_t *sync,
    ngx_log_t *log);

/* the last sync of a process, which waits for the disk */
void ngx_http_jobruns_audit_sync_now(ngx_http_jobruns_audit_sync_t *sync,
    ngx_log_t *log);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_SYNC_H_INCLUDED */
