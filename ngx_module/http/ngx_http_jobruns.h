/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of http/ share: configuration, the request's context, and
 * the attempt to create a job run with its states.
 */

#ifndef NGX_HTTP_JOBRUNS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_redis.h"

#include "ngx_http_jobruns_auth.h"
#include "ngx_http_jobruns_batch.h"
#include "ngx_http_jobruns_metrics.h"
#include "ngx_http_jobruns_room.h"

#include "jr_answer.h"
#include "jr_body.h"
#include "jr_digest.h"
#include "jr_header.h"
#include "jr_identity.h"
#include "jr_key.h"
#include "jr_limit.h"
#include "jr_line.h"
#include "jr_outcome.h"
#include "jr_path.h"
#include "jr_schema.h"
#include "jr_secret.h"
#include "jr_status.h"
#include "jr_str.h"

#include "ngx_http_jobruns_audit.h"


/* an answer that could not be kept is kept again for this long, ms */
#define NGX_HTTP_JOBRUNS_KEEP_FOR   60000

/* a record without a token only has to outlive repeated settling, ms */
#define NGX_HTTP_JOBRUNS_TOKENLESS  300000

/* free in r->buffered: SSI 1, sub 2, copy 4 */
#define NGX_HTTP_JOBRUNS_BUFFERED   0x08

#define NGX_HTTP_JOBRUNS_OWNER_LEN  32

/* "1:" and 64 hex digits; the number is the fingerprint's version */
#define NGX_HTTP_JOBRUNS_FINGERPRINT_LEN      JR_DIGEST_LEN
#define NGX_HTTP_JOBRUNS_FINGERPRINT_VERSION  1

/* largest client_max_body_size beside `jobruns on`: a body is checked in
   NGINX's thread pool, or where there is none holds up the event loop */
#if (NGX_THREADS)
#define NGX_HTTP_JOBRUNS_BODY_MAX   (16 * 1024 * 1024)
#define NGX_HTTP_JOBRUNS_BODY_MOST  "16m"
#else
#define NGX_HTTP_JOBRUNS_BODY_MAX   (1024 * 1024)
#define NGX_HTTP_JOBRUNS_BODY_MOST  "1m"
#endif

/* a body up to here is checked on the event loop, in some 2 ms at most */
#define NGX_HTTP_JOBRUNS_BODY_INLINE  (64 * 1024)


typedef enum {
    jobruns_unset = 0,          /* no `jobruns` at this level or above */
    jobruns_off,
    jobruns_on,
    jobruns_dry_run
} ngx_http_jobruns_enable_e;


/* what a limit counts by */
typedef enum {
    jobruns_key_tenant = 0,
    jobruns_key_platform,
    jobruns_key_workspace,
    jobruns_key_variable
} ngx_http_jobruns_key_e;


/* one jobruns_limit, jobruns_quota or jobruns_concurrency */
typedef struct {
    jr_limit_t                     limit;
    ngx_http_jobruns_key_e         by;
    ngx_http_complex_value_t      *key;       /* of jobruns_key_variable */
} ngx_http_jobruns_limit_t;


