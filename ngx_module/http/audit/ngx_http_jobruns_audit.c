/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The audit as the rest of the gateway sees it: the files of a configuration,
 * a worker's begin and end, and the moments at which an attempt is recorded.
 *
 * A forwarded attempt has two records: ".begin" before the first byte goes
 * to the service, ".end" before its answer goes to the client.  A refusal or
 * a replay has one.  The log phase writes what is then still unwritten.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_file.h"
#include "ngx_http_jobruns_audit_record.h"


static void ngx_http_jobruns_audit_on_reopen(ngx_open_file_t *file,
    ngx_log_t *log);
static void ngx_http_jobruns_audit_create(ngx_str_t *name);
static ngx_http_jobruns_audit_file_t *ngx_http_jobruns_audit_next(
    ngx_http_jobruns_main_conf_t *jmcf, ngx_uint_t *i);
static ngx_int_t ngx_http_jobruns_audit_write(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_audit_moment_e moment,
    ngx_http_jobruns_audit_done_pt done);
static void ngx_http_jobruns_audit_failed(ngx_http_jobruns_attempt_t *a);
static void ngx_http_jobruns_audit_on_record(
    ngx_http_jobruns_audit_wait_t *wait);


ngx_http_jobruns_audit_file_t *
ngx_http_jobruns_audit_open(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_open_file_t                 *file;
    ngx_http_jobruns_main_conf_t    *jmcf;
    ngx_http_jobruns_audit_file_t  **f;

    file = ngx_conf_open_file(cf->cycle, path);
    if (file == NULL) {
        return NULL;
    }

    if (file->flush == ngx_http_jobruns_audit_on_reopen) {
        return file->data;
    }

    if (file->flush != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is written by another directive too; "
                           "\"jobruns_audit\" needs a file of its own",
                           &file->name);
        return NULL;
    }

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    if (jmcf->audit_files.elts == NULL
        && ngx_array_init(&jmcf->audit_files, cf->pool, 1,
                          sizeof(ngx_http_jobruns_audit_file_t *))
           != NGX_OK)
    {
        return NULL;
    }

    f = ngx_array_push(&jmcf->audit_files);
    if (f == NULL) {
        return NULL;
    }

    *f = ngx_pcalloc(cf->pool, sizeof(ngx_http_jobruns_audit_file_t));
    if (*f == NULL) {
        jmcf->audit_files.nelts--;
        return NULL;
    }

    (*f)->file = file;
    (*f)->seal = &jmcf->audit_seal;
    ngx_http_jobruns_audit_sync_init(&(*f)->sync, file, &cf->cycle->new_log);

    file->flush = ngx_http_jobruns_audit_on_reopen;
    file->data = *f;

    return *f;
}


/* ngx_reopen_files() calls it before it opens the file again and closes the
   old one; in the master too, which writes no records */

static void
ngx_http_jobruns_audit_on_reopen(ngx_open_file_t *file, ngx_log_t *log)
{
    ngx_http_jobruns_audit_file_t  *f;

    f = file->data;

    ngx_http_jobruns_audit_file_write();

    f->torn = 0;

    ngx_http_jobruns_audit_create(&file->name);
    ngx_http_jobruns_audit_watch_reopening(f);
    ngx_http_jobruns_audit_sync_retire(&f->sync, log);
}


/*
 * A new file is for its owner and group, and NGINX's own open() would have
 * everybody read it.  Whatever is wrong with the path NGINX says itself.
 */

static void
ngx_http_jobruns_audit_create(ngx_str_t *name)
{
    ngx_fd_t  fd;

    fd = open((const char *) name->data,
              O_WRONLY|O_APPEND|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 0640);

    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
    }
}


void
ngx_http_jobruns_audit_create_files(ngx_conf_t *cf)
{
    ngx_uint_t                      i;
    ngx_http_jobruns_main_conf_t   *jmcf;
    ngx_http_jobruns_audit_file_t  *f;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    for (i = 0; (f = ngx_http_jobruns_audit_next(jmcf, &i)) != NULL; ) {
        ngx_http_jobruns_audit_create(&f->file->name);
    }
}


/* The files of a configuration (NULL: none), one a call; *i is 0 at the first.
   NULL: there are no more.  In the order in which they were opened. */

static ngx_http_jobruns_audit_file_t *
ngx_http_jobruns_audit_next(ngx_http_jobruns_main_conf_t *jmcf, ngx_uint_t *i)
{
    ngx_http_jobruns_audit_file_t  **f;

    /* NULL: there is no http{} */

    if (jmcf == NULL || *i >= jmcf->audit_files.nelts) {
        return NULL;
    }

    f = jmcf->audit_files.elts;

    return f[(*i)++];
}


void
ngx_http_jobruns_audit_start(ngx_cycle_t *cycle)
{
    ngx_uint_t                      i;
    ngx_http_jobruns_main_conf_t   *jmcf;
    ngx_http_jobruns_audit_file_t  *f;

    jmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_jobruns_module);

    ngx_http_jobruns_audit_sync_begin(cycle);

    for (i = 0; (f = ngx_http_jobruns_audit_next(jmcf, &i)) != NULL; ) {
        ngx_http_jobruns_audit_watch_begin(f, cycle->log);
    }
}


