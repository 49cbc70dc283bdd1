/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies of Redis in the terms of an attempt: the one file that knows both
 * redisReply and the core's types.
 */

#ifndef NGX_HTTP_JOBRUNS_REPLY_H_INCLUDED
#define NGX_HTTP_JOBRUNS_REPLY_H_INCLUDED

#include "ngx_http_jobruns.h"

#include "jr_record.h"


/* a may be NULL; run_key is set where another attempt was first, and points
   into the reply */
ngx_http_jobruns_settled_e ngx_http_jobruns_reply_settled(redisReply *reply,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *run_key, ngx_log_t *log);

/* NGX_DECLINED: the lease is lost; NGX_ERROR: the reply says nothing of it */
ngx_int_t ngx_http_jobruns_reply_renewed(redisReply *reply);

/* the reply to WAIT: how many replicas have it, 0 where it is an error */
ngx_int_t ngx_http_jobruns_reply_replicas(redisReply *reply);


/* For all that reads a reply; a text is copied into the request's pool. */

/* the string for the one attempt that was asked for, form and letter first, the
   last of a reply, at this place; NGX_ERROR: there is none */
ngx_int_t ngx_http_jobruns_reply_packed(redisReply *reply, ngx_uint_t last,
    jr_str_t *text);

/* NGX_ABORT: no memory */
ngx_int_t ngx_http_jobruns_reply_string(ngx_http_jobruns_attempt_t *a,
    jr_str_t text, ngx_str_t *value);

/* what a done record has, into original_id, location and run_key of a, and, if
   it has an answer, that into a->kept; NGX_ERROR: corrupt; NGX_ABORT: no
   memory */
ngx_int_t ngx_http_jobruns_reply_stored(ngx_http_jobruns_attempt_t *a,
    const jr_record_t *record, const jr_record_done_t *done);

/* counts and logs that a value is corrupt and not used */
void ngx_http_jobruns_reply_report_damage(ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_REPLY_H_INCLUDED */