typedef struct {
    ngx_uint_t                     enable;    /* ngx_http_jobruns_enable_e */

    ngx_redis_conf_t              *redis;     /* NULL: not configured */
    ngx_redis_server_t            *server;    /* made of it when merged */
    ngx_redis_server_t            *admission; /* the same, or with replicas */
    ngx_uint_t                     replicas;  /* 0: not waited for */
    ngx_msec_t                     replicas_timeout;
    ngx_msec_t                     redis_timeout;
    ngx_msec_t                     redis_connect_timeout;
    ngx_flag_t                     redis_allow;   /* on failure */
    ngx_flag_t                     require_noeviction;
    ngx_str_t                      prefix;

    ngx_http_complex_value_t      *tenant;    /* NULL: the default */
    ngx_http_complex_value_t      *principal;
    size_t                         tenant_fixed;  /* bytes around variables */
    size_t                         principal_fixed;

    ngx_http_jobruns_auth_conf_t   auth;

    ngx_msec_t                     keepalive;     /* 0: new connections */
    ngx_msec_t                     retry_ttl;
    ngx_msec_t                     retry_lease;
    ngx_msec_t                     retry_wait;
    ngx_flag_t                     retry_refuse;  /* of an unknown token */
    size_t                         response_max_size;

    ngx_array_t                   *limits;    /* ngx_http_jobruns_limit_t */
    ngx_array_t                   *replaced;  /* an outer level's, by these */

    ngx_uint_t                     request_id;    /* jr_request_id_mode_e */
    jr_schema_t                   *schema;
    ngx_flag_t                     reject_unknown;

    ngx_http_jobruns_audit_file_t *audit;     /* NULL: off; unset: not on */
    ngx_syslog_peer_t             *audit_syslog;  /* NULL: no copy */
    ngx_flag_t                     audit_required;
    ngx_uint_t                     audit_refusals;    /* records; 0: all */
    ngx_uint_t                     audit_refusals_per;    /* seconds */
    ngx_msec_t                     audit_sync;    /* or one of
                                            NGX_HTTP_JOBRUNS_SYNC_OFF ... */

    ngx_str_t                      file;      /* where the level begins, for */
    ngx_uint_t                     line;      /* messages */
    ngx_uint_t                     status;    /* jobruns_status; not merged */
} ngx_http_jobruns_loc_conf_t;


typedef struct {
    unsigned                       enabled:1; /* `jobruns on` somewhere in it */
    ngx_http_jobruns_loc_conf_t   *first;     /* the first location that is on;
                                                 its audit is for what comes
                                                 to those without `jobruns` */
} ngx_http_jobruns_srv_conf_t;


typedef struct {
    size_t                         hold_memory;   /* per worker */
    ngx_msec_t                     redis_watch;   /* 0: off */
    ngx_array_t                    half_identities;   /* of pointers to a
                                                 tenant without a principal
                                                 or the reverse, warned of */
    jr_schema_t                   *schema;    /* the embedded one, compiled
                                                 when first needed */
    ngx_array_t                    servers;   /* of
                                                 ngx_http_jobruns_server_t */
    ngx_array_t                    locations; /* of
                                               ngx_http_jobruns_location_t */
    ngx_array_t                    limit_places;  /* of
                                           ngx_http_jobruns_limit_place_t */
    unsigned                       enabled:1; /* `jobruns on` anywhere */
    ngx_array_t                    peers;     /* of ngx_http_jobruns_peer_t,
                                                 by address of the upstream */
    ngx_array_t                    names;     /* the same upstreams, of
                                                 ngx_http_upstream_srv_conf_t *,
                                                 by their hosts */
    ngx_module_t                  *proxy;     /* NULL: NGINX has none */
    struct ngx_http_jobruns_zone_s
                                  *zone;      /* never NULL */
    ngx_array_t                    auth_stores;   /* of
                                            ngx_http_jobruns_auth_store_t * */
    ngx_array_t                    audit_files;   /* of
                                            ngx_http_jobruns_audit_file_t * */
    ngx_http_jobruns_audit_seal_t  audit_seal;
    ngx_redis_script_t             admit;
    ngx_redis_script_t             renew;
    ngx_redis_script_t             settle;
} ngx_http_jobruns_main_conf_t;