void
ngx_http_jobruns_audit_stop(ngx_cycle_t *cycle)
{
    ngx_uint_t                      i;
    ngx_http_jobruns_main_conf_t   *jmcf;
    ngx_http_jobruns_audit_file_t  *f;

    jmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_jobruns_module);

    for (i = 0; (f = ngx_http_jobruns_audit_next(jmcf, &i)) != NULL; ) {

        /* ngx_conf_flush_files(), which exits before this, has flushed the
           file as USR1 would, but no new one is opened behind it */

        f->watch.old = NGX_INVALID_FILE;

        ngx_http_jobruns_audit_fold_flush(f);
        ngx_http_jobruns_audit_file_close(f, cycle->log);
    }

    for (i = 0; (f = ngx_http_jobruns_audit_next(jmcf, &i)) != NULL; ) {
        ngx_http_jobruns_audit_watch_end(f);
    }
}


ngx_int_t
ngx_http_jobruns_audit_begin(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_audit_done_pt done)
{
    ngx_int_t                       rc;
    ngx_http_jobruns_audit_file_t  *file;

    file = a->conf->audit;

    if (file == NULL) {
        return NGX_OK;
    }

    a->audit.recorded = jobruns_recorded_lost;

    ngx_http_jobruns_audit_watch_settle(file);

    if (file->watch.lost && a->conf->audit_required) {
        ngx_http_jobruns_count(jobruns_count_audit_failures);
        rc = NGX_ERROR;

    } else {
        rc = ngx_http_jobruns_audit_write(a, jobruns_audit_begin, done);
    }

    if (rc == NGX_ERROR) {
        ngx_http_jobruns_audit_failed(a);
    }

    return rc;
}


ngx_int_t
ngx_http_jobruns_audit_end(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_audit_done_pt done)
{
    ngx_http_jobruns_audit_moment_e  moment;

    if (a->audit.recorded == jobruns_recorded_end) {
        return NGX_OK;
    }

    /* an attempt whose ".begin" could not be written has one record, as one
       that was not forwarded: an ".end" is never without its ".begin" */

    moment = (a->audit.recorded == jobruns_recorded_begin)
             ? jobruns_audit_end : jobruns_audit_whole;

    a->audit.recorded = jobruns_recorded_end;
    ngx_http_jobruns_metrics_count_attempt(a);

    if (a->conf->audit == NULL) {
        return NGX_OK;
    }

    if (ngx_http_jobruns_audit_record_refusal(a, moment)
        && ngx_http_jobruns_audit_fold_take(a))
    {
        return NGX_OK;
    }

    return ngx_http_jobruns_audit_write(a, moment, done) == NGX_AGAIN
           ? NGX_AGAIN : NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_audit_write(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_audit_moment_e moment,
    ngx_http_jobruns_audit_done_pt done)
{
    jr_line_t                      *line;
    ngx_log_t                      *log;
    ngx_http_jobruns_loc_conf_t    *jlcf;
    ngx_http_jobruns_audit_wait_t  *wait;

    jlcf = a->conf;
    log = a->request->connection->log;

    line = ngx_http_jobruns_audit_file_begin(jlcf->audit,
                                   ngx_http_jobruns_audit_record_type(moment),
                                   jlcf->audit_syslog, log);
    if (line == NULL) {
        return NGX_ERROR;
    }

    ngx_http_jobruns_audit_record(a, line, moment);

    wait = NULL;

    if (done != NULL) {
        wait = &a->audit.wait;
        wait->handler = ngx_http_jobruns_audit_on_record;
        wait->attempt = a;
        wait->done = done;
        wait->durable = (jlcf->audit_sync == NGX_HTTP_JOBRUNS_SYNC_ALWAYS
                         && (moment == jobruns_audit_begin
                             || a->outcome == JR_OUTCOME_CREATED));
    }

    if (ngx_http_jobruns_audit_file_commit(jlcf->audit, jlcf->audit_sync,
                                           wait, log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return wait ? NGX_AGAIN : NGX_OK;
}


static void
ngx_http_jobruns_audit_on_record(ngx_http_jobruns_audit_wait_t *wait)
{
    ngx_http_jobruns_attempt_t  *a;

    a = wait->attempt;

    if (a->audit.recorded == jobruns_recorded_lost && wait->written) {
        a->audit.recorded = jobruns_recorded_begin;
    }

    if (wait->rc != NGX_OK) {
        ngx_http_jobruns_audit_failed(a);
    }

    wait->done(a, wait->rc);
}


/* why a record could not be written, for the one that can be */

static void
ngx_http_jobruns_audit_failed(ngx_http_jobruns_attempt_t *a)
{
    u_char     *p;
    ngx_str_t  *error;

    error = &a->conf->audit->watch.error;

    if (a->audit.wait.written) {
        ngx_str_set(&a->audit.error, "it could not be synced to its disk");
        return;
    }

    if (error->len == 0) {
        ngx_str_set(&a->audit.error, "no memory, or no random bytes");
        return;
    }

    /* the file's own text is of the last failure, and may change */

    p = ngx_pstrdup(a->request->pool, error);

    if (p != NULL) {
        a->audit.error.data = p;
        a->audit.error.len = error->len;
    }
}
