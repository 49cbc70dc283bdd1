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


/* ngx_http_jobruns_audit_directives.c: setters, named as their directives */

char *ngx_http_jobruns_audit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_jobruns_audit_sync(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jobruns_audit_refusals(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* /var/log/jobruns/audit.log; NULL after saying what is wrong with it */
ngx_http_jobruns_audit_file_t *ngx_http_jobruns_audit_default(ngx_conf_t *cf);

/* what a location with `jobruns on` needs of the audit; sync may be
   NGX_CONF_UNSET_MSEC, which becomes the default */
char *ngx_http_jobruns_audit_enable(ngx_conf_t *cf, ngx_msec_t *sync);


/* ngx_http_jobruns_audit_key.c */

/* jobruns_audit_key */
char *ngx_http_jobruns_audit_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* all of http{} is read: what its chains will say of it */
void ngx_http_jobruns_audit_seal_init(ngx_conf_t *cf,
    ngx_http_jobruns_audit_seal_t *seal);


/* ngx_http_jobruns_audit.c: the moments of an attempt */

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


/* ngx_http_jobruns_audit_record.c: what a record says */

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


/* ngx_http_jobruns_audit_asker.c */

/* "identity" and "request"; the other for ".end", as much as it takes to read
   that record alone */
void ngx_http_jobruns_audit_asker(ngx_http_request_t *r,
    struct ngx_http_jobruns_attempt_s *a, jr_line_t *line);
void ngx_http_jobruns_audit_asker_again(ngx_http_request_t *r,
    struct ngx_http_jobruns_attempt_s *a, jr_line_t *line);

/* a string of which at most so many bytes are taken; a record that is cut says
   so */
void ngx_http_jobruns_audit_text(jr_line_t *line, const char *name,
    jr_str_t value, size_t most);

/* bytes of each text that others chose */
#define NGX_HTTP_JOBRUNS_AUDIT_TEXT     1024
#define NGX_HTTP_JOBRUNS_AUDIT_PATH     2048
#define NGX_HTTP_JOBRUNS_AUDIT_MESSAGE  8192


/* ngx_http_jobruns_audit_file.c */

/* the file of that path in this configuration; NULL after logging an error */
ngx_http_jobruns_audit_file_t *ngx_http_jobruns_audit_open(ngx_conf_t *cf,
    ngx_str_t *path);

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


/* ngx_http_jobruns_audit_fold.c */

/* Takes a refusal that is to have no record of its own; 0: it is to have one,
   which counts. */
ngx_uint_t ngx_http_jobruns_audit_fold(ngx_http_request_t *r,
    struct ngx_http_jobruns_attempt_s *a);

/* one record of what was folded, if anything was */
void ngx_http_jobruns_audit_fold_flush(ngx_http_jobruns_audit_file_t *file);


/* ngx_http_jobruns_audit_watch.c */

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


/* ngx_http_jobruns_audit_batch.c */

/* makes room for two records of that file, where there is none by writing
   what is pending */
void ngx_http_jobruns_audit_batch_room(ngx_http_jobruns_audit_file_t *file);

/* begins a line in that room */
void ngx_http_jobruns_audit_batch_line(jr_line_t *line);

/* seals that line into the chain of its file; NULL: no memory, which was
   logged.  The caller fills in the rest of the record. */
ngx_http_jobruns_audit_sealed_t *ngx_http_jobruns_audit_batch_seal(
    jr_line_t *line, ngx_log_t *log);

/* writes what is pending */
void ngx_http_jobruns_audit_batch_write(void);


/* ngx_http_jobruns_audit_syslog.c */

char *ngx_http_jobruns_audit_syslog_conf(ngx_conf_t *cf,
    ngx_syslog_peer_t **peer);

/* sends a record without its line end, if the socket takes it */
void ngx_http_jobruns_audit_syslog(ngx_syslog_peer_t *peer, const char *line,
    size_t len);


/* ngx_http_jobruns_audit_sync.c */

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


#endif /* NGX_HTTP_JOBRUNS_AUDIT_H_INCLUDED */