/*
 * The life of an attempt, in order.  One request makes at most one.
 *
 *  state       who owns the request          what moves it on
 *  ---------   ---------------------------   -------------------------------
 *  reading     NGINX's body reader           the whole body, or its error
 *  checking    we, blocked; a body above     the thread: admitting, or noting
 *              64k waits for a thread or
 *              is checked in one
 *  admitting   we, blocked; the reply of     the reply: forwarding, a replay
 *              admit.lua is under way        or refusal in noting, or waiting
 *  waiting     we, not blocked, with others  its turn to ask: admitting again;
 *              behind the same claim (_wait  what the others were told:
 *              ers.c), while its timer runs  noting; the timer, or the client
 *                                            leaving, ends it
 *  delayed     we, not blocked; over a       its turn: as from admitting, or to
 *              limit with "delay="           ask again; too late, or the worker
 *              (_delay.c)                    exits: noting
 *  renewing    we, blocked; held up, so      the reply: forwarding, or where
 *              the lease is renewed first    the claim is lost admitting again
 *  recording   we, blocked; ".begin" is on   the file, or with
 *              its way to the file           jobruns_audit_sync always the
 *                                            disk: forwarding, or noting
 *  noting      we, blocked; the one record   the same: answered
 *              of an answer of our own is
 *              on its way to the file
 *  answered    NGINX's writer: the answer    -
 *              is our own, nothing was
 *              forwarded
 *
 *  forwarding  the content handler           its answer's header
 *  holding     the content handler; we       the last byte, or its breaking
 *              keep what it answers          off: settling
 *  settling    we, blocked, r->buffered      the reply of settle.lua, or its
 *              set; NGINX's writer waits     failure: sealing or released
 *  sealing     we, blocked, r->buffered      the same, or its failure:
 *              set; ".end" is on its way     released
 *              to the file
 *  released    NGINX's writer, which calls   its header is passed on: sent
 *              our filter for the answer
 *  sent        NGINX's writer                -
 *
 * While blocked the request cannot be freed, so an operation may live in its
 * pool.  A request that NGINX terminates meanwhile is finished when we
 * unblock it.  ngx_http_jobruns_flow.c moves the state, and begins and ends
 * all suspensions.
 */
typedef enum {
    jobruns_st_reading = 0,
    jobruns_st_checking,
    jobruns_st_admitting,
    jobruns_st_waiting,
    jobruns_st_delayed,
    jobruns_st_renewing,
    jobruns_st_recording,
    jobruns_st_noting,
    jobruns_st_answered,
    jobruns_st_forwarding,
    jobruns_st_holding,
    jobruns_st_settling,
    jobruns_st_sealing,
    jobruns_st_released,
    jobruns_st_sent
} ngx_http_jobruns_state_e;

/* the content handler has it, or has had it */
#define ngx_http_jobruns_forwarded(a)  ((a)->state >= jobruns_st_forwarding)


/* what the audit file has of an attempt */
typedef enum {
    jobruns_recorded_none = 0,
    jobruns_recorded_lost,      /* not its ".begin", or not yet */
    jobruns_recorded_begin,
    jobruns_recorded_end        /* or what there was for it */
} ngx_http_jobruns_recorded_e;


/* what admit.lua said, or that it could not be asked */
typedef enum {
    jobruns_verdict_none = 0,
    jobruns_verdict_forward,
    jobruns_verdict_limited,
    jobruns_verdict_replay,
    jobruns_verdict_unkept,
    jobruns_verdict_running,
    jobruns_verdict_mismatch,
    jobruns_verdict_refused,
    jobruns_verdict_unavailable,
    jobruns_verdict_damaged,    /* Redis holds what nobody of us wrote */
    jobruns_verdict_exiting,    /* this worker ends before its turn */
    jobruns_verdict_late,       /* it came behind its deadline: nothing */
    jobruns_verdict_again       /* the stored answer is corrupt: to be asked
                                   for one that is not this */
} ngx_http_jobruns_verdict_e;


/* what settle.lua said */
typedef enum {
    jobruns_settled_none = 0,   /* not asked, or not reached */
    jobruns_settled_kept,
    jobruns_settled_freed,
    jobruns_settled_unknown,
    jobruns_settled_done,       /* another attempt was first */
    jobruns_settled_fenced,
    jobruns_settled_foreign,
    jobruns_settled_gone,
    jobruns_settled_early,      /* the admission may still come */
    jobruns_settled_last
} ngx_http_jobruns_settled_e;


typedef struct ngx_http_jobruns_ctx_s  ngx_http_jobruns_ctx_t;
typedef struct ngx_http_jobruns_settlement_s  ngx_http_jobruns_settlement_t;
typedef struct ngx_http_jobruns_delay_s  ngx_http_jobruns_delay_t;

