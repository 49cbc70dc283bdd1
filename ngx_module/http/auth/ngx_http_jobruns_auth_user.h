/* SPDX-License-Identifier: BSD-2-Clause
 *
 * May workers read what the master could?
 */

#ifndef NGX_HTTP_JOBRUNS_AUTH_USER_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUTH_USER_H_INCLUDED

#include "ngx_http_jobruns_auth.h"


/*
 * Warns of each file that the workers' user cannot read by the modes of it and
 * of its folders, as `nginx -t` does too: they would answer 503.  Once the
 * configuration is accepted: before that, the user is not known.
 */
void ngx_http_jobruns_auth_user_check(ngx_array_t *stores,
    ngx_cycle_t *cycle);


#endif /* NGX_HTTP_JOBRUNS_AUTH_USER_H_INCLUDED */
