/*
 * Records on their way into a file: what one turn of the event loop has to
 * say leaves in one write(), and whoever waits for a record goes on behind
 * it, at the end of that turn.
 *
 * A worker has one batch.  It is empty whenever the event loop waits, but for
 * what is recorded outside of a turn, such as when connections are closed for
 * a worker that is to leave.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_batch.h"
#include "ngx_http_jobruns_audit_file.h"
#include "ngx_http_jobruns_audit_sync.h"
#include "ngx_http_jobruns_audit_syslog.h"
#include "ngx_http_jobruns_audit_watch.h"
#include "ngx_http_jobruns_log.h"


/* a batch that is full is written at once */
#define NGX_HTTP_JOBRUNS_BATCH_SIZE     (4 * NGX_HTTP_JOBRUNS_AUDIT_RECORD)
#define NGX_HTTP_JOBRUNS_BATCH_RECORDS  256


static size_t ngx_http_jobruns_audit_put(
    ngx_http_jobruns_audit_file_t *file);
static void ngx_http_jobruns_audit_result(
    ngx_http_jobruns_audit_sealed_t *record, ngx_int_t rc);
static size_t ngx_http_jobruns_audit_torn(ngx_http_jobruns_audit_file_t *file,
    char *from, size_t size, ssize_t n);
static void ngx_http_jobruns_audit_take_back(
    ngx_http_jobruns_audit_sealed_t *record);
static void ngx_http_jobruns_audit_on_turn(ngx_event_t *ev);


/* the text, behind room for a line end that mends a torn line before it */
static char  ngx_http_jobruns_batch_buf[1 + NGX_HTTP_JOBRUNS_BATCH_SIZE];

static struct {
    ngx_http_jobruns_audit_file_t    *file;   /* that all records are for */
    char                             *last;   /* end of the text */
    ngx_uint_t                        n;
    ngx_http_jobruns_audit_sealed_t   records[NGX_HTTP_JOBRUNS_BATCH_RECORDS];
    ngx_queue_t                       done;   /* waits to be called back */
    ngx_event_t                       turn;   /* posted: the turn's end */
} ngx_http_jobruns_batch = {
    .last = ngx_http_jobruns_batch_buf + 1,
    .done = { &ngx_http_jobruns_batch.done, &ngx_http_jobruns_batch.done },
    .turn = { .handler = ngx_http_jobruns_audit_on_turn }
};


void
ngx_http_jobruns_audit_batch_room(ngx_http_jobruns_audit_file_t *file)
{
    size_t  used;

    used = ngx_http_jobruns_batch.last - ngx_http_jobruns_batch_buf;

    if (ngx_http_jobruns_batch.file != file
        || ngx_http_jobruns_batch.n + 2 > NGX_HTTP_JOBRUNS_BATCH_RECORDS
        || used + 2 * NGX_HTTP_JOBRUNS_AUDIT_RECORD
           > sizeof(ngx_http_jobruns_batch_buf))
    {
        ngx_http_jobruns_audit_batch_write();

        ngx_http_jobruns_batch.file = file;
    }
}


void
ngx_http_jobruns_audit_batch_line(jr_line_t *line)
{
    jr_line_init(line, ngx_http_jobruns_batch.last,
                 NGX_HTTP_JOBRUNS_AUDIT_RECORD - JR_CHAIN_TAIL - 1);
}


ngx_http_jobruns_audit_sealed_t *
ngx_http_jobruns_audit_batch_seal(jr_line_t *line, ngx_log_t *log)
{
    size_t                            len;
    ngx_http_jobruns_audit_file_t    *file;
    ngx_http_jobruns_audit_sealed_t  *record;

    file = ngx_http_jobruns_batch.file;
    len = jr_line_len(line);

    if (jr_chain_seal(&file->chain, line->start, &len) != JR_OK) {
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "jobruns: no memory to hash a record of the audit file "
                      "\"%V\"", &file->file->name);
        return NULL;
    }

    record = &ngx_http_jobruns_batch.records[ngx_http_jobruns_batch.n++];

    ngx_memzero(record, sizeof(ngx_http_jobruns_audit_sealed_t));

    record->line = line->start;
    record->len = len;
    record->peer = file->peer;

    line->start[len] = LF;
    ngx_http_jobruns_batch.last = line->start + len + 1;

    ngx_http_jobruns_batch.turn.log = ngx_cycle->log;

    ngx_post_event(&ngx_http_jobruns_batch.turn, &ngx_posted_events);

    return record;
}


void
ngx_http_jobruns_audit_batch_write(void)
{
    size_t                          whole;
    ngx_uint_t                      i;
    ngx_http_jobruns_audit_file_t  *file;

    if (ngx_http_jobruns_batch.n == 0) {
        return;
    }

    file = ngx_http_jobruns_batch.file;

    ngx_http_jobruns_audit_watch_settle(file);

    whole = ngx_http_jobruns_audit_put(file);

    for (i = ngx_http_jobruns_batch.n; i > whole; i--) {
        ngx_http_jobruns_audit_take_back(
                                      &ngx_http_jobruns_batch.records[i - 1]);
    }

    for (i = 0; i < ngx_http_jobruns_batch.n; i++) {
        ngx_http_jobruns_audit_result(&ngx_http_jobruns_batch.records[i],
                                      i < whole ? NGX_OK : NGX_ERROR);
    }

    ngx_http_jobruns_batch.n = 0;
    ngx_http_jobruns_batch.last = ngx_http_jobruns_batch_buf + 1;
}