/*
 * The parts of an attempt, in the order in which they come into being.  Each
 * is written by the file that is named first in its comment, and lives in the
 * request's pool with all that it points to, unless it says otherwise.
 */

/*
 * What is asked for, and by whom: attempt.c and handler.c as the request comes
 * in, tenant, principal and identity by identity.c.  Constant from the reading
 * of the body on; the strings are the request's own.
 */
typedef struct {
    ngx_str_t                      uri;       /* r->uri when it came in */
    jr_str_t                       tenant;    /* as it stands in keys */
    jr_str_t                       principal;
    jr_str_t                       token;     /* data NULL: none */
    unsigned                       update_recent:1;
    u_char                         owner[NGX_HTTP_JOBRUNS_OWNER_LEN / 2];
    u_char                         owner_hex[NGX_HTTP_JOBRUNS_OWNER_LEN];
    jr_identity_t                  identity;
    jr_path_t                      path;      /* last: not zeroed */
} ngx_http_jobruns_call_t;


/*
 * The validation: body.c in jobruns_st_checking.  What it yields is constant
 * from the admission on.
 */
typedef struct {
    size_t                         len;       /* of the body */
    unsigned                       flags;     /* of jr_body_read() */
    ngx_queue_t                    queue;     /* body_thread.c: it waits for
                                                 its thread */
    jr_body_t                     *found;     /* until body_take(); a static
                                                 one, or the thread's */
    jr_auth_failure_t              unsigned_body; /* reason not JR_AUTH_OK: it
                                                 is not the one that was
                                                 signed */
    jr_str_t                       job_key;   /* from the body */
    u_char                         token_hash[JR_DIGEST_HEX];
    u_char                         fingerprint[
                                           NGX_HTTP_JOBRUNS_FINGERPRINT_LEN];
    ngx_str_t                      message;   /* of a refused body, without
                                                 its values */
    ngx_str_t                      dry_run;   /* would have refused it; the
                                                 handler's for headers */
} ngx_http_jobruns_checked_t;


/*
 * What Redis is asked: args.c, once, before it is asked first.  Later only
 * the argument of the attempt changes (reply_verdict.c), and the deadline that
 * the client stamps.  settlement.c copies what may outlive the request.
 */
typedef struct {
    ngx_uint_t                     nlimits;
    jr_limit_t                    *limits;
    jr_str_t                      *by;        /* what each counts by */
    ngx_uint_t                     nkeys;     /* overrides, limits, record */
    ngx_uint_t                     nslots;    /* of the limits: the first */
    ngx_str_t                     *keys;
    u_char                        *places;    /* of each limit, its key */
    ngx_str_t                      shared;    /* lease and limits, packed */
    ngx_uint_t                     argc;
    ngx_str_t                     *argv;      /* of admit.lua, keys first */
} ngx_http_jobruns_args_t;


/* The asking: admission.c from jobruns_st_admitting on.  The call is Redis'
   while the attempt is blocked, and nobody's otherwise. */
typedef struct {
    ngx_http_jobruns_batch_call_t  call;
    ngx_msec_t                     asked;     /* the lease counts from here;
                                                 lease.c, when it renews */
    int64_t                        lost;      /* 0, or by when an admission
                                                 without a reply was to be
                                                 carried out: Redis' ms */
    unsigned                       again:1;   /* since a reply was lost */
    unsigned                       late:1;    /* asked again for that */
    unsigned                       reached:1; /* Redis works, and has not
                                                 admitted us: "allow" does not
                                                 forward */
    unsigned                       unprotected:1; /* Redis failed, allowed */
    unsigned                       unreplicated:1;    /* on few replicas */
} ngx_http_jobruns_admission_t;


/*
 * What admit.lua says beside its verdict: reply_verdict.c with each reply.
 */
typedef struct {
    jr_limit_state_t              *states;    /* parallel to args.limits, by
                                                 args.c */
    ngx_uint_t                     nstates;   /* 0 or args.nlimits */
    ngx_uint_t                     refusing;  /* index into args.limits */
    ngx_msec_t                     wait;      /* till it passes, or is free */
    int64_t                        begin;     /* of the claim, by Redis' ms */
    unsigned                       unknown:1; /* so was an earlier attempt */
} ngx_http_jobruns_reply_t;


