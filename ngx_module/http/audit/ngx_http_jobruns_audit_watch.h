/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Is the file that records are written to the one that people find on disk?
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_WATCH_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_WATCH_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* of the text that says why a file cannot be written */
#define NGX_HTTP_JOBRUNS_AUDIT_ERROR  200


/* Whether a file is the one that stands at its path; of a worker. */
typedef struct {
    ngx_event_t                      timer;   /* the next look */
    ngx_event_t                      reopened;    /* posted: how it went */
    ngx_fd_t                         old;     /* before a reopen under way */
    ngx_uint_t                       misses;  /* looks in a row that did not
                                                 find it */
    ngx_err_t                        err;     /* of opening what stands
                                                 there */
    ngx_str_t                        error;   /* why it could not be written
                                                 last, in error_text */
    u_char                           error_text[NGX_HTTP_JOBRUNS_AUDIT_ERROR];
    unsigned                         watching:1;
    unsigned                         regular:1;   /* else it is left alone */
    unsigned                         failed:1;    /* the last reopen */
    unsigned                         unnamed:1;   /* it was removed */
    unsigned                         lost:1;
} ngx_http_jobruns_audit_watch_t;


/* a worker begins to look after the file, and ends it */
void ngx_http_jobruns_audit_watch_begin(ngx_http_jobruns_audit_file_t *file,
    ngx_log_t *log);
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

/* keeps what is wrong with the file, for records; fmt as of ngx_snprintf() */
void ngx_cdecl ngx_http_jobruns_audit_watch_error(
    ngx_http_jobruns_audit_file_t *file, const char *fmt, ...);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_WATCH_H_INCLUDED */
