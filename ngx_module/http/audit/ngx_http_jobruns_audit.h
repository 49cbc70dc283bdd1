/*
 * The audit: files of chained records, their way to the disk, and what a
 * record says.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "jr_chain.h"
#include "jr_line.h"
#include "jr_outcome.h"


/* bytes of a record with its line end; what is longer is cut, see jr_line.h */
#define NGX_HTTP_JOBRUNS_AUDIT_RECORD  65536

/* jobruns_audit_sync, where it is no interval */
#define NGX_HTTP_JOBRUNS_SYNC_OFF     0
#define NGX_HTTP_JOBRUNS_SYNC_ALWAYS  ((ngx_msec_t) -2)

/* what a record is about */
typedef enum {
    jobruns_audit_begin = 0,    /* an attempt is going to be forwarded */
    jobruns_audit_end,          /* and has ended */
    jobruns_audit_whole         /* both: it was not forwarded */
} ngx_http_jobruns_audit_moment_e;

/* a record that is not on the disk by then counts as not written, ms */
#define NGX_HTTP_JOBRUNS_SYNC_PATIENCE  5000

/* files of rotations that wait for their last sync */
#define NGX_HTTP_JOBRUNS_SYNC_RETIRED   4


/* of a time as records have it */
#define NGX_HTTP_JOBRUNS_AUDIT_TIME  sizeof("2026-01-01T00:00:00.000Z")


struct ngx_http_jobruns_attempt_s;

/* how an attempt goes on */
typedef void (*ngx_http_jobruns_next_pt)(ngx_http_request_t *r,
    struct ngx_http_jobruns_attempt_s *a);

typedef struct ngx_http_jobruns_audit_file_s  ngx_http_jobruns_audit_file_t;
typedef struct ngx_http_jobruns_audit_sync_s  ngx_http_jobruns_audit_sync_t;
typedef struct ngx_http_jobruns_audit_wait_s  ngx_http_jobruns_audit_wait_t;

typedef void (*ngx_http_jobruns_audit_wait_pt)(
    ngx_http_jobruns_audit_wait_t *wait);


/*
 * Somebody who waits until a record is in its file, or on the disk.  The
 * memory is the caller's and must stay until the handler is called, which
 * happens once, at the end of a turn of the event loop.
 */
struct ngx_http_jobruns_audit_wait_s {
    ngx_http_jobruns_audit_wait_pt   handler;
    void                            *data;
    ngx_int_t                        rc;      /* for the handler: NGX_OK or
                                                 NGX_ERROR */
    ngx_queue_t                      queue;   /* of the batch, then of the
                                                 sync, as is the rest */
    uint64_t                         record;
    ngx_event_t                      deadline;
    ngx_http_jobruns_audit_sync_t   *sync;
    unsigned                         written:1;   /* for the handler: it is in
                                                 the file */
    unsigned                         durable:1;   /* called when it is on the
                                                 disk */
};


/* A record that is sealed and not yet written. */
typedef struct {
    char                            *line;
    size_t                           len;     /* without its line end */
    ngx_syslog_peer_t               *peer;    /* NULL: no copy */
    ngx_msec_t                       sync;    /* of jobruns_audit_sync */
    ngx_http_jobruns_audit_wait_t   *wait;    /* NULL: nobody waits */
    unsigned                         own:1;   /* of the chain itself */
} ngx_http_jobruns_audit_sealed_t;


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


/* Whether a file is the one that stands at its path; of a worker. */
typedef struct {
    ngx_event_t                      timer;   /* the next look */
    ngx_event_t                      reopened;    /* posted: how it went */
    ngx_fd_t                         old;     /* before a reopen under way */
    ngx_uint_t                       misses;  /* looks in a row that did not
                                                 find it */
    ngx_err_t                        err;     /* of opening what stands there */
    unsigned                         watching:1;
    unsigned                         regular:1;   /* else it is left alone */
    unsigned                         failed:1;    /* the last reopen */
    unsigned                         unnamed:1;   /* it was removed */
    unsigned                         lost:1;
} ngx_http_jobruns_audit_watch_t;


/* client addresses that are watched for folded refusals, and bytes of one */
#define NGX_HTTP_JOBRUNS_AUDIT_ADDRESSES  32
#define NGX_HTTP_JOBRUNS_AUDIT_ADDRESS    64

typedef struct {
    ngx_uint_t                       count;   /* 0: free */
    ngx_uint_t                       error;   /* by so much it may be too
                                                 high */
    size_t                           len;
    u_char                           text[NGX_HTTP_JOBRUNS_AUDIT_ADDRESS];
} ngx_http_jobruns_audit_address_t;


/* Refusals that have no record of their own, until one tells of all. */
typedef struct {
    ngx_event_t                      timer;   /* when it does */
    time_t                           window;  /* that written counts in */
    ngx_uint_t                       written; /* records of refusals */
    ngx_uint_t                       refusals;    /* folded */
    ngx_uint_t                       outcomes[JR_OUTCOMES];
    ngx_http_jobruns_audit_address_t addresses[
                                           NGX_HTTP_JOBRUNS_AUDIT_ADDRESSES];
    char                             from[NGX_HTTP_JOBRUNS_AUDIT_TIME];
    char                             to[NGX_HTTP_JOBRUNS_AUDIT_TIME];
    ngx_syslog_peer_t               *peer;    /* of the first of them */
    ngx_msec_t                       sync;
} ngx_http_jobruns_audit_fold_t;


/* of the text that says why a file cannot be written */
#define NGX_HTTP_JOBRUNS_AUDIT_ERROR  200


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
    ngx_str_t                        error;   /* why it could not be written
                                                 last, in error_text */
    u_char                           error_text[NGX_HTTP_JOBRUNS_AUDIT_ERROR];
    unsigned                         opened:1;    /* the chain */
    unsigned                         torn:1;  /* the file has no line end at
                                                 its end */
};


/*
 * Writes the record before the attempt is forwarded.  NGX_AGAIN: it is on
 * its way, and the caller parks the attempt, which is woken when it is there
 * or will not be: see a->record.rc.  NGX_OK: there is no file.  NGX_ERROR: it
 * is not in the file.
 */
ngx_int_t ngx_http_jobruns_audit_begin(ngx_http_request_t *r,
    struct ngx_http_jobruns_attempt_s *a);

/*
 * Writes the record that says how the attempt ended, once, whatever comes of
 * it.  NGX_AGAIN as above, where the caller can park; otherwise NGX_OK.
 */
ngx_int_t ngx_http_jobruns_audit_end(ngx_http_request_t *r,
    struct ngx_http_jobruns_attempt_s *a, ngx_uint_t park);

ngx_int_t ngx_http_jobruns_log_handler(ngx_http_request_t *r);


/* bytes of each text that others chose */
#define NGX_HTTP_JOBRUNS_AUDIT_TEXT     1024
#define NGX_HTTP_JOBRUNS_AUDIT_PATH     2048
#define NGX_HTTP_JOBRUNS_AUDIT_MESSAGE  8192


#endif /* NGX_HTTP_JOBRUNS_AUDIT_H_INCLUDED */
