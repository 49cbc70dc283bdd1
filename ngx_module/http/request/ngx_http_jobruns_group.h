/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Groups of attempts that wait behind one claim: for
 * ngx_http_jobruns_waiters.c, which decides for them, and for what settles
 * claims.
 */

#ifndef NGX_HTTP_JOBRUNS_GROUP_H_INCLUDED
#define NGX_HTTP_JOBRUNS_GROUP_H_INCLUDED

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_verdict.h"


/* attempts that may wait in a worker; one more gets its 409 at once */
#define NGX_HTTP_JOBRUNS_WAITERS         1024

/* no tenant takes more than a quarter of them */
#define NGX_HTTP_JOBRUNS_WAITERS_TENANT  (NGX_HTTP_JOBRUNS_WAITERS / 4)

/* before the first poll of a claim, ms */
#define NGX_HTTP_JOBRUNS_GAP_FIRST  5


typedef struct ngx_http_jobruns_group_s  ngx_http_jobruns_group_t;

struct ngx_http_jobruns_group_s {
    ngx_queue_t                    queue;     /* of its bucket; of none once it
                                                 has a verdict */
    ngx_http_jobruns_loc_conf_t   *conf;
    ngx_str_t                      record;    /* KEYS[1], behind the group */
    u_char                         fingerprint[
                                           NGX_HTTP_JOBRUNS_FINGERPRINT_LEN];

    ngx_queue_t                    members;   /* a->waiting.queue */
    ngx_http_jobruns_attempt_t    *asker;     /* NULL: no poll is under way */
    ngx_event_t                    event;     /* the next poll; or the next
                                                 to be given the verdict */
    ngx_msec_t                     gap;
    ngx_msec_t                     lease_end; /* of the claim, as last heard */
    ngx_str_t                      running;   /* whose it is: a request id */
    ngx_str_t                      error;     /* why the last poll said
                                                 nothing; len 0: it did */
    ngx_http_jobruns_verdict_t    *verdict;   /* NULL: they wait */

    unsigned                       again:1;   /* a claim has ended since the
                                                 poll under way was sent */
    unsigned                       giving:1;  /* not to be freed */
};


/*
 * Puts an attempt into the group of its location, record and fingerprint, a
 * new one where there is none.  NGX_DECLINED: too many wait in this worker;
 * NGX_BUSY: of its tenant; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_jobruns_group_join(ngx_http_jobruns_attempt_t *a);

/* Takes it out.  NGX_DONE: the group is gone with its last member. */
ngx_int_t ngx_http_jobruns_group_leave(ngx_http_jobruns_attempt_t *a);

/* The next poll comes after a gap, never behind the end of the lease; or now,
   which with a poll under way is when that is back. */
void ngx_http_jobruns_group_later(ngx_http_jobruns_group_t *g);
void ngx_http_jobruns_group_at_once(ngx_http_jobruns_group_t *g);

/* All of the group are told; the caller's reference becomes the group's. */
void ngx_http_jobruns_group_over(ngx_http_jobruns_group_t *g,
    ngx_http_jobruns_verdict_t *v);

/*
 * Redis has settled an attempt of this worker: groups behind it are given the
 * answer that it stored, or ask at once.  Copies what it needs of s.
 */
void ngx_http_jobruns_group_settled(ngx_http_jobruns_settlement_t *s,
    ngx_http_jobruns_settled_e settled);

/* Copies a text of an attempt to one of a group, and back into a pool: as it
   was, where there is no memory. */
void ngx_http_jobruns_group_note(ngx_str_t *dst, const ngx_str_t *src);
void ngx_http_jobruns_group_tell(const ngx_str_t *src, ngx_str_t *dst,
    ngx_pool_t *pool);


#endif /* NGX_HTTP_JOBRUNS_GROUP_H_INCLUDED */
