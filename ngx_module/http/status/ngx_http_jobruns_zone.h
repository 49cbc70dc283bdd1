/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns_zone: the counters of all workers in shared memory, their sum, and
 * what they were in the last minutes.
 */

#ifndef NGX_HTTP_JOBRUNS_ZONE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_ZONE_H_INCLUDED

#include "ngx_http_jobruns.h"


/* seconds that are remembered; a power of two */
#define NGX_HTTP_JOBRUNS_HISTORY    128

/* workers of a zone at most, those of earlier configurations that still have
   requests included */
#define NGX_HTTP_JOBRUNS_BLOCKS     128

#define NGX_HTTP_JOBRUNS_NAME_LEN   256

/* the outcomes of this many seconds are lately; sums are kept for longer */
#define NGX_HTTP_JOBRUNS_LATELY     300
#define NGX_HTTP_JOBRUNS_PAST_EVERY 10
#define NGX_HTTP_JOBRUNS_PAST       32

/* kinds of trouble at most */
#define NGX_HTTP_JOBRUNS_KINDS      32

/* what is shown of the tenants that are refused most */
#define NGX_HTTP_JOBRUNS_TOP        10


/* the sums at the end of one second */
typedef struct {
    ngx_http_jobruns_counter_t     second;    /* 0: not written yet */
    ngx_atomic_uint_t              outcomes[JR_OUTCOME_LAST];
    ngx_atomic_uint_t              times[jobruns_time_last]
                                        [NGX_HTTP_JOBRUNS_BOUNDS + 1];
    ngx_atomic_uint_t              roundtrip[NGX_REDIS_STATS_BOUNDS + 1];
    ngx_atomic_uint_t              stages[jobruns_stage_last];
    ngx_atomic_uint_t              waiters;
} ngx_http_jobruns_sample_t;


/* the outcomes up to a second, one of ten */
typedef struct {
    ngx_http_jobruns_counter_t     second;    /* 0: not written yet */
    ngx_atomic_uint_t              outcomes[JR_OUTCOME_LAST];
} ngx_http_jobruns_past_t;


typedef struct {
    ngx_uint_t                     kind;      /* jr_limit_kind_e */
    size_t                         len;
    u_char                         data[NGX_HTTP_JOBRUNS_NAME_LEN];
} ngx_http_jobruns_name_t;


/* the shared memory; blocks follow it, each at a place of its own in the
   cache */
typedef struct {
    time_t                         created;
    ngx_uint_t                     nblocks;
    size_t                         stride;
    u_char                        *blocks;

    /* names are added when a configuration is read, and never go */
    ngx_uint_t                     nservers;
    ngx_http_jobruns_name_t        servers[NGX_HTTP_JOBRUNS_SERVERS];
    ngx_uint_t                     nlimits;
    ngx_http_jobruns_name_t        limits[NGX_HTTP_JOBRUNS_LIMITS];

    ngx_atomic_t                   sampled;   /* the last second that is */
    ngx_http_jobruns_sample_t      history[NGX_HTTP_JOBRUNS_HISTORY];
    ngx_http_jobruns_past_t        past[NGX_HTTP_JOBRUNS_PAST];

    /* what each was at the last sample, and the second in which it last grew */
    ngx_http_jobruns_counter_t     outcomes_seen[JR_OUTCOME_LAST];
    ngx_http_jobruns_counter_t     outcomes_at[JR_OUTCOME_LAST];
    ngx_http_jobruns_counter_t     counters_seen[jobruns_count_last];
    ngx_http_jobruns_counter_t     counters_at[jobruns_count_last];

    /* since when each trouble is there (ngx_http_jobruns_troubles.c); 0: it is
       not */
    ngx_http_jobruns_counter_t     since[NGX_HTTP_JOBRUNS_KINDS]
                                        [NGX_HTTP_JOBRUNS_SERVERS];
} ngx_http_jobruns_shared_t;


/* of the cycle; in the main configuration */
typedef struct ngx_http_jobruns_zone_s {
    ngx_shm_zone_t                *zone;      /* NULL: no jobruns_zone */
    ngx_http_jobruns_shared_t     *shared;
    ngx_array_t                    servers;   /* of
                                             ngx_http_jobruns_zone_server_t */
    ngx_array_t                    limits;    /* of jr_limit_t */
    u_char                         digest[JR_DIGEST_HEX];
    jr_hasher_t                   *hasher;    /* while it is being read */
    time_t                         loaded;
    unsigned                       wanted:1;  /* jobruns_status stands
                                                 somewhere */
} ngx_http_jobruns_zone_t;


typedef struct {
    ngx_str_t                      address;
    ngx_redis_server_t            *server;
    ngx_uint_t                     index;     /* of shared->servers */
    unsigned                       watched:1; /* by each worker */
} ngx_http_jobruns_zone_server_t;


typedef struct {
    ngx_atomic_uint_t              count;
    ngx_atomic_uint_t              error;
    size_t                         len;
    u_char                         name[NGX_HTTP_JOBRUNS_TENANT_LEN];
} ngx_http_jobruns_refused_t;


/* workers by what they last found of a server of Redis */
typedef struct {
    ngx_uint_t                     good;
    ngx_uint_t                     failed;
    ngx_uint_t                     replica;   /* of the good ones */
} ngx_http_jobruns_asked_t;


/* what all workers counted, at the moment it was read */
typedef struct {
    ngx_http_jobruns_zone_t       *zone;
    ngx_http_jobruns_block_t       sum;       /* pid and top unused */
    ngx_uint_t                     workers;   /* with a block, alive */
    ngx_http_jobruns_asked_t       asked[NGX_HTTP_JOBRUNS_SERVERS];
    ngx_uint_t                     ntop;
    ngx_http_jobruns_refused_t     top[NGX_HTTP_JOBRUNS_TENANTS];
} ngx_http_jobruns_figures_t;


#define ngx_http_jobruns_zone_block(shared, i)                               \
    ((ngx_http_jobruns_block_t *) ((shared)->blocks + (i) * (shared)->stride))


/* the setter of the directive */
char *ngx_http_jobruns_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

ngx_http_jobruns_zone_t *ngx_http_jobruns_zone_create(ngx_conf_t *cf);

/* a location where `jobruns` is on: its servers and limits get their places,
   and its settings go into the digest */
ngx_int_t ngx_http_jobruns_zone_location(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf);

/* all is read; NGX_ERROR after saying what is missing */
ngx_int_t ngx_http_jobruns_zone_complete(ngx_conf_t *cf);

/* a worker begins and ends */
ngx_int_t ngx_http_jobruns_zone_begin(ngx_cycle_t *cycle);
void ngx_http_jobruns_zone_end(ngx_cycle_t *cycle);

/* where refusals by this limit are counted; never NULL */
ngx_http_jobruns_limit_count_t *ngx_http_jobruns_zone_limit(
    jr_limit_t *limit);


#endif /* NGX_HTTP_JOBRUNS_ZONE_H_INCLUDED */
