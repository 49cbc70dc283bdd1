/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Is the file that records are written to the one that people find on disk?
 *
 * It may have been removed, moved away without a USR1 behind it, or USR1 came
 * and this worker could not open it again (ngx_reopen_files() goes on with the
 * old descriptor then, and says so in error.log only).  Each leads to records
 * that nobody will ever read.  An fstat() behind each write sees a file that
 * has no name any more; a stat() of the path once a second, another file in
 * its place or none; and after a reopen the descriptor is another one or the
 * reopen has failed.
 *
 * Lost, it is looked for once a second: one that stands at its path is opened,
 * and never made, since a worker must not be able to make files where root
 * opens them.  What is no regular file is left alone.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_file.h"


/* ms */
#define NGX_HTTP_JOBRUNS_WATCH_EVERY  1000

/* looks in a row that find no file or another one: a rotation is between its
   rename() and its USR1 for a moment */
#define NGX_HTTP_JOBRUNS_WATCH_MISSES  2


static void ngx_http_jobruns_audit_on_look(ngx_event_t *ev);
static void ngx_http_jobruns_audit_on_reopened(ngx_event_t *ev);
static void ngx_http_jobruns_audit_look(ngx_http_jobruns_audit_file_t *file);
static ngx_int_t ngx_http_jobruns_audit_open_again(
    ngx_http_jobruns_audit_file_t *file);
static void ngx_http_jobruns_audit_missed(ngx_http_jobruns_audit_file_t *file,
    ngx_err_t err, const char *what);
static void ngx_http_jobruns_audit_gone(ngx_http_jobruns_audit_file_t *file,
    ngx_err_t err, const char *what);
static void ngx_http_jobruns_audit_found(ngx_http_jobruns_audit_file_t *file);


void
ngx_http_jobruns_audit_watch_begin(ngx_http_jobruns_audit_file_t *file,
    ngx_log_t *log)
{
    ngx_file_info_t                  fi;
    ngx_http_jobruns_audit_watch_t  *watch;

    watch = &file->watch;

    watch->old = NGX_INVALID_FILE;
    watch->watching = 1;
    watch->regular = (ngx_fd_info(file->file->fd, &fi) == 0
                      && ngx_is_file(&fi));

    watch->timer.handler = ngx_http_jobruns_audit_on_look;
    watch->timer.data = file;
    watch->timer.log = log;
    watch->timer.cancelable = 1;

    watch->reopened.handler = ngx_http_jobruns_audit_on_reopened;
    watch->reopened.data = file;
    watch->reopened.log = log;

    if (watch->regular
        && ngx_file_info(file->file->name.data, &fi) == NGX_FILE_ERROR
        && ngx_errno == NGX_EACCES)
    {
        ngx_log_error(NGX_LOG_WARN, log, ngx_errno,
                      "jobruns: workers may not search the folder of the "
                      "audit file \"%V\", so that USR1 will fail: chmod o+x "
                      "the folder", &file->file->name);
    }

    ngx_http_jobruns_audit_look(file);

    ngx_add_timer(&watch->timer, NGX_HTTP_JOBRUNS_WATCH_EVERY);
}


static void
ngx_http_jobruns_audit_on_look(ngx_event_t *ev)
{
    ngx_http_jobruns_audit_file_t  *file;

    file = ev->data;

    ngx_http_jobruns_audit_watch_settle(file);
    ngx_http_jobruns_audit_look(file);

    ngx_add_timer(ev, NGX_HTTP_JOBRUNS_WATCH_EVERY);
}


void
ngx_http_jobruns_audit_watch_reopening(ngx_http_jobruns_audit_file_t *file)
{
    ngx_http_jobruns_audit_watch_t  *watch;

    watch = &file->watch;

    if (!watch->watching) {
        /* the master, which writes no records */
        return;
    }

    /* ngx_reopen_files() has the new file open before it closes the old one,
       so that the descriptor stays the same only where it failed */

    watch->old = file->file->fd;

    /* the event loop does not wait before it has handled these */

    ngx_post_event(&watch->reopened, &ngx_posted_next_events);
}


static void
ngx_http_jobruns_audit_on_reopened(ngx_event_t *ev)
{
    ngx_http_jobruns_audit_watch_settle(ev->data);
}


void
ngx_http_jobruns_audit_watch_settle(ngx_http_jobruns_audit_file_t *file)
{
    ngx_file_info_t                  fi;
    ngx_http_jobruns_audit_watch_t  *watch;

    watch = &file->watch;

    if (!watch->watching || watch->old == NGX_INVALID_FILE) {
        return;
    }

    if (file->file->fd == watch->old) {
        watch->old = NGX_INVALID_FILE;
        watch->failed = 1;

        ngx_http_jobruns_count(jobruns_count_audit_reopen_failures);

        ngx_http_jobruns_audit_look(file);
        return;
    }

    watch->old = NGX_INVALID_FILE;
    watch->regular = (ngx_fd_info(file->file->fd, &fi) == 0
                      && ngx_is_file(&fi));

    ngx_http_jobruns_audit_found(file);
}


ngx_int_t
ngx_http_jobruns_audit_watch_written(ngx_http_jobruns_audit_file_t *file)
{
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    if (!file->watch.regular
        || ngx_fd_info(file->file->fd, &fi) == NGX_FILE_ERROR
        || fi.st_nlink)
    {
        return NGX_OK;
    }

    /* the one that may stand at its path by now takes these records */

    fd = file->file->fd;

    file->watch.unnamed = 1;
    ngx_http_jobruns_audit_look(file);

    return file->file->fd == fd ? NGX_ERROR : NGX_DECLINED;
}


