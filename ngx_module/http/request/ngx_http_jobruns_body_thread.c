/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Large bodies: read, parsed, checked and digested in NGINX's thread pool,
 * since half a million member names would hold up the event loop for a tenth
 * of a second and more.
 *
 *   waiting   attempts, blocked, in the order in which they came; nothing of
 *             their bodies is in memory but what NGINX holds anyway
 *   running   one check for each thread that is at it, at most
 *             NGX_HTTP_JOBRUNS_CHECKS: the processor and the memory that
 *             bodies can take from a worker
 *
 * A check owns all that its thread touches: the text, or a descriptor of
 * NGINX's temporary file, and what it finds.  The thread knows nothing of the
 * request, which is parked (blocked) until the check is back: so the attempt
 * is there then, whatever became of its client.
 *
 * A worker that is told to leave stays until all are checked, by a timer.  One
 * that exits ends its threads first (ngx_thread_pool_destroy() waits
 * for what is queued), then its configuration, where the schema is.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_answer.h"
#include "ngx_http_jobruns_body_thread.h"
#include "ngx_http_jobruns_flow.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_verify.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif


#if (NGX_THREADS)

/* bodies of a worker that are checked at the same time */
#define NGX_HTTP_JOBRUNS_CHECKS          2

/* and that may wait; one more gets its 503 at once */
#define NGX_HTTP_JOBRUNS_CHECKS_WAITING  256

/* bytes from which memory is mapped, and given back when it is freed */
#define NGX_HTTP_JOBRUNS_CHECK_MAPPED    (128 * 1024)

/* anything long: the timer is there to be seen, see ..._checks_stay() */
#define NGX_HTTP_JOBRUNS_CHECKS_STAY     60000


typedef struct {
    ngx_thread_task_t            task;        /* calls ..._run(), then
                                                 ..._on_done() */
    ngx_queue_t                  queue;       /* of running */
    ngx_http_jobruns_attempt_t  *attempt;     /* not for the thread */

    /* for the thread */

    const jr_schema_t           *schema;      /* stays as it is */
    unsigned                     flags;
    unsigned                     dry_run:1;
    unsigned                     verify:1;    /* its digest is signed, */
    unsigned                     enforce:1;   /* and another is refused */
    jr_signature_body_t          signature;
    ngx_fd_t                     fd;          /* of the temporary file, or
                                                 NGX_INVALID_FILE */
    char                        *text;        /* NULL: is in the file */
    size_t                       len;

    /* from the thread */

    ngx_err_t                    err;         /* of reading the file */
    jr_auth_failure_t            unsigned_body;
    jr_body_t                    body;
} ngx_http_jobruns_check_t;


/* of this worker */
typedef struct {
    ngx_thread_pool_t           *pool;        /* NULL: there is none */
    ngx_queue_t                  waiting;     /* a->check.queue */
    ngx_queue_t                  running;
    ngx_uint_t                   nwaiting;
    ngx_uint_t                   nrunning;
    ngx_event_t                  stay;        /* set while there are any */
} ngx_http_jobruns_checks_t;


static void ngx_http_jobruns_checks_stay(void);
static void ngx_http_jobruns_checks_on_stay(ngx_event_t *ev);
static void ngx_http_jobruns_check_start(void);
static ngx_int_t ngx_http_jobruns_check_post(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);
static ngx_int_t ngx_http_jobruns_check_take(ngx_http_jobruns_check_t *check,
    ngx_http_request_t *r);