/*
 * A retry among those that wait behind the same claim: group.c, from joining
 * to leaving it, at the latest in the log phase.  The group and the place are
 * the worker's.
 */
typedef struct {
    ngx_msec_t                     until;     /* by admission.c */
    ngx_queue_t                    queue;     /* of its group */
    struct ngx_http_jobruns_group_s
                                  *group;     /* NULL: it does not wait */
    ngx_http_jobruns_share_t      *place;     /* that it takes meanwhile */
} ngx_http_jobruns_waiting_t;


/*
 * Its waiting for limits: delay.c, from the verdict to its turn, at the latest
 * in the log phase.  The wait is in the worker's tables meanwhile.
 */
typedef struct {
    ngx_http_jobruns_delay_t      *wait;      /* NULL: never waited */
    ngx_msec_t                     total;     /* ms, in all */
    unsigned                       withdrawn:1;   /* admitted, and its turn
                                                 has not come: all that it
                                                 consumed is given back */
} ngx_http_jobruns_delayed_t;


/* the renewals: lease.c from jobruns_st_delayed, _renewing or _forwarding until
   the settlement, or the log phase */
typedef struct {
    ngx_redis_op_t                 op;
    ngx_msec_t                     asked;
    unsigned                       lost:1;    /* to another attempt */
} ngx_http_jobruns_lease_t;


/*
 * The job run as far as it is known: of an earlier attempt from Redis
 * (reply_verdict.c, verdict.c), else from the service's response (held.c,
 * answer.c).  The strings of a verdict that many are given are in its memory,
 * which the request's pool lets go.
 */
typedef struct {
    jr_answer_t                    answer;    /* to store, or read back */
    ngx_str_t                      original_id;   /* of the earlier attempt */
    ngx_str_t                      location;
    ngx_str_t                      key;
    unsigned                       too_large:1;   /* answer not stored:
                                                 filter.c, settlement.c */
} ngx_http_jobruns_run_t;


/*
 * What the client is given: answer.c and error.c when it is chosen; the body
 * may point into run.answer or held.buf.
 */
typedef struct {
    ngx_uint_t                     status;
    ngx_str_t                      body;
    jr_str_t                       code;      /* of a refusal, for audit */
    jr_str_t                       message;
    ngx_uint_t                     retry_after;   /* seconds; 0: none */
} ngx_http_jobruns_response_t;


/*
 * The answer that is held: written by the filters (filter, held, framing) from
 * its header until it is sent, and by the choice of what is sent.
 */
typedef struct {
    ngx_int_t                    (*input_init)(void *data);
                                              /* the proxy's own filters of
                                                 its body */
    ngx_event_pipe_input_filter_pt input_pipe;
    ngx_int_t                    (*input_unbuffered)(void *data,
                                                     ssize_t bytes);

    ngx_http_jobruns_room_t        room;      /* of jobruns_hold_memory; given
                                                 back in the log phase */
    ngx_buf_t                     *buf;       /* grows by doubling */
    ngx_chain_t                   *overflow;  /* what came behind it, in
                                                 buffers of the upstream */
    ngx_chain_t                  **overflow_last;
    ngx_uint_t                     http_version;  /* of the client, by flow.c */
    unsigned                       complete:1;    /* its last byte is here */
    unsigned                       overlong:1;    /* than its length says */
    unsigned                       replace:1; /* by an answer of our own */
} ngx_http_jobruns_held_t;


/*
 * Its audit records: audit.c from ".begin" on.  wait is in a list of the file
 * until it is written, and the attempt blocked.
 */
typedef struct {
    ngx_http_jobruns_audit_wait_t  wait;      /* on its way to the file */
    ngx_http_jobruns_recorded_e    recorded;
    ngx_str_t                      error;     /* why the file could not be
                                                 used */
} ngx_http_jobruns_audit_t;