static void
ngx_http_jobruns_audit_look(ngx_http_jobruns_audit_file_t *file)
{
    ngx_err_t                        err;
    ngx_file_info_t                  here, there;
    ngx_http_jobruns_audit_watch_t  *watch;

    watch = &file->watch;

    if (!watch->regular
        || ngx_fd_info(file->file->fd, &here) == NGX_FILE_ERROR)
    {
        return;
    }

    watch->unnamed = (here.st_nlink == 0);

    if (ngx_file_info(file->file->name.data, &there) == NGX_FILE_ERROR) {
        err = ngx_errno;

        if (watch->unnamed) {
            ngx_http_jobruns_audit_gone(file, 0, "was removed");

        } else if (err == NGX_ENOENT || err == NGX_ENOTDIR) {
            ngx_http_jobruns_audit_missed(file, 0, "was moved away");

        } else if (watch->failed) {
            ngx_http_jobruns_audit_gone(file, err, "cannot be opened again");
        }

        /* else the path cannot be looked at, and nothing has happened */

        return;
    }

    if (here.st_dev == there.st_dev && here.st_ino == there.st_ino) {
        ngx_http_jobruns_audit_found(file);
        return;
    }

    /* another file stands there */

    if (ngx_is_file(&there)
        && ngx_http_jobruns_audit_open_again(file) == NGX_OK)
    {
        ngx_http_jobruns_audit_found(file);
        return;
    }

    err = ngx_is_file(&there) ? watch->err : 0;

    if (watch->unnamed || watch->failed) {
        ngx_http_jobruns_audit_gone(file, err, "was replaced, and the other "
                                    "file cannot be opened");

    } else {
        ngx_http_jobruns_audit_missed(file, err, "was replaced, and the "
                                      "other file cannot be opened");
    }
}


/* opens what stands at the path, and never makes it; not a FIFO that takes the
   place between stat() and open() either, where open() would wait */

static ngx_int_t
ngx_http_jobruns_audit_open_again(ngx_http_jobruns_audit_file_t *file)
{
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    fd = open((const char *) file->file->name.data,
              O_WRONLY|O_APPEND|O_NONBLOCK|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        file->watch.err = ngx_errno;
        return NGX_ERROR;
    }

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)) {
        file->watch.err = 0;
        (void) ngx_close_file(fd);
        return NGX_ERROR;
    }

    ngx_http_jobruns_audit_sync_retire(&file->sync, ngx_cycle->log);

    if (ngx_close_file(file->file->fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &file->file->name);
    }

    file->file->fd = fd;
    file->torn = 0;

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "jobruns: another file stands at the path of the audit "
                  "file \"%V\", and is opened", &file->file->name);

    return NGX_OK;
}


static void
ngx_http_jobruns_audit_missed(ngx_http_jobruns_audit_file_t *file,
    ngx_err_t err, const char *what)
{
    if (++file->watch.misses >= NGX_HTTP_JOBRUNS_WATCH_MISSES) {
        ngx_http_jobruns_audit_gone(file, err, what);
    }
}


static void
ngx_http_jobruns_audit_gone(ngx_http_jobruns_audit_file_t *file,
    ngx_err_t err, const char *what)
{
    if (err) {
        ngx_http_jobruns_audit_watch_error(file, "the file %s (%d: %s)", what,
                                           err, strerror(err));
    } else {
        ngx_http_jobruns_audit_watch_error(file, "the file %s", what);
    }

    if (file->watch.lost) {
        return;
    }

    file->watch.lost = 1;

    ngx_http_jobruns_count(jobruns_count_audit_lost);
    ngx_http_jobruns_count(jobruns_count_audit_failures);
    ngx_http_jobruns_worker.audit_lost++;

    ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, err,
                  "jobruns: the audit file \"%V\" %s, so that its records "
                  "would be lost; creations are refused where "
                  "jobruns_audit_required is on; see that workers may search "
                  "its folder, then send USR1 (nginx -s reopen) or reload: "
                  "workers open a file that stands there again",
                  &file->file->name, what);
}


static void
ngx_http_jobruns_audit_found(ngx_http_jobruns_audit_file_t *file)
{
    ngx_http_jobruns_audit_watch_t  *watch;

    watch = &file->watch;

    watch->misses = 0;
    watch->failed = 0;
    watch->unnamed = 0;

    if (!watch->lost) {
        return;
    }

    watch->lost = 0;
    ngx_http_jobruns_worker.audit_lost--;

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "jobruns: the audit file \"%V\" is written again",
                  &file->file->name);
}


void
ngx_http_jobruns_audit_watch_end(ngx_http_jobruns_audit_file_t *file)
{
    if (file->watch.timer.timer_set) {
        ngx_del_timer(&file->watch.timer);
    }

    if (file->watch.reopened.posted) {
        ngx_delete_posted_event(&file->watch.reopened);
    }
}


void ngx_cdecl
ngx_http_jobruns_audit_watch_error(ngx_http_jobruns_audit_file_t *file,
    const char *fmt, ...)
{
    va_list                          args;
    ngx_http_jobruns_audit_watch_t  *watch;

    watch = &file->watch;

    watch->error.data = watch->error_text;

    va_start(args, fmt);
    watch->error.len = ngx_vslprintf(watch->error_text, watch->error_text
                                     + NGX_HTTP_JOBRUNS_AUDIT_ERROR, fmt, args)
                       - watch->error_text;
    va_end(args);
}