/* how many records are in the file that stands on disk now */

static size_t
ngx_http_jobruns_audit_put(ngx_http_jobruns_audit_file_t *file)
{
    char        *from;
    size_t       size, whole;
    ssize_t      n;
    ngx_int_t    rc;

    do {
        if (file->watch.unnamed) {
            /* nobody would ever read it; error.log said so */
            return 0;
        }

        from = ngx_http_jobruns_batch_buf + 1;

        if (file->torn) {
            *--from = LF;
        }

        size = ngx_http_jobruns_batch.last - from;

        n = ngx_write_fd(file->file->fd, from, size);

        if ((size_t) n == size) {
            file->torn = 0;
            whole = ngx_http_jobruns_batch.n;

        } else {
            whole = ngx_http_jobruns_audit_torn(file, from, size, n);
        }

        rc = ngx_http_jobruns_audit_watch_written(file);

    } while (rc == NGX_DECLINED);

    return rc == NGX_OK ? whole : 0;
}


/* what became of a record; who waits for it is told at the end of the turn */

static void
ngx_http_jobruns_audit_result(ngx_http_jobruns_audit_sealed_t *record,
    ngx_int_t rc)
{
    ngx_http_jobruns_audit_file_t  *file;
    ngx_http_jobruns_audit_wait_t  *wait;

    file = ngx_http_jobruns_batch.file;
    wait = record->wait;

    if (wait != NULL) {
        wait->rc = rc;
        wait->written = (rc == NGX_OK);
        wait->sync = &file->sync;

        ngx_queue_insert_tail(&ngx_http_jobruns_batch.done, &wait->queue);
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
        ngx_http_jobruns_audit_syslog(record->peer, record->line,
                                      record->len);
    }
}


/* not all of the batch was written: how many records are whole in the file */

static size_t
ngx_http_jobruns_audit_torn(ngx_http_jobruns_audit_file_t *file, char *from,
    size_t size, ssize_t n)
{
    char        *end;
    ngx_err_t    err;
    ngx_log_t   *log;
    ngx_uint_t   whole;

    log = ngx_cycle->log;

    if (n == -1) {
        err = ngx_errno;

        ngx_http_jobruns_audit_error(file, "it cannot be written (%d: %s)",
                                     err, strerror(err));

        ngx_http_jobruns_log_fault(log, jobruns_log_audit, NGX_LOG_CRIT,
                                   err, "the audit file \"%V\" cannot "
                                   "be written", &file->file->name);
        return 0;
    }

    ngx_http_jobruns_count(jobruns_count_audit_torn);

    ngx_http_jobruns_audit_error(file, "only %z of %uz bytes could be written",
                                 n, size);

    ngx_http_jobruns_log_fault(log, jobruns_log_audit_torn, NGX_LOG_CRIT, 0,
                               "only %z of %uz bytes of records went to the "
                               "audit file \"%V\": is its disk full?",
                               n, size, &file->file->name);

    end = from + n;

    /* ends the torn line; where even that fails, the next batch begins with
       a line end */

    if (n > 0) {
        file->torn = (end[-1] != LF
                      && ngx_write_fd(file->file->fd, "\n", 1) != 1);
    }

    /* a record is whole without its line end, which is there now or will
       be */

    for (whole = 0; whole < ngx_http_jobruns_batch.n; whole++) {

        if (ngx_http_jobruns_batch.records[whole].line
            + ngx_http_jobruns_batch.records[whole].len > end)
        {
            break;
        }
    }

    return whole;
}


static void
ngx_http_jobruns_audit_take_back(ngx_http_jobruns_audit_sealed_t *record)
{
    ngx_http_jobruns_audit_file_t  *file;

    file = ngx_http_jobruns_batch.file;

    jr_chain_back(&file->chain, record->line, record->len);

    if (!record->own) {
        jr_chain_lost(&file->chain);

    } else {
        /* its chain is as good as not begun, or not ended */
        file->opened = 0;
    }
}


static void
ngx_http_jobruns_audit_on_turn(ngx_event_t *ev)
{
    ngx_queue_t                    *q;
    ngx_http_jobruns_audit_wait_t  *wait;

    (void) ev;

    ngx_http_jobruns_audit_batch_write();

    while (!ngx_queue_empty(&ngx_http_jobruns_batch.done)) {

        q = ngx_queue_head(&ngx_http_jobruns_batch.done);
        wait = ngx_queue_data(q, ngx_http_jobruns_audit_wait_t, queue);

        ngx_queue_remove(q);

        if (wait->written && wait->durable) {
            ngx_http_jobruns_audit_sync_wait(wait->sync, wait);

        } else {
            wait->handler(wait);
        }
    }
}
