/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Getting records to the disk with fdatasync(), in NGINX's thread pool and
 * never in the event loop.
 *
 * One sync is under way at a time for a file and worker.  Whoever writes
 * meanwhile waits for the next, which then serves all of them: the more
 * requests there are, the more share one (group commit).  The thread works
 * on duplicates of descriptors, which it closes itself, so a rotation can
 * close the file under it.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_sync.h"


/* given to the thread and back; the descriptors are the thread's */
typedef struct {
    ngx_http_jobruns_audit_sync_t  *sync;
    ngx_fd_t                        fd[NGX_HTTP_JOBRUNS_SYNC_RETIRED + 1];
    ngx_uint_t                      n;
    ngx_err_t                       err;
} ngx_http_jobruns_audit_task_t;


static void ngx_http_jobruns_audit_sync_on_deadline(ngx_event_t *ev);
static void ngx_http_jobruns_audit_sync_done(
    ngx_http_jobruns_audit_sync_t *sync, ngx_err_t err);
static void ngx_http_jobruns_audit_sync_on_start(ngx_event_t *ev);
static ngx_err_t ngx_http_jobruns_audit_sync_files(
    ngx_http_jobruns_audit_task_t *t);
static ngx_err_t ngx_http_jobruns_audit_sync_collect(
    ngx_http_jobruns_audit_sync_t *sync, ngx_http_jobruns_audit_task_t *t);

static ngx_err_t ngx_http_jobruns_audit_sync_post(
    ngx_http_jobruns_audit_sync_t *sync);

#if (NGX_THREADS)
static void ngx_http_jobruns_audit_sync_thread(void *data, ngx_log_t *log);
static void ngx_http_jobruns_audit_sync_on_thread(ngx_event_t *ev);


/* the pool of the worker's cycle, found when the worker begins: the master
   reads configurations that it then refuses */
static ngx_thread_pool_t  *ngx_http_jobruns_audit_threads;
#endif


ngx_int_t
ngx_http_jobruns_audit_sync_threads(ngx_conf_t *cf)
{
#if (NGX_THREADS)

    /* "default", as aio threads has it without a name */

    return ngx_thread_pool_add(cf, NULL) ? NGX_OK : NGX_ERROR;

#else

    (void) cf;

    return NGX_DECLINED;

#endif
}


void
ngx_http_jobruns_audit_sync_begin(ngx_cycle_t *cycle)
{
#if (NGX_THREADS)

    ngx_str_t  name = ngx_string("default");

    /* NULL where no location asked for it: then nothing is ever posted */

    ngx_http_jobruns_audit_threads = ngx_thread_pool_get(cycle, &name);

#else

    (void) cycle;

#endif
}


void
ngx_http_jobruns_audit_sync_init(ngx_http_jobruns_audit_sync_t *sync,
    ngx_open_file_t *file, ngx_log_t *log)
{
    sync->file = file;

    ngx_queue_init(&sync->waiting);

    sync->timer.handler = ngx_http_jobruns_audit_sync_on_start;
    sync->timer.data = sync;
    sync->timer.log = log;
    sync->timer.cancelable = 1;     /* exit_process does the last sync */

    sync->start.handler = ngx_http_jobruns_audit_sync_on_start;
    sync->start.data = sync;
    sync->start.log = log;
}


void
ngx_http_jobruns_audit_sync_note(ngx_http_jobruns_audit_sync_t *sync)
{
    if (sync->written == (sync->running ? sync->syncing : sync->synced)) {
        sync->since = ngx_current_msec;
    }

    sync->written++;
}


void
ngx_http_jobruns_audit_sync_later(ngx_http_jobruns_audit_sync_t *sync,
    ngx_msec_t interval)
{
    sync->wanted = 1;
    sync->interval = interval;

    if (sync->running || sync->start.posted || sync->timer.timer_set) {
        /* what is written meanwhile is seen when that is done */
        return;
    }

    ngx_add_timer(&sync->timer, interval);
}


