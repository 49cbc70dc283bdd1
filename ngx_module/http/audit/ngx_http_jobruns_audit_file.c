/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An audit file: the chain that each worker has in it, and the one buffer
 * through which a worker's records get into it.
 *
 * begin() and commit() are the one way in.  What one turn of the event loop
 * has to record leaves in one write(), and whoever waits for a record is
 * called behind it, at the end of that turn.  The buffer is empty whenever
 * the event loop waits, but for what is recorded outside of a turn, such as
 * when connections are closed for a worker that is to leave.
 *
 * NGINX opens the files and opens them again on USR1 (ngx_conf_open_file(),
 * ngx_reopen_files()), always with O_APPEND: a write() of whole records lands
 * whole behind those of other workers.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_envelope.h"
#include "ngx_http_jobruns_audit_file.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_random.h"


/* a buffer that is full is written at once */
#define NGX_HTTP_JOBRUNS_BUFFER_SIZE     (4 * NGX_HTTP_JOBRUNS_AUDIT_RECORD)
#define NGX_HTTP_JOBRUNS_BUFFER_RECORDS  256


/* a record that is sealed and not yet written */
typedef struct {
    char                            *line;
    size_t                           len;     /* without its line end */
    ngx_syslog_peer_t               *peer;    /* NULL: no copy */
    ngx_msec_t                       sync;    /* of jobruns_audit_sync */
    ngx_http_jobruns_audit_wait_t   *wait;    /* NULL: nobody waits */
    unsigned                         own:1;   /* of the chain itself */
} ngx_http_jobruns_audit_sealed_t;


static void ngx_http_jobruns_audit_file_room(
    ngx_http_jobruns_audit_file_t *file);
static jr_line_t *ngx_http_jobruns_audit_file_line(jr_str_t type);
static ngx_http_jobruns_audit_sealed_t *ngx_http_jobruns_audit_file_seal(
    ngx_http_jobruns_audit_file_t *file, ngx_log_t *log);
static void ngx_http_jobruns_audit_file_lost(
    ngx_http_jobruns_audit_file_t *file);
static ngx_int_t ngx_http_jobruns_audit_file_chain(
    ngx_http_jobruns_audit_file_t *file, ngx_log_t *log);
static ngx_int_t ngx_http_jobruns_audit_file_chain_record(
    ngx_http_jobruns_audit_file_t *file, jr_str_t type, ngx_log_t *log);
static size_t ngx_http_jobruns_audit_file_put(
    ngx_http_jobruns_audit_file_t *file);
static size_t ngx_http_jobruns_audit_file_torn(
    ngx_http_jobruns_audit_file_t *file, char *from, size_t size, ssize_t n);
static void ngx_http_jobruns_audit_file_take_back(
    ngx_http_jobruns_audit_sealed_t *record);
static void ngx_http_jobruns_audit_file_result(
    ngx_http_jobruns_audit_sealed_t *record, ngx_int_t rc);
static void ngx_http_jobruns_audit_file_syslog(
    ngx_http_jobruns_audit_sealed_t *record);
static void ngx_http_jobruns_audit_file_on_turn(ngx_event_t *ev);


/* the text, behind room for a line end that ends a torn line before it */
static char  ngx_http_jobruns_audit_text[1 + NGX_HTTP_JOBRUNS_BUFFER_SIZE];

/* of this worker */
static struct {
    ngx_http_jobruns_audit_file_t    *file;   /* that all records are for */
    char                             *last;   /* end of what is sealed */
    jr_line_t                         line;   /* the record that is begun */
    ngx_uint_t                        n;
    ngx_http_jobruns_audit_sealed_t   records[NGX_HTTP_JOBRUNS_BUFFER_RECORDS];
    ngx_queue_t                       done;   /* waits to be called back */
    ngx_event_t                       turn;   /* posted: the turn's end */
} ngx_http_jobruns_audit_buffer = {
    .last = ngx_http_jobruns_audit_text + 1,
    .done = { &ngx_http_jobruns_audit_buffer.done,
              &ngx_http_jobruns_audit_buffer.done },
    .turn = { .handler = ngx_http_jobruns_audit_file_on_turn }
};


