/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An audit file: the chain that each worker has in it, and the one buffer
 * through which a worker's records get into it.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_FILE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_FILE_H_INCLUDED

#include "ngx_http_jobruns_audit.h"
#include "ngx_http_jobruns_audit_fold.h"
#include "ngx_http_jobruns_audit_sync.h"
#include "ngx_http_jobruns_audit_watch.h"


/*
 * A path that records are appended to; made once for each when the
 * configuration is read.  After fork() each worker has its own copy of it,
 * and so its own chain, which goes on through rotations.
 */
struct ngx_http_jobruns_audit_file_s {
    ngx_open_file_t                 *file;
    ngx_http_jobruns_audit_seal_t   *seal;    /* of the main configuration,
                                                 which may come later */
    jr_chain_t                       chain;
    ngx_syslog_peer_t               *peer;    /* that had the last copy */
    ngx_http_jobruns_audit_sync_t    sync;
    ngx_http_jobruns_audit_watch_t   watch;
    ngx_http_jobruns_audit_fold_t    fold;
    unsigned                         opened:1;    /* the chain */
    unsigned                         torn:1;  /* the file has no line end at
                                                 its end */
};


/*
 * Begins a record of that type in the buffer: the members that all records
 * begin with, and an object "data", which is open.  No other record may be
 * begun until it is committed.  peer NULL: no copy goes to syslog.  NULL: the
 * record is lost, which was logged and counted.
 */
jr_line_t *ngx_http_jobruns_audit_file_begin(
    ngx_http_jobruns_audit_file_t *file, jr_str_t type,
    ngx_syslog_peer_t *peer, ngx_log_t *log);

/*
 * Closes the record that was begun, and seals it into the chain; it goes into
 * the file at the end of this turn of the event loop.  sync as
 * jobruns_audit_sync has it; wait NULL: nobody waits.  NGX_ERROR: the record
 * is lost, as above, and wait is not called.
 */
ngx_int_t ngx_http_jobruns_audit_file_commit(
    ngx_http_jobruns_audit_file_t *file, ngx_msec_t sync,
    ngx_http_jobruns_audit_wait_t *wait, ngx_log_t *log);

/* writes what is committed, to whichever file it is for */
void ngx_http_jobruns_audit_file_write(void);

/* ends the chain, and waits for the disk */
void ngx_http_jobruns_audit_file_close(ngx_http_jobruns_audit_file_t *file,
    ngx_log_t *log);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_FILE_H_INCLUDED */