void
ngx_http_jobruns_audit_sync_wait(ngx_http_jobruns_audit_sync_t *sync,
    ngx_http_jobruns_audit_wait_t *wait)
{
    sync->wanted = 1;

    wait->sync = sync;
    wait->record = sync->written;

    ngx_queue_insert_tail(&sync->waiting, &wait->queue);

    /* not cancelable: a worker that is to leave waits for it */

    ngx_memzero(&wait->deadline, sizeof(ngx_event_t));
    wait->deadline.handler = ngx_http_jobruns_audit_sync_on_deadline;
    wait->deadline.data = wait;
    wait->deadline.log = ngx_cycle->log;

    ngx_add_timer(&wait->deadline, NGX_HTTP_JOBRUNS_SYNC_PATIENCE);

    if (!sync->running && !sync->start.posted) {

        /* at the end of this turn: the requests of one turn share a sync */

        ngx_post_event(&sync->start, &ngx_posted_events);
    }
}


static void
ngx_http_jobruns_audit_sync_on_deadline(ngx_event_t *ev)
{
    ngx_http_jobruns_audit_wait_t  *wait;

    wait = ev->data;

    ngx_http_jobruns_count(jobruns_count_audit_sync_failures);

    ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                  "jobruns: a record of the audit file \"%V\" is not on its "
                  "disk after %d ms", &wait->sync->file->name,
                  NGX_HTTP_JOBRUNS_SYNC_PATIENCE);

    ngx_queue_remove(&wait->queue);

    wait->rc = NGX_ERROR;
    wait->handler(wait);
}


/* the sync under way has ended */

static void
ngx_http_jobruns_audit_sync_done(ngx_http_jobruns_audit_sync_t *sync,
    ngx_err_t err)
{
    ngx_queue_t                    *q;
    ngx_http_jobruns_audit_wait_t  *wait;

    ngx_http_jobruns_count(jobruns_count_audit_syncs);

    ngx_http_jobruns_worker.audit_lag = ngx_current_msec
                                        - sync->syncing_since;

    if (err) {
        ngx_http_jobruns_count(jobruns_count_audit_sync_failures);

        /* the kernel forgets what it could not write: trying again would
           tell that all is well */

        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, err,
                      "jobruns: the audit file \"%V\" cannot be synced: its "
                      "last %uL records of this worker may not be on the disk",
                      &sync->file->name, sync->syncing - sync->synced);
    }

    sync->synced = sync->syncing;

    /* handlers may write and wait again, but for later records */

    while (!ngx_queue_empty(&sync->waiting)) {

        q = ngx_queue_head(&sync->waiting);
        wait = ngx_queue_data(q, ngx_http_jobruns_audit_wait_t, queue);

        if (wait->record > sync->synced) {
            break;
        }

        ngx_queue_remove(q);
        ngx_del_timer(&wait->deadline);

        wait->rc = err ? NGX_ERROR : NGX_OK;
        wait->handler(wait);
    }

    if (sync->written == sync->synced || sync->running
        || sync->start.posted)
    {
        return;
    }

    if (!ngx_queue_empty(&sync->waiting)) {
        ngx_post_event(&sync->start, &ngx_posted_events);

    } else if (!sync->timer.timer_set) {
        ngx_add_timer(&sync->timer, sync->interval);
    }
}


static void
ngx_http_jobruns_audit_sync_on_start(ngx_event_t *ev)
{
    ngx_err_t                       err;
    ngx_http_jobruns_audit_sync_t  *sync;

    sync = ev->data;

    if (sync->running
        || (sync->written == sync->synced && sync->nretired == 0))
    {
        return;
    }

    if (sync->timer.timer_set) {
        ngx_del_timer(&sync->timer);
    }

    sync->syncing = sync->written;
    sync->syncing_since = sync->since;

    err = ngx_http_jobruns_audit_sync_post(sync);

    if (err) {
        ngx_http_jobruns_audit_sync_done(sync, err);
    }
}


#if (NGX_THREADS)

static ngx_err_t
ngx_http_jobruns_audit_sync_post(ngx_http_jobruns_audit_sync_t *sync)
{
    ngx_err_t                       err;
    ngx_thread_task_t              *task;
    ngx_http_jobruns_audit_task_t  *t;

    task = sync->task;

    if (task == NULL) {
        task = ngx_thread_task_alloc(ngx_cycle->pool,
                                     sizeof(ngx_http_jobruns_audit_task_t));
        if (task == NULL) {
            return NGX_ENOMEM;
        }

        task->handler = ngx_http_jobruns_audit_sync_thread;
        task->event.handler = ngx_http_jobruns_audit_sync_on_thread;
        task->event.data = task->ctx;
        task->event.log = ngx_cycle->log;

        sync->task = task;
    }

    t = task->ctx;

    err = ngx_http_jobruns_audit_sync_collect(sync, t);
    if (err) {
        return err;
    }

    if (ngx_thread_task_post(ngx_http_jobruns_audit_threads, task)
        != NGX_OK)
    {
        while (t->n) {
            (void) ngx_close_file(t->fd[--t->n]);
        }

        return NGX_EAGAIN;
    }

    sync->running = 1;

    return 0;
}


