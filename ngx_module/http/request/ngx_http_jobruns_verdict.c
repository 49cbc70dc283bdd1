/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Verdicts that many attempts are given.  The strings of a stored answer are
 * sent from where they are: they belong to nobody's pool, and go when the
 * last request that sends them has ended.
 */

#include "ngx_http_jobruns_verdict.h"
#include "ngx_http_jobruns_log.h"


struct ngx_http_jobruns_verdict_s {
    ngx_uint_t                   refs;
    ngx_http_jobruns_verdict_e   verdict;
    jr_answer_t                  kept;        /* these point behind it */
    ngx_str_t                    original_id;
    ngx_str_t                    location;
    ngx_str_t                    run_key;
};


static ngx_http_jobruns_verdict_t *ngx_http_jobruns_verdict_copy(
    const ngx_http_jobruns_verdict_t *what);
static void ngx_http_jobruns_verdict_on_cleanup(void *data);


ngx_http_jobruns_verdict_t *
ngx_http_jobruns_verdict_of(ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_verdict_t  what;

    ngx_memzero(&what, sizeof(ngx_http_jobruns_verdict_t));

    what.verdict = a->verdict;
    what.kept = a->run.answer;
    what.original_id = a->run.original_id;
    what.location = a->run.location;
    what.run_key = a->run.key;

    return ngx_http_jobruns_verdict_copy(&what);
}


ngx_http_jobruns_verdict_t *
ngx_http_jobruns_verdict_replay(jr_str_t answer, ngx_str_t *request_id)
{
    ngx_http_jobruns_verdict_t  what;

    ngx_memzero(&what, sizeof(ngx_http_jobruns_verdict_t));

    if (jr_answer_decode(answer, &what.kept) != JR_OK) {
        return NULL;
    }

    what.verdict = jobruns_verdict_replay;
    what.original_id = *request_id;

    return ngx_http_jobruns_verdict_copy(&what);
}


static ngx_http_jobruns_verdict_t *
ngx_http_jobruns_verdict_copy(const ngx_http_jobruns_verdict_t *what)
{
    char                        *p;
    size_t                       size;
    ngx_str_t                   *text[3];
    ngx_uint_t                   i;
    ngx_http_jobruns_verdict_t  *v;

    size = sizeof(ngx_http_jobruns_verdict_t) + what->original_id.len
           + what->location.len + what->run_key.len + what->kept.body.len;

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {
        size += what->kept.headers[i].len;
    }

    v = ngx_alloc(size, ngx_cycle->log);
    if (v == NULL) {
        return NULL;
    }

    *v = *what;
    v->refs = 1;

    p = (char *) (v + 1);

    /* a header that is not there stays NULL, an empty one does not */

    for (i = 0; i < JR_ANSWER_HEADERS; i++) {
        if (what->kept.headers[i].data != NULL) {
            v->kept.headers[i].data = p;
            p = (char *) ngx_cpymem(p, what->kept.headers[i].data,
                                    what->kept.headers[i].len);
        }
    }

    v->kept.body.data = p;

    if (what->kept.body.len) {
        p = (char *) ngx_cpymem(p, what->kept.body.data,
                                what->kept.body.len);
    }

    text[0] = &v->original_id;
    text[1] = &v->location;
    text[2] = &v->run_key;

    for (i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
        if (text[i]->len) {
            (void) ngx_cpymem(p, text[i]->data, text[i]->len);
            text[i]->data = (u_char *) p;
            p += text[i]->len;
        }
    }

    return v;
}


void
ngx_http_jobruns_verdict_give(ngx_http_jobruns_verdict_t *v,
    ngx_http_jobruns_attempt_t *a)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(a->request->pool, 0);

    if (cln == NULL) {
        ngx_http_jobruns_log(a, jobruns_log_no_memory, NGX_LOG_ERR,
                             "no memory to answer a retry, it was not "
                             "forwarded; give this machine or its unit more "
                             "memory");

        a->verdict = jobruns_verdict_damaged;
        return;
    }

    cln->handler = ngx_http_jobruns_verdict_on_cleanup;
    cln->data = v;

    ngx_http_jobruns_verdict_hold(v);

    a->verdict = v->verdict;
    a->run.answer = v->kept;
    a->run.original_id = v->original_id;
    a->run.location = v->location;
    a->run.key = v->run_key;
}


void
ngx_http_jobruns_verdict_hold(ngx_http_jobruns_verdict_t *v)
{
    v->refs++;
}


static void
ngx_http_jobruns_verdict_on_cleanup(void *data)
{
    ngx_http_jobruns_verdict_release(data);
}


void
ngx_http_jobruns_verdict_release(ngx_http_jobruns_verdict_t *v)
{
    if (--v->refs == 0) {
        ngx_free(v);
    }
}
