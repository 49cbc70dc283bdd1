/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The digest of what is configured: two gateways that show the same one treat
 * requests alike.
 */

#ifndef NGX_HTTP_JOBRUNS_SETTINGS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_SETTINGS_H_INCLUDED

#include "ngx_http_jobruns_zone.h"


/* adds the settings of one location */
ngx_int_t ngx_http_jobruns_settings_add(jr_hasher_t *hasher,
    ngx_command_t *commands, ngx_http_jobruns_loc_conf_t *conf);


#endif /* NGX_HTTP_JOBRUNS_SETTINGS_H_INCLUDED */