static void
ngx_http_jobruns_audit_sync_thread(void *data, ngx_log_t *log)
{
    ngx_http_jobruns_audit_task_t  *t = data;

    (void) log;

    t->err = ngx_http_jobruns_audit_sync_files(t);
}


static void
ngx_http_jobruns_audit_sync_on_thread(ngx_event_t *ev)
{
    ngx_http_jobruns_audit_task_t  *t;

    t = ev->data;

    ev->complete = 0;
    t->sync->running = 0;

    ngx_http_jobruns_audit_sync_done(t->sync, t->err);
}

#else

static ngx_err_t
ngx_http_jobruns_audit_sync_post(ngx_http_jobruns_audit_sync_t *sync)
{
    /* never asked: jobruns_audit_sync is off then */

    (void) sync;

    return NGX_ENOSYS;
}

#endif


/* the descriptors of what is to be synced: the file, and what it was before
   rotations */

static ngx_err_t
ngx_http_jobruns_audit_sync_collect(ngx_http_jobruns_audit_sync_t *sync,
    ngx_http_jobruns_audit_task_t *t)
{
    t->sync = sync;
    t->err = 0;
    t->n = sync->nretired;

    ngx_memcpy(t->fd, sync->retired, t->n * sizeof(ngx_fd_t));
    sync->nretired = 0;

    t->fd[t->n] = dup(sync->file->fd);

    if (t->fd[t->n] == NGX_INVALID_FILE) {
        t->err = ngx_errno;

        while (t->n) {
            (void) ngx_close_file(t->fd[--t->n]);
        }

        return t->err;
    }

    t->n++;

    return 0;
}


/* may run in a thread: touches nothing but t */

static ngx_err_t
ngx_http_jobruns_audit_sync_files(ngx_http_jobruns_audit_task_t *t)
{
    ngx_err_t   err;
    ngx_uint_t  i;

    err = 0;

    for (i = 0; i < t->n; i++) {

        /* EINVAL: no file that can be synced, such as /dev/null */

        if (fdatasync(t->fd[i]) == -1 && ngx_errno != NGX_EINVAL) {
            err = ngx_errno;
        }

        (void) ngx_close_file(t->fd[i]);
    }

    return err;
}


void
ngx_http_jobruns_audit_sync_retire(ngx_http_jobruns_audit_sync_t *sync,
    ngx_log_t *log)
{
    ngx_fd_t  fd;

    if (!sync->wanted
        || sync->written == (sync->running ? sync->syncing
                                              : sync->synced))
    {
        return;
    }

    if (sync->nretired == NGX_HTTP_JOBRUNS_SYNC_RETIRED) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "jobruns: the audit file \"%V\" is rotated faster than "
                      "its disk takes it: records of one rotation are not "
                      "synced", &sync->file->name);
        return;
    }

    fd = dup(sync->file->fd);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      "jobruns: the audit file \"%V\" is rotated before it "
                      "is synced", &sync->file->name);
        return;
    }

    sync->retired[sync->nretired++] = fd;
}


void
ngx_http_jobruns_audit_sync_now(ngx_http_jobruns_audit_sync_t *sync,
    ngx_log_t *log)
{
    ngx_err_t                      err;
    ngx_http_jobruns_audit_task_t  t;

    if (!sync->wanted) {
        return;
    }

    err = ngx_http_jobruns_audit_sync_collect(sync, &t);

    if (err == 0) {
        err = ngx_http_jobruns_audit_sync_files(&t);
    }

    if (err) {
        ngx_log_error(NGX_LOG_CRIT, log, err,
                      "jobruns: the audit file \"%V\" cannot be synced at "
                      "the end of a worker", &sync->file->name);
    }
}
