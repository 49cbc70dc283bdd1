/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The audit as the rest of the gateway sees it: the files of a configuration,
 * a worker's begin and end, and the moments at which an attempt is recorded.
 *
 *   ngx_http_jobruns_audit.c           these
 *   ngx_http_jobruns_audit_record.c    what an attempt's record says
 *   ngx_http_jobruns_audit_fold.c      refusals that share a record
 *   ngx_http_jobruns_audit_file.c      a file, its chain, and its one buffer
 *   ngx_http_jobruns_audit_envelope.c  what all records have
 *   ngx_http_jobruns_audit_watch.c     is the file still the one on disk?
 *   ngx_http_jobruns_audit_sync.c      getting it to the disk
 *
 * Each calls those below it.  None calls what a request goes through: who
 * waits for a record leaves a callback.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_jobruns_metrics.h"

#include "jr_chain.h"
#include "jr_line.h"


/* bytes of a record with its line end; what is longer is cut, see jr_line.h */
#define NGX_HTTP_JOBRUNS_AUDIT_RECORD  65536

/* of a time as records have it */
#define NGX_HTTP_JOBRUNS_AUDIT_TIME    sizeof("2026-01-01T00:00:00.000Z")

/* jobruns_audit_sync, where it is no interval */
#define NGX_HTTP_JOBRUNS_SYNC_OFF      0
#define NGX_HTTP_JOBRUNS_SYNC_ALWAYS   ((ngx_msec_t) -2)


typedef struct ngx_http_jobruns_audit_file_s  ngx_http_jobruns_audit_file_t;
typedef struct ngx_http_jobruns_audit_sync_s  ngx_http_jobruns_audit_sync_t;
typedef struct ngx_http_jobruns_audit_wait_s  ngx_http_jobruns_audit_wait_t;

/* the attempt's record is in its file, or on the disk (NGX_OK), or will not be
   (NGX_ERROR) */
typedef void (*ngx_http_jobruns_audit_done_pt)(ngx_http_jobruns_attempt_t *a,
    ngx_int_t rc);


/*
 * Somebody who waits until a record is in its file, or on the disk.  The
 * memory is the caller's and must stay until the handler is called, which
 * happens once, at the end of a turn of the event loop.
 */
struct ngx_http_jobruns_audit_wait_s {
    void                           (*handler)(
                                         ngx_http_jobruns_audit_wait_t *wait);
    ngx_http_jobruns_attempt_t      *attempt;
    ngx_http_jobruns_audit_done_pt   done;    /* of the handler */
    ngx_int_t                        rc;      /* for the handler: NGX_OK or
                                                 NGX_ERROR */
    ngx_queue_t                      queue;   /* of the buffer, then of the
                                                 sync, as is the rest */
    uint64_t                         record;
    ngx_event_t                      deadline;
    ngx_http_jobruns_audit_sync_t   *sync;
    unsigned                         written:1;   /* for the handler: it is in
                                                 the file */
    unsigned                         durable:1;   /* called when it is on the
                                                 disk */
};


/* What chains of a configuration are sealed with, and say of it. */
typedef struct {
    jr_mac_t                        *mac;     /* NULL: no jobruns_audit_key */
    char                             id[JR_MAC_ID];
    jr_str_t                         before;  /* id of the key that a reload
                                                 replaced, "none"; data NULL:
                                                 it is not known */
    char                             before_id[JR_MAC_ID];
    char                             configured[NGX_HTTP_JOBRUNS_AUDIT_TIME];
} ngx_http_jobruns_audit_seal_t;


/* the file of that path in this configuration; NULL after logging an error */
ngx_http_jobruns_audit_file_t *ngx_http_jobruns_audit_open(ngx_conf_t *cf,
    ngx_str_t *path);

/* makes the files that are not there, 0640, before NGINX opens them */
void ngx_http_jobruns_audit_create_files(ngx_conf_t *cf);

/* A worker begins, when it can count; and closes all chains: it writes no more
   records. */
void ngx_http_jobruns_audit_start(ngx_cycle_t *cycle);
void ngx_http_jobruns_audit_stop(ngx_cycle_t *cycle);

/*
 * Writes the record before the attempt is forwarded.  NGX_AGAIN: it is on its
 * way, and done will be called from the event loop when it is there or will
 * not be.  NGX_OK: there is no file.  NGX_ERROR: it is not in the file.
 */
ngx_int_t ngx_http_jobruns_audit_begin(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_audit_done_pt done);

/*
 * Writes the record that says how the attempt ended, once, whatever comes of
 * it.  NGX_AGAIN as above, unless done is NULL; otherwise NGX_OK.
 */
ngx_int_t ngx_http_jobruns_audit_end(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_audit_done_pt done);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_H_INCLUDED */
