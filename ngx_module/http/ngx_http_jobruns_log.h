/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines of error.log for an operator, in one shape: what happened and what to
 * do, then to whom; a flood of one kind is folded.
 */

#ifndef NGX_HTTP_JOBRUNS_LOG_H_INCLUDED
#define NGX_HTTP_JOBRUNS_LOG_H_INCLUDED

#include "ngx_http_jobruns.h"


/* each is folded for itself */
typedef enum {
    jobruns_log_no_reply = 0,
    jobruns_log_refused,
    jobruns_log_unprotected,
    jobruns_log_no_memory,
    jobruns_log_late,
    jobruns_log_fenced,
    jobruns_log_hold_full,      /* these two and the next in the order of */
    jobruns_log_hold_tenant,    /* ngx_http_jobruns_room_e */
    jobruns_log_keep_full,
    jobruns_log_keep_tenant,
    jobruns_log_header,
    jobruns_log_replicas,
    jobruns_log_redirect,
    jobruns_log_guard,
    jobruns_log_check,
    jobruns_log_nobody,
    jobruns_log_unauthenticated,
    jobruns_log_auth_keys,
    jobruns_log_waiters,
    jobruns_log_delayed,
    jobruns_log_audit,
    jobruns_log_audit_torn,
    jobruns_log_unrecorded,
    jobruns_log_takeback,
    jobruns_log_last
} ngx_http_jobruns_log_e;


/*
 * Logs "jobruns: <text>, request id: "<id>", tenant: "<tenant>"".  The first
 * line of a kind is written at once, then one in ten seconds for each worker
 * with the number of those between, which are counted in
 * jobruns_log_lines_folded_total.  fmt as of ngx_log_error(); bytes that a
 * terminal acts upon are replaced.
 */
void ngx_cdecl ngx_http_jobruns_log(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_log_e kind, ngx_uint_t level, const char *fmt, ...);

/*
 * Why Redis could not be used for an attempt, for its audit record: its
 * address and what fmt says, in the request's pool.
 */
void ngx_cdecl ngx_http_jobruns_log_redis_failed(ngx_http_jobruns_attempt_t *a,
    const char *fmt, ...);

/* ngx_http_jobruns_log() for what concerns no attempt: "jobruns: <text>", err
   as errno. */
void ngx_cdecl ngx_http_jobruns_log_fault(ngx_log_t *log,
    ngx_http_jobruns_log_e kind, ngx_uint_t level, ngx_err_t err,
    const char *fmt, ...);


#endif /* NGX_HTTP_JOBRUNS_LOG_H_INCLUDED */