static void ngx_http_jobruns_check_free(ngx_http_jobruns_check_t *check);
static void ngx_http_jobruns_check_run(void *data, ngx_log_t *log);
static ngx_err_t ngx_http_jobruns_check_read(ngx_http_jobruns_check_t *check);
static void ngx_http_jobruns_check_on_done(ngx_event_t *ev);
static ngx_int_t ngx_http_jobruns_check_refuse(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


static ngx_http_jobruns_checks_t  ngx_http_jobruns_checks;


ngx_int_t
ngx_http_jobruns_body_thread_add(ngx_conf_t *cf)
{
    /* "default", as aio threads has it without a name */

    return ngx_thread_pool_add(cf, NULL) ? NGX_OK : NGX_ERROR;
}


void
ngx_http_jobruns_body_thread_init(ngx_cycle_t *cycle)
{
    static ngx_str_t  name = ngx_string("default");

    /* not kept from configuration time: after a reload that failed the pool
       that was added then is gone with its cycle */

    ngx_http_jobruns_checks.pool = ngx_thread_pool_get(cycle, &name);

#ifdef __GLIBC__

    /* glibc raises the size from which it maps memory to that of the largest
       piece freed, and then each thread's arena keeps as much of a body as its
       thread has checked: set, it stays, and goes back at once */

    (void) mallopt(M_MMAP_THRESHOLD, NGX_HTTP_JOBRUNS_CHECK_MAPPED);

#endif

    ngx_queue_init(&ngx_http_jobruns_checks.waiting);
    ngx_queue_init(&ngx_http_jobruns_checks.running);

    ngx_http_jobruns_checks.stay.handler = ngx_http_jobruns_checks_on_stay;
    ngx_http_jobruns_checks.stay.data = &ngx_http_jobruns_checks;
    ngx_http_jobruns_checks.stay.log = cycle->log;
}


ngx_int_t
ngx_http_jobruns_body_thread_check(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    if (ngx_http_jobruns_checks.pool == NULL
        || ngx_http_jobruns_checks.nwaiting == NGX_HTTP_JOBRUNS_CHECKS_WAITING)
    {
        return ngx_http_jobruns_check_refuse(r, a);
    }

    if (ngx_http_jobruns_checks.nrunning == NGX_HTTP_JOBRUNS_CHECKS) {
        ngx_queue_insert_tail(&ngx_http_jobruns_checks.waiting,
                              &a->check.queue);
        ngx_http_jobruns_checks.nwaiting++;

    } else if (ngx_http_jobruns_check_post(r, a) != NGX_OK) {
        return ngx_http_jobruns_check_refuse(r, a);
    }

    ngx_http_jobruns_checks_stay();

    return NGX_AGAIN;
}


/*
 * Keeps the worker while anything is checked or waits for it: one that is told
 * to leave exits as soon as no timer is left (ngx_event_no_timers_left()), and
 * a request that is parked has none.  So it is not cancelable, unlike the
 * module's others.
 */

static void
ngx_http_jobruns_checks_stay(void)
{
    ngx_http_jobruns_checks_t  *checks = &ngx_http_jobruns_checks;

    if (checks->nrunning == 0 && checks->nwaiting == 0) {

        if (checks->stay.timer_set) {
            ngx_del_timer(&checks->stay);
        }

    } else if (!checks->stay.timer_set) {
        ngx_add_timer(&checks->stay, NGX_HTTP_JOBRUNS_CHECKS_STAY);
    }
}


static void
ngx_http_jobruns_checks_on_stay(ngx_event_t *ev)
{
    (void) ev;

    ngx_http_jobruns_checks_stay();
}


/* Has threads take what waits.  What is woken may come round to here: nothing
   is held across it. */

static void
ngx_http_jobruns_check_start(void)
{
    ngx_int_t                    rc;
    ngx_queue_t                 *q;
    ngx_http_request_t          *r;
    ngx_http_jobruns_attempt_t  *a;

    while (ngx_http_jobruns_checks.nrunning < NGX_HTTP_JOBRUNS_CHECKS
           && !ngx_queue_empty(&ngx_http_jobruns_checks.waiting))
    {
        q = ngx_queue_head(&ngx_http_jobruns_checks.waiting);
        ngx_queue_remove(q);
        ngx_http_jobruns_checks.nwaiting--;

        a = ngx_queue_data(q, ngx_http_jobruns_attempt_t, check.queue);
        r = a->request;

        /* what has ended while it waited costs no thread */

        if (r->connection->error) {
            ngx_http_jobruns_flow_wake(a, NGX_DECLINED);

        } else if (ngx_http_jobruns_check_post(r, a) != NGX_OK) {
            rc = ngx_http_jobruns_check_refuse(r, a);
            ngx_http_jobruns_flow_wake(a, rc);
        }
    }
}


static ngx_int_t
ngx_http_jobruns_check_post(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    const jr_signature_body_t  *signature;
    ngx_http_jobruns_check_t   *check;

    check = ngx_calloc(sizeof(ngx_http_jobruns_check_t), ngx_cycle->log);
    if (check == NULL) {
        return NGX_ERROR;
    }

    check->attempt = a;
    check->schema = a->conf->schema;
    check->len = a->check.len;
    check->flags = a->check.flags;
    check->dry_run = (a->conf->enable == jobruns_dry_run);
    check->enforce = (a->conf->auth.mode != jobruns_auth_dry_run);

    signature = ngx_http_jobruns_verify_body(a);

    if (signature != NULL) {
        check->verify = 1;
        check->signature = *signature;
    }

    check->fd = NGX_INVALID_FILE;

    check->task.ctx = check;
    check->task.handler = ngx_http_jobruns_check_run;
    check->task.event.handler = ngx_http_jobruns_check_on_done;
    check->task.event.data = check;
    check->task.event.log = ngx_cycle->log;

    if (ngx_http_jobruns_check_take(check, r) != NGX_OK
        || ngx_thread_task_post(ngx_http_jobruns_checks.pool, &check->task)
           != NGX_OK)
    {
        ngx_http_jobruns_check_free(check);
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&ngx_http_jobruns_checks.running, &check->queue);
    ngx_http_jobruns_checks.nrunning++;

    return NGX_OK;
}


/*
 * The body for the thread.  NGINX has all of a body in one temporary file
 * (ngx_http_read_client_request_body()) or in buffers of no more than
 * client_body_buffer_size, which are copied.
 */

static ngx_int_t
ngx_http_jobruns_check_take(ngx_http_jobruns_check_t *check,
    ngx_http_request_t *r)
{
    char         *p;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = r->request_body->bufs;

    if (cl->buf->in_file && cl->next == NULL && cl->buf->file_pos == 0) {

        check->fd = dup(cl->buf->file->fd);

        if (check->fd == NGX_INVALID_FILE) {
            ngx_log_error(NGX_LOG_CRIT, r->connection->log, ngx_errno,
                          "jobruns: no descriptor to read the body from "
                          "\"%V\"", &cl->buf->file->name);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    check->text = ngx_alloc(check->len, ngx_cycle->log);
    if (check->text == NULL) {
        return NGX_ERROR;
    }

    p = check->text;

    for ( ; cl; cl = cl->next) {
        b = cl->buf;

        if (b->in_file) {
            ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                          "jobruns: a body is in memory and in a file");
            return NGX_ERROR;
        }

        /* the last buffer of a chunked body is empty, without memory */

        if (b->pos != b->last) {
            p = (char *) ngx_cpymem(p, b->pos, b->last - b->pos);
        }
    }

    return NGX_OK;
}


static void
ngx_http_jobruns_check_free(ngx_http_jobruns_check_t *check)
{
    if (check->fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(check->fd);
    }

    if (check->text) {
        ngx_free(check->text);
    }

    ngx_free(check);
}


/* in a thread: touches nothing but check, and only reads the schema */

static void
ngx_http_jobruns_check_run(void *data, ngx_log_t *log)
{
    jr_work_t                 *work;
    ngx_http_jobruns_check_t  *check = data;

    (void) log;

    check->body.status = JR_NO_MEMORY;

    if (check->text == NULL) {
        check->err = ngx_http_jobruns_check_read(check);

        if (check->err) {
            return;
        }
    }

    if (!check->verify
        || jr_signature_body(&check->signature, check->text, check->len,
                             &check->unsigned_body)
           == JR_AUTH_OK
        || !check->enforce)
    {
        work = jr_schema_work_create();

        if (work != NULL) {
            jr_body_read(check->schema, work, check->text, check->len,
                         check->flags, check->dry_run, &check->body);
            jr_schema_work_free(work);
        }
    }

    /* given back before the event loop has its turn */

    ngx_free(check->text);
    check->text = NULL;
}


static ngx_err_t
ngx_http_jobruns_check_read(ngx_http_jobruns_check_t *check)
{
    size_t   done;
    ssize_t  n;

    check->text = malloc(check->len);
    if (check->text == NULL) {
        return NGX_ENOMEM;
    }

    for (done = 0; done < check->len; done += (size_t) n) {

        n = pread(check->fd, check->text + done, check->len - done,
                  (off_t) done);

        if (n == -1 && ngx_errno == NGX_EINTR) {
            n = 0;
            continue;
        }

        if (n <= 0) {
            /* 0: the file is shorter than what NGINX wrote to it */
            return n ? ngx_errno : EIO;
        }
    }

    return 0;
}


static void
ngx_http_jobruns_check_on_done(ngx_event_t *ev)
{
    ngx_http_jobruns_check_t    *check;
    ngx_http_jobruns_attempt_t  *a;

    check = ev->data;
    a = check->attempt;

    ngx_queue_remove(&check->queue);
    ngx_http_jobruns_checks.nrunning--;

    if (check->err == NGX_ENOMEM) {
        ngx_log_error(NGX_LOG_CRIT, a->request->connection->log, 0,
                      "jobruns: no memory to read a body of %uz bytes",
                      check->len);

    } else if (check->err) {
        ngx_log_error(NGX_LOG_CRIT, a->request->connection->log, check->err,
                      "jobruns: a body of %uz bytes cannot be read back from "
                      "its temporary file; see client_body_temp_path",
                      check->len);
    }

    a->check.found = &check->body;
    a->check.unsigned_body = check->unsigned_body;

    ngx_http_jobruns_flow_wake(a, NGX_OK);

    ngx_http_jobruns_check_free(check);

    ngx_http_jobruns_check_start();

    /* last: what was woken has timers of its own by now, or is answered */

    ngx_http_jobruns_checks_stay();
}


/* NGX_DECLINED: the answer is made */

static ngx_int_t
ngx_http_jobruns_check_refuse(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a)
{
    static ngx_str_t  message = ngx_string("The gateway has too many large "
                                    "request bodies to check; nothing was "
                                    "forwarded. Retry later.");

    ngx_http_jobruns_count(jobruns_count_check_refused);

    ngx_http_jobruns_log(a, jobruns_log_check, NGX_LOG_WARN,
                         "a body above 64k is refused, since no thread can "
                         "check it: %ui wait for one already; lower "
                         "client_max_body_size, add workers, or see "
                         "\"thread_pool default\"",
                         ngx_http_jobruns_checks.nwaiting);

    return ngx_http_jobruns_answer_refuse(r, a, JR_OUTCOME_UNAVAILABLE,
                                          NGX_HTTP_SERVICE_UNAVAILABLE, NULL,
                                          &message)
           == NGX_OK ? NGX_DECLINED : NGX_ERROR;
}

#else

ngx_int_t
ngx_http_jobruns_body_thread_add(ngx_conf_t *cf)
{
    (void) cf;

    return NGX_OK;
}


void
ngx_http_jobruns_body_thread_init(ngx_cycle_t *cycle)
{
    (void) cycle;
}

#endif
