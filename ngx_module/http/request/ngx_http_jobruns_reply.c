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


/* a letter of settle.lua */
typedef struct {
    const char                  *letter;
    ngx_http_jobruns_settled_e   settled;
} ngx_http_jobruns_reply_settled_t;


static ngx_http_jobruns_settled_e ngx_http_jobruns_reply_letter(
    jr_str_t *text);
static ngx_int_t ngx_http_jobruns_reply_header(ngx_http_jobruns_attempt_t *a,
    jr_str_t text, ngx_str_t *value);
static ngx_uint_t ngx_http_jobruns_reply_is(redisReply *reply,
    const char *word);
static void ngx_http_jobruns_reply_done(ngx_http_jobruns_attempt_t *a,
    jr_str_t text, ngx_str_t *run_key);


static const ngx_http_jobruns_reply_settled_t
    ngx_http_jobruns_reply_settlements[] =
{
    { JR_SETTLED_KEPT, jobruns_settled_kept },
    { JR_SETTLED_FREED, jobruns_settled_freed },
    { JR_SETTLED_UNKNOWN, jobruns_settled_unknown },
    { JR_SETTLED_FENCED, jobruns_settled_fenced },
    { JR_SETTLED_FOREIGN, jobruns_settled_foreign },
    { JR_SETTLED_DONE, jobruns_settled_done },
    { JR_SETTLED_GONE, jobruns_settled_gone },
    { JR_SETTLED_EARLY, jobruns_settled_early },
    { NULL, jobruns_settled_none }
};


ngx_http_jobruns_settled_e
ngx_http_jobruns_reply_settled(redisReply *reply,
    ngx_http_jobruns_attempt_t *a, ngx_str_t *run_key, ngx_log_t *log)
{
    jr_str_t                     text;
    ngx_http_jobruns_settled_e   settled;

    ngx_str_null(run_key);

    if (ngx_http_jobruns_reply_packed(reply, 0, &text) != NGX_OK) {
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

    settled = ngx_http_jobruns_reply_letter(&text);

    if (settled == jobruns_settled_done) {
        ngx_http_jobruns_reply_done(a, text, run_key);
    }

    if (settled == jobruns_settled_none) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "jobruns: Redis answered a settlement with an unknown "
                      "or short list");
    }

    return settled;
}


static ngx_http_jobruns_settled_e
ngx_http_jobruns_reply_letter(jr_str_t *text)
{
    const ngx_http_jobruns_reply_settled_t  *s;

    for (s = ngx_http_jobruns_reply_settlements; s->letter != NULL; s++) {
        if (text->data[1] == s->letter[0]) {
            break;
        }
    }

    return s->settled;
}


/* what another attempt has stored, as far as it can be read; a may be NULL, and
   run_key points into the reply */

static void
ngx_http_jobruns_reply_done(ngx_http_jobruns_attempt_t *a, jr_str_t text,
    ngx_str_t *run_key)
{
    jr_record_t       record;
    jr_record_done_t  done;

    if (a != NULL) {
        ngx_memzero(&a->run.answer, sizeof(jr_answer_t));
    }

    if (jr_record_read(text, &record) != JR_OK
        || jr_record_read_done(&record, &done) != JR_OK)
    {
        if (a != NULL) {
            ngx_http_jobruns_reply_report_damage(a);
        }

        return;
    }

    run_key->data = (u_char *) done.run_key.data;
    run_key->len = done.run_key.len;

    if (a != NULL
        && ngx_http_jobruns_reply_stored(a, &record, &done) == NGX_ERROR)
    {
        ngx_memzero(&a->run.answer, sizeof(jr_answer_t));
        ngx_http_jobruns_reply_report_damage(a);
    }
}


ngx_int_t
ngx_http_jobruns_reply_packed(redisReply *reply, ngx_uint_t last,
    jr_str_t *text)
{
    redisReply  *element;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != last + 1) {
        return NGX_ERROR;
    }

    element = reply->element[last];

    if (element->type != REDIS_REPLY_STRING || element->len < 2
        || element->str[0] != JR_SCRIPT_FORMAT[0])
    {
        return NGX_ERROR;
    }

    text->data = element->str;
    text->len = element->len;

    return NGX_OK;
}


/* The answer points into a copy in the request's pool: the reply goes when
   its handler returns. */

ngx_int_t
ngx_http_jobruns_reply_stored(ngx_http_jobruns_attempt_t *a,
    const jr_record_t *record, const jr_record_done_t *done)
{
    ngx_int_t  rc;
    ngx_str_t  copy;

    rc = ngx_http_jobruns_reply_header(a, record->id, &a->run.original_id);

    if (rc == NGX_OK) {
        rc = ngx_http_jobruns_reply_header(a, done->location, &a->run.location);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_jobruns_reply_string(a, done->run_key, &a->run.key);
    }

    if (rc != NGX_OK || done->answer.len == 0) {
        return rc;
    }

    ngx_str_null(&copy);

    rc = ngx_http_jobruns_reply_string(a, done->answer, &copy);

    if (rc != NGX_OK) {
        return rc;
    }

    return jr_answer_decode(ngx_http_jobruns_str(copy), &a->run.answer) == JR_OK
           ? NGX_OK : NGX_ERROR;
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


/* a string to be sent in a header: one that would break it is left out */

/* to be sent in a header: a text that would break it is left out */

static ngx_int_t
ngx_http_jobruns_reply_header(ngx_http_jobruns_attempt_t *a, jr_str_t text,
    ngx_str_t *value)
{
    size_t     i;
    ngx_int_t  rc;

    rc = ngx_http_jobruns_reply_string(a, text, value);

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
ngx_http_jobruns_reply_string(ngx_http_jobruns_attempt_t *a, jr_str_t text,
    ngx_str_t *value)
{
    if (text.len == 0) {
        ngx_str_set(value, "");
        return NGX_OK;
    }

    /* a waiter is told the same again and again */

    if (value->len == text.len && value->data != NULL
        && ngx_memcmp(value->data, text.data, text.len) == 0)
    {
        return NGX_OK;
    }

    value->len = text.len;
    value->data = ngx_pnalloc(a->request->pool, text.len + 1);
    if (value->data == NULL) {
        value->len = 0;
        return NGX_ABORT;
    }

    ngx_memcpy(value->data, text.data, text.len);

    return NGX_OK;
}


static ngx_uint_t
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
                  &a->conf->redis->address, ngx_http_jobruns_record(a));
}
