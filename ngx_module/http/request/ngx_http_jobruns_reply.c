/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies of Redis in the terms of an attempt: this file and
 * ngx_http_jobruns_reply_verdict.c alone know both redisReply and the core's
 * types.
 *
 * What comes back is not trusted: an unexpected shape, an error or a corrupt
 * answer is logged with the key's name and never becomes an answer.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_log.h"
#include "ngx_http_jobruns_reply.h"

#include "jr_script.h"


/* a word of settle.lua */
typedef struct {
    const char                  *word;
    ngx_http_jobruns_settled_e   settled;
    size_t                       least;       /* elements */
} ngx_http_jobruns_reply_settled_t;


static void ngx_http_jobruns_reply_done(ngx_http_jobruns_attempt_t *a,
    redisReply **element);


static const ngx_http_jobruns_reply_settled_t
    ngx_http_jobruns_reply_settlements[] =
{
    { "kept", jobruns_settled_kept, 1 },
    { "settled", jobruns_settled_freed, JR_SETTLED_STATE + 1 },
    { "fenced", jobruns_settled_fenced, 1 },
    { "foreign", jobruns_settled_foreign, 1 },
    { "done", jobruns_settled_done, JR_DONE_LAST },
    { "gone", jobruns_settled_gone, 1 },
    { "early", jobruns_settled_early, 1 },
    { NULL, jobruns_settled_none, 0 }
};


ngx_http_jobruns_settled_e
ngx_http_jobruns_reply_settled(redisReply *reply,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *run_key, ngx_log_t *log)
{
    redisReply                              *element;
    ngx_http_jobruns_settled_e               settled;
    const ngx_http_jobruns_reply_settled_t  *s;

    ngx_str_null(run_key);

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "jobruns: Redis refused to settle: %s",
                      reply->type == REDIS_REPLY_ERROR ? reply->str
                                                       : "no list");

        if (a != NULL) {
            ngx_http_jobruns_log_redis_failed(a, "refused to settle: %s",
                                              reply->type == REDIS_REPLY_ERROR
                                              ? reply->str : "no list");
        }

        return jobruns_settled_none;
    }

    for (s = ngx_http_jobruns_reply_settlements; s->word != NULL; s++) {
        if (reply->elements >= s->least
            && ngx_http_jobruns_reply_is(reply->element[JR_REPLY_SETTLED],
                                         s->word))
        {
            break;
        }
    }

    settled = s->settled;

    if (settled == jobruns_settled_freed
        && ngx_http_jobruns_reply_is(reply->element[JR_SETTLED_STATE],
                                     "unknown"))
    {
        settled = jobruns_settled_unknown;
    }

    if (settled == jobruns_settled_done) {
        element = reply->element[JR_DONE_RUN_KEY];

        if (element->type == REDIS_REPLY_STRING) {
            run_key->data = (u_char *) element->str;
            run_key->len = element->len;
        }

        if (a != NULL) {
            ngx_http_jobruns_reply_done(a, reply->element);
        }
    }

    if (settled == jobruns_settled_none) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "jobruns: Redis answered a settlement with an unknown "
                      "or short list");
    }

    return settled;
}


/* what another attempt has stored, as far as it can be read */

static void
ngx_http_jobruns_reply_done(ngx_http_jobruns_attempt_t *a,
    redisReply **element)
{
    ngx_int_t  rc;

    (void) ngx_http_jobruns_reply_header(a, element[JR_DONE_LOCATION],
                                         &a->run.location);
    (void) ngx_http_jobruns_reply_string(a, element[JR_DONE_RUN_KEY],
                                         &a->run.key);
    (void) ngx_http_jobruns_reply_header(a, element[JR_DONE_REQUEST_ID],
                                         &a->run.original_id);

    if (ngx_http_jobruns_reply_is(element[JR_DONE_ANSWER], "")) {
        ngx_memzero(&a->run.answer, sizeof(jr_answer_t));
        return;
    }

    rc = ngx_http_jobruns_reply_kept(a, element[JR_DONE_ANSWER]);

    if (rc == NGX_ERROR) {
        ngx_http_jobruns_reply_report_damage(a);
    }

    if (rc != NGX_OK) {
        ngx_memzero(&a->run.answer, sizeof(jr_answer_t));
    }
}


ngx_int_t
ngx_http_jobruns_reply_renewed(redisReply *reply)
{
    if (ngx_http_jobruns_reply_is(reply, "renewed")) {
        return NGX_OK;
    }

    return ngx_http_jobruns_reply_is(reply, "lost") ? NGX_DECLINED
                                                    : NGX_ERROR;
}


ngx_int_t
ngx_http_jobruns_reply_replicas(redisReply *reply)
{
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0) {
        return 0;
    }

    return (ngx_int_t) ngx_min(reply->integer, NGX_MAX_INT32_VALUE);
}


/* The answer points into a copy in the request's pool: the reply goes when
   its handler returns.  NGX_ERROR: it is damaged; NGX_ABORT: no memory, and
   nothing is wrong with it. */

ngx_int_t
ngx_http_jobruns_reply_kept(ngx_http_jobruns_attempt_t *a, redisReply *answer)
{
    ngx_int_t  rc;
    ngx_str_t  copy;

    ngx_str_null(&copy);

    rc = ngx_http_jobruns_reply_string(a, answer, &copy);

    if (rc != NGX_OK) {
        return rc;
    }

    switch (jr_answer_decode(ngx_http_jobruns_str(copy), &a->run.answer)) {

    case JR_OK:
        return NGX_OK;

    case JR_NO_MEMORY:
        return NGX_ABORT;

    default:
        return NGX_ERROR;
    }
}


/* a string to be sent in a header: one that would break it is left out */

ngx_int_t
ngx_http_jobruns_reply_header(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, ngx_str_t *value)
{
    size_t     i;
    ngx_int_t  rc;

    rc = ngx_http_jobruns_reply_string(a, reply, value);

    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < 0x20 || value->data[i] == 0x7f) {
            ngx_http_jobruns_reply_report_damage(a);
            value->len = 0;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jobruns_reply_string(ngx_http_jobruns_attempt_t *a,
    redisReply *reply, ngx_str_t *value)
{
    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    /* a waiter is told the same again and again */

    if (value->len == (size_t) reply->len && value->data != NULL
        && ngx_memcmp(value->data, reply->str, reply->len) == 0)
    {
        return NGX_OK;
    }

    value->len = reply->len;
    value->data = ngx_pnalloc(a->request->pool, reply->len + 1);
    if (value->data == NULL) {
        value->len = 0;
        return NGX_ABORT;
    }

    ngx_memcpy(value->data, reply->str, reply->len);

    return NGX_OK;
}


ngx_uint_t
ngx_http_jobruns_reply_is(redisReply *reply, const char *word)
{
    return (reply->type == REDIS_REPLY_STRING
            || reply->type == REDIS_REPLY_STATUS)
           && (size_t) reply->len == ngx_strlen(word)
           && ngx_memcmp(reply->str, word, reply->len) == 0;
}


void
ngx_http_jobruns_reply_report_damage(ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_count(jobruns_count_damaged);

    ngx_log_error(NGX_LOG_ALERT, a->request->connection->log, 0,
                  "jobruns: in Redis \"%V\", key \"%V\", the value is not "
                  "ours or damaged; it is not used",
                  &a->conf->redis->address, &a->args.keys[JR_ADMIT_KEY_RECORD]);
}
