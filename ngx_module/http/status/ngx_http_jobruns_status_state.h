/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The worst that is true now, in one sentence.
 */

#ifndef NGX_HTTP_JOBRUNS_STATUS_STATE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_STATUS_STATE_H_INCLUDED

#include "ngx_http_jobruns_status.h"


/* a sentence with the name of a server in it */
#define NGX_HTTP_JOBRUNS_STATE_LEN  (NGX_HTTP_JOBRUNS_NAME_LEN + 256)


typedef struct {
    const char  *level;     /* "good", "warn", "bad" */
    size_t       len;
    u_char       data[NGX_HTTP_JOBRUNS_STATE_LEN];
} ngx_http_jobruns_state_t;


/* the sentence has the name of a server of Redis in it, unescaped */
void ngx_http_jobruns_status_state(ngx_http_jobruns_figures_t *figures,
    ngx_http_jobruns_state_t *state);


#endif /* NGX_HTTP_JOBRUNS_STATUS_STATE_H_INCLUDED */