jr_line_t *
ngx_http_jobruns_audit_file_begin(ngx_http_jobruns_audit_file_t *file,
    jr_str_t type, ngx_syslog_peer_t *peer, ngx_log_t *log)
{
    ngx_http_jobruns_audit_file_room(file);

    file->peer = peer;

    if (!file->opened
        && ngx_http_jobruns_audit_file_chain(file, log) != NGX_OK)
    {
        ngx_http_jobruns_audit_file_lost(file);
        return NULL;
    }

    return ngx_http_jobruns_audit_file_line(type);
}


ngx_int_t
ngx_http_jobruns_audit_file_commit(ngx_http_jobruns_audit_file_t *file,
    ngx_msec_t sync, ngx_http_jobruns_audit_wait_t *wait, ngx_log_t *log)
{
    ngx_http_jobruns_audit_sealed_t  *record;

    record = ngx_http_jobruns_audit_file_seal(file, log);

    if (record == NULL) {
        ngx_http_jobruns_audit_file_lost(file);
        return NGX_ERROR;
    }

    record->sync = sync;
    record->wait = wait;

    return NGX_OK;
}


/* makes room for two records of that file, where there is none by writing what
   is pending: the first of a chain has another one before it */

static void
ngx_http_jobruns_audit_file_room(ngx_http_jobruns_audit_file_t *file)
{
    size_t  used;

    used = ngx_http_jobruns_audit_buffer.last - ngx_http_jobruns_audit_text;

    if (ngx_http_jobruns_audit_buffer.file != file
        || ngx_http_jobruns_audit_buffer.n + 2
           > NGX_HTTP_JOBRUNS_BUFFER_RECORDS
        || used + 2 * NGX_HTTP_JOBRUNS_AUDIT_RECORD
           > sizeof(ngx_http_jobruns_audit_text))
    {
        ngx_http_jobruns_audit_file_write();

        ngx_http_jobruns_audit_buffer.file = file;
    }
}


static jr_line_t *
ngx_http_jobruns_audit_file_line(jr_str_t type)
{
    jr_line_t  *line;

    line = &ngx_http_jobruns_audit_buffer.line;

    jr_line_init(line, ngx_http_jobruns_audit_buffer.last,
                 NGX_HTTP_JOBRUNS_AUDIT_RECORD - JR_CHAIN_TAIL - 1);

    ngx_http_jobruns_audit_envelope_open(line, type);

    return line;
}


/* NULL: no memory.  The caller fills in the rest of the record. */

static ngx_http_jobruns_audit_sealed_t *
ngx_http_jobruns_audit_file_seal(ngx_http_jobruns_audit_file_t *file,
    ngx_log_t *log)
{
    size_t                            len;
    jr_line_t                        *line;
    ngx_http_jobruns_audit_sealed_t  *record;

    line = &ngx_http_jobruns_audit_buffer.line;

    ngx_http_jobruns_audit_envelope_close(line);

    len = jr_line_len(line);

    if (jr_chain_seal(&file->chain, line->start, &len) != JR_OK) {
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "jobruns: no memory to hash a record of the audit file "
                      "\"%V\"", &file->file->name);
        return NULL;
    }

    record = &ngx_http_jobruns_audit_buffer.records[
                                          ngx_http_jobruns_audit_buffer.n++];

    ngx_memzero(record, sizeof(ngx_http_jobruns_audit_sealed_t));

    record->line = line->start;
    record->len = len;
    record->peer = file->peer;

    line->start[len] = LF;
    ngx_http_jobruns_audit_buffer.last = line->start + len + 1;

    ngx_http_jobruns_audit_buffer.turn.log = ngx_cycle->log;

    ngx_post_event(&ngx_http_jobruns_audit_buffer.turn, &ngx_posted_events);

    return record;
}


/* the next record that can be written reports it ("lost") */

static void
ngx_http_jobruns_audit_file_lost(ngx_http_jobruns_audit_file_t *file)
{
    jr_chain_lost(&file->chain);

    ngx_http_jobruns_count(jobruns_count_audit_failures);
}


/* the first record of a chain, when there is a second one */