/* why Redis could not be used: log.c with each failure; the last one stays */
typedef struct {
    ngx_str_t                      text;
    u_char                        *room;      /* for it; NULL: none yet */
} ngx_http_jobruns_redis_error_t;


/*
 * When, by ngx_current_msec; 0: not.  Each is written once for every time the
 * flow passes there, and read by the records until the log phase.
 */
typedef struct {
    ngx_msec_t                     asked;     /* Redis, first */
    ngx_msec_t                     decided;   /* by Redis */
    ngx_msec_t                     forwarded;
    ngx_msec_t                     answered;  /* by the service */
    ngx_msec_t                     settled;
} ngx_http_jobruns_times_t;


/* as what it is counted: metrics.c, from when on */
typedef struct {
    ngx_http_jobruns_stage_e       stage;
    ngx_msec_t                     since;
} ngx_http_jobruns_counted_t;


/*
 * Everything about one attempt to create a job run.  Lives in the request's
 * pool; ngx_http_jobruns_flow_log_handler() lets go of timers and operations
 * and settles what was left unsettled.
 *
 * Above the parts stands what moves it from one to the next.
 */
struct ngx_http_jobruns_attempt_s {
    ngx_http_jobruns_state_e       state;     /* flow.c alone */
    ngx_http_jobruns_verdict_e     verdict;   /* of the admission */
    jr_outcome_e                   outcome;   /* what became of it */
    ngx_http_jobruns_settled_e     settled;   /* settlement.c */
    ngx_uint_t                     stopped;   /* guard.c: the status that its
                                                 client is given; 0: no */
    unsigned                       claimed:1; /* Redis may hold our record,
                                                 and no settlement has begun */

    ngx_http_request_t            *request;
    ngx_http_jobruns_ctx_t        *ctx;       /* of the request */
    ngx_http_jobruns_loc_conf_t   *conf;      /* of where it came in; stays
                                                 through redirects */
    ngx_event_t                    timer;     /* waiters.c: end of waiting;
                                                 lease.c: the next renewal */

    ngx_http_jobruns_call_t        call;
    ngx_http_jobruns_checked_t     check;
    ngx_http_jobruns_args_t        args;
    ngx_http_jobruns_admission_t   admission;
    ngx_http_jobruns_reply_t       reply;
    ngx_http_jobruns_waiting_t     waiting;
    ngx_http_jobruns_delayed_t     delayed;
    ngx_http_jobruns_lease_t       lease;
    jr_exchange_t                  exchange;  /* with the service: filter.c and
                                                 attempt.c, to its end */
    ngx_http_jobruns_held_t        held;
    ngx_http_jobruns_run_t         run;
    ngx_http_jobruns_response_t    response;
    ngx_http_jobruns_audit_t       audit;
    ngx_http_jobruns_redis_error_t redis_error;
    ngx_http_jobruns_times_t       times;
    ngx_http_jobruns_counted_t     counted;
};


/*
 * Of every main request that `jobruns` looks at.  It outlives r->ctx, which
 * NGINX clears on internal redirects: see ngx_http_jobruns_attempt_get_ctx().
 */
struct ngx_http_jobruns_ctx_s {
    ngx_str_t                      request_id;
    ngx_str_t                      error;     /* JSON in place of NGINX's
                                                 page; len 0: none */
    ngx_http_jobruns_auth_t       *auth;      /* NULL: nobody verifies it */
    ngx_http_jobruns_attempt_t    *attempt;   /* NULL: passes untouched */
    unsigned                       override:1;    /* of the method, to POST */
};


extern ngx_module_t  ngx_http_jobruns_module;
extern ngx_module_t  ngx_http_jobruns_check_module;


/* the key of an attempt's record */
#define ngx_http_jobruns_record(a)  (&(a)->args.keys[(a)->args.nkeys - 1])

#define ngx_http_jobruns_str(s)                                              \
    ((jr_str_t) { (s).len, (const char *) (s).data })


#endif /* NGX_HTTP_JOBRUNS_H_INCLUDED */
