/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Files of public keys, as a worker has them.
 *
 *   at configuration   read and checked, then forgotten: what the master has
 *                      read may be older than what a worker finds
 *   a worker starts    reads them; until it can, keys are NULL
 *   every few seconds  looks whether they changed, reads them in a thread, and
 *                      exchanges all keys of the store at once; what is broken
 *                      changes nothing
 */

#ifndef NGX_HTTP_JOBRUNS_AUTH_STORE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUTH_STORE_H_INCLUDED

#include "ngx_http_jobruns_auth.h"


/*
 * A store of n files, whose names are completed.  Reads them: NULL: they are
 * not good, which was logged as an error of the configuration.
 */
ngx_http_jobruns_auth_store_t *ngx_http_jobruns_auth_store_add(ngx_conf_t *cf,
    ngx_array_t *stores, jr_auth_keys_kind_e kind, ngx_str_t *names,
    ngx_uint_t n);

/* the names, full, of ngx_str_t */
ngx_array_t *ngx_http_jobruns_auth_store_files(
    ngx_http_jobruns_auth_store_t *store);

/* in a worker, before its first request; stores NULL: there are none */
void ngx_http_jobruns_auth_store_start(ngx_array_t *stores,
    ngx_cycle_t *cycle);

/* store NULL, or not read yet: NULL */
const jr_auth_keys_t *ngx_http_jobruns_auth_store_keys(
    ngx_http_jobruns_auth_store_t *store);

/* how often keys of any store were exchanged in this worker */
uint64_t ngx_http_jobruns_auth_store_generation(void);

/* of this worker; NULL: no memory for it */
jr_auth_cache_t *ngx_http_jobruns_auth_store_cache(void);


#endif /* NGX_HTTP_JOBRUNS_AUTH_STORE_H_INCLUDED */