static ngx_int_t
ngx_http_jobruns_audit_file_chain(ngx_http_jobruns_audit_file_t *file,
    ngx_log_t *log)
{
    u_char    id[JR_CHAIN_ID];
    uint64_t  lost;

    if (ngx_http_jobruns_random_hex(id, sizeof(id), 0) != NGX_OK) {
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "jobruns: no random id for a chain of the audit file "
                      "\"%V\"", &file->file->name);
        return NGX_ERROR;
    }

    lost = file->chain.lost;

    jr_chain_init(&file->chain, (char *) id, file->seal->mac);

    file->chain.lost = lost;

    if (ngx_http_jobruns_audit_file_chain_record(file,
                                (jr_str_t) jr_str(JR_CHAIN_TYPE_OPEN), log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    file->opened = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_audit_file_chain_record(ngx_http_jobruns_audit_file_t *file,
    jr_str_t type, ngx_log_t *log)
{
    ngx_http_jobruns_audit_sealed_t  *record;

    ngx_http_jobruns_audit_envelope_chain(&file->chain, file->seal,
                                   ngx_http_jobruns_audit_file_line(type));

    record = ngx_http_jobruns_audit_file_seal(file, log);

    if (record == NULL) {
        return NGX_ERROR;
    }

    record->own = 1;

    return NGX_OK;
}


void
ngx_http_jobruns_audit_file_close(ngx_http_jobruns_audit_file_t *file,
    ngx_log_t *log)
{
    ngx_http_jobruns_audit_file_room(file);

    if (!file->opened) {
        return;
    }

    (void) ngx_http_jobruns_audit_file_chain_record(file,
                               (jr_str_t) jr_str(JR_CHAIN_TYPE_CLOSE), log);
    ngx_http_jobruns_audit_file_write();

    file->opened = 0;

    ngx_http_jobruns_audit_sync_now(&file->sync, log);
}


void
ngx_http_jobruns_audit_file_write(void)
{
    size_t                            whole;
    ngx_uint_t                        i, n;
    ngx_http_jobruns_audit_sealed_t  *records;

    n = ngx_http_jobruns_audit_buffer.n;

    if (n == 0) {
        return;
    }

    records = ngx_http_jobruns_audit_buffer.records;

    whole = ngx_http_jobruns_audit_file_put(
                                         ngx_http_jobruns_audit_buffer.file);

    for (i = n; i > whole; i--) {
        ngx_http_jobruns_audit_file_take_back(&records[i - 1]);
    }

    for (i = 0; i < n; i++) {
        ngx_http_jobruns_audit_file_result(&records[i], i < whole ? NGX_OK
                                                                  : NGX_ERROR);
    }

    ngx_http_jobruns_audit_buffer.n = 0;
    ngx_http_jobruns_audit_buffer.last = ngx_http_jobruns_audit_text + 1;
}


/* how many records are in the file that stands on disk now */

static size_t
ngx_http_jobruns_audit_file_put(ngx_http_jobruns_audit_file_t *file)
{
    char        *from;
    size_t       size, whole;
    ssize_t      n;
    ngx_int_t    rc;

    ngx_http_jobruns_audit_watch_settle(file);

    do {
        if (file->watch.unnamed) {
            /* nobody would ever read it; error.log said so */
            return 0;
        }

        from = ngx_http_jobruns_audit_text + 1;

        if (file->torn) {
            *--from = LF;
        }

        size = ngx_http_jobruns_audit_buffer.last - from;

        n = ngx_write_fd(file->file->fd, from, size);

        if ((size_t) n == size) {
            file->torn = 0;
            whole = ngx_http_jobruns_audit_buffer.n;

        } else {
            whole = ngx_http_jobruns_audit_file_torn(file, from, size, n);
        }

        rc = ngx_http_jobruns_audit_watch_written(file);

    } while (rc == NGX_DECLINED);

    return rc == NGX_OK ? whole : 0;
}


/* not all of the buffer was written: how many records are whole in the file */

static size_t
ngx_http_jobruns_audit_file_torn(ngx_http_jobruns_audit_file_t *file,
    char *from, size_t size, ssize_t n)
{
    char        *end;
    ngx_err_t    err;
    ngx_log_t   *log;
    ngx_uint_t   whole;

    log = ngx_cycle->log;

    if (n == -1) {
        err = ngx_errno;

        ngx_http_jobruns_audit_watch_error(file,
                                           "it cannot be written (%d: %s)",
                                           err, strerror(err));

        ngx_http_jobruns_log_fault(log, jobruns_log_audit, NGX_LOG_CRIT,
                                   err, "the audit file \"%V\" cannot "
                                   "be written", &file->file->name);
        return 0;
    }

    ngx_http_jobruns_count(jobruns_count_audit_torn);

    ngx_http_jobruns_audit_watch_error(file,
                                 "only %z of %uz bytes could be written",
                                 n, size);

    ngx_http_jobruns_log_fault(log, jobruns_log_audit_torn, NGX_LOG_CRIT, 0,
                               "only %z of %uz bytes of records went to the "
                               "audit file \"%V\": is its disk full?",
                               n, size, &file->file->name);

    end = from + n;

    /* ends the torn line; where even that fails, the next write begins with
       a line end */

    if (n > 0) {
        file->torn = (end[-1] != LF
                      && ngx_write_fd(file->file->fd, "\n", 1) != 1);
    }

    /* a record is whole without its line end, which is there now or will
       be */

    for (whole = 0; whole < ngx_http_jobruns_audit_buffer.n; whole++) {

        if (ngx_http_jobruns_audit_buffer.records[whole].line
            + ngx_http_jobruns_audit_buffer.records[whole].len > end)
        {
            break;
        }
    }

    return whole;
}


static void
ngx_http_jobruns_audit_file_take_back(ngx_http_jobruns_audit_sealed_t *record)
{
    ngx_http_jobruns_audit_file_t  *file;

    file = ngx_http_jobruns_audit_buffer.file;

    jr_chain_back(&file->chain, record->line, record->len);

    if (!record->own) {
        jr_chain_lost(&file->chain);

    } else {
        /* its chain is as good as not begun, or not ended */
        file->opened = 0;
    }
}


/* what became of a record; who waits for it is called when the turn ends */

static void
ngx_http_jobruns_audit_file_result(ngx_http_jobruns_audit_sealed_t *record,
    ngx_int_t rc)
{
    ngx_http_jobruns_audit_file_t  *file;
    ngx_http_jobruns_audit_wait_t  *wait;

    file = ngx_http_jobruns_audit_buffer.file;
    wait = record->wait;

    if (wait != NULL) {
        wait->rc = rc;
        wait->written = (rc == NGX_OK);
        wait->sync = &file->sync;

        ngx_queue_insert_tail(&ngx_http_jobruns_audit_buffer.done,
                              &wait->queue);
    }

    if (!record->own) {
        ngx_http_jobruns_count(rc == NGX_OK ? jobruns_count_audit_records
                                            : jobruns_count_audit_failures);
    }

    if (rc != NGX_OK) {
        return;
    }

    ngx_http_jobruns_audit_sync_note(&file->sync);

    if (record->sync != NGX_HTTP_JOBRUNS_SYNC_OFF
        && (wait == NULL || !wait->durable))
    {
        /* where nobody waits, the next turn is soon enough */

        ngx_http_jobruns_audit_sync_later(&file->sync,
                              record->sync == NGX_HTTP_JOBRUNS_SYNC_ALWAYS
                              ? 0 : record->sync);
    }

    if (record->peer != NULL) {
        ngx_http_jobruns_audit_file_syslog(record);
    }
}


/* a copy beside the file and never in its place: a datagram may be dropped on
   its way, and nobody learns of it */

static void
ngx_http_jobruns_audit_file_syslog(ngx_http_jobruns_audit_sealed_t *record)
{
    u_char  *last;

    /* room for ngx_syslog_add_header(): priority, time, host and tag */

    static u_char  buf[NGX_HTTP_JOBRUNS_AUDIT_RECORD + NGX_MAXHOSTNAMELEN
                       + 128];

    last = ngx_syslog_add_header(record->peer, buf);
    last = ngx_cpymem(last, record->line, record->len);

    /* never blocks; a failure is logged by ngx_send() */

    (void) ngx_syslog_send(record->peer, buf, last - buf);
}


static void
ngx_http_jobruns_audit_file_on_turn(ngx_event_t *ev)
{
    ngx_queue_t                    *q;
    ngx_http_jobruns_audit_wait_t  *wait;

    (void) ev;

    ngx_http_jobruns_audit_file_write();

    while (!ngx_queue_empty(&ngx_http_jobruns_audit_buffer.done)) {

        q = ngx_queue_head(&ngx_http_jobruns_audit_buffer.done);
        wait = ngx_queue_data(q, ngx_http_jobruns_audit_wait_t, queue);

        ngx_queue_remove(q);

        if (wait->written && wait->durable) {
            ngx_http_jobruns_audit_sync_wait(wait->sync, wait);

        } else {
            wait->handler(wait);
        }
    }
}
