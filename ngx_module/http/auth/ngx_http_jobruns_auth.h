/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who asks, verified: what a location demands, and what is found of a request.
 *
 *   auth_directives  the configuration: an auth_conf for each location
 *   auth_store       files of keys, read again when they change
 *   auth             a request's signature, by the keys of this moment
 *
 * Rules, and all that is no NGINX, are in core/auth/.
 */

#ifndef NGX_HTTP_JOBRUNS_AUTH_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUTH_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "jr_auth.h"


typedef struct ngx_http_jobruns_auth_store_s  ngx_http_jobruns_auth_store_t;


typedef enum {
    jobruns_auth_off = 0,
    jobruns_auth_dry_run,       /* forwards, and says what it would refuse */
    jobruns_auth_on,            /* creations */
    jobruns_auth_all            /* and what else comes to the location */
} ngx_http_jobruns_auth_mode_e;


/* one jobruns_auth_issuer */
typedef struct {
    ngx_str_t                       name;     /* the claim iss */
    ngx_str_t                       audience; /* len 0: any */
    ngx_http_jobruns_auth_store_t  *store;
} ngx_http_jobruns_auth_issuer_t;


/* of a location; in the pool of the configuration */
typedef struct {
    ngx_uint_t                      mode;     /* ngx_http_jobruns_auth_mode_e */
    ngx_http_jobruns_auth_store_t  *users;    /* NULL: none of them is known */
    ngx_array_t                    *issuers;  /* of
                                            ngx_http_jobruns_auth_issuer_t */
    ngx_array_t                    *tenants;  /* of jr_str_t; NULL: all */
    time_t                          skew;
    ngx_int_t                       min_bits;

    jr_auth_policy_t                policy;   /* of all this, once merged; its
                                                 keys are those of the last
                                                 request */
    jr_auth_issuer_t               *issuing;  /* policy.issuers */
} ngx_http_jobruns_auth_conf_t;


typedef enum {
    jobruns_auth_waits = 0,     /* for the length of the body */
    jobruns_auth_verified,
    jobruns_auth_failed         /* refused, or in a dry run not */
} ngx_http_jobruns_auth_state_e;


/* of a request, in its pool */
typedef struct {
    ngx_http_jobruns_auth_state_e   state;
    ngx_http_jobruns_auth_conf_t   *conf;     /* by which it is verified */

    jr_str_t                        key_id;   /* in the header, as are names: */
    jr_str_t                        names;    /* headers="..." */

    jr_str_t                        type;     /* verified; as in */
    jr_str_t                        tenancy;  /* jr_auth_identity_t */
    jr_str_t                        principal;

    jr_auth_reason_e                reason;   /* failed */
    ngx_str_t                       failure;  /* "skew:+372" */
    ngx_str_t                       message;  /* what its client is told */

    jr_signature_body_t             body;     /* of a creation */
    jr_signature_t                 *signature;    /* while it waits */
} ngx_http_jobruns_auth_t;


/*
 * Verifies a request by its headers; body: it is a creation, whose body is
 * signed, too.  Sets *auth.
 *
 * NGX_OK: it is verified, or not and in a dry run.  NGX_AGAIN: it waits for
 * ngx_http_jobruns_auth_length().  NGX_DECLINED: it is to be refused, which
 * was counted and logged.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_jobruns_auth_begin(ngx_http_request_t *r,
    ngx_http_jobruns_auth_conf_t *conf, ngx_uint_t body,
    ngx_http_jobruns_auth_t **auth);

/* The length of the body is known: as ngx_http_jobruns_auth_begin(), but for
   NGX_AGAIN. */
ngx_int_t ngx_http_jobruns_auth_length(ngx_http_request_t *r,
    ngx_http_jobruns_auth_t *auth, size_t length);

/* Something else is wrong with it: NGX_OK in a dry run, NGX_DECLINED: it is to
   be refused, NGX_ERROR. */
ngx_int_t ngx_http_jobruns_auth_fail(ngx_http_request_t *r,
    ngx_http_jobruns_auth_t *auth, const jr_auth_failure_t *failure);


#endif /* NGX_HTTP_JOBRUNS_AUTH_H_INCLUDED */
