/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The figures as one JSON object, for programs and for the page's script.
 */

#ifndef NGX_HTTP_JOBRUNS_STATUS_JSON_H_INCLUDED
#define NGX_HTTP_JOBRUNS_STATUS_JSON_H_INCLUDED

#include "ngx_http_jobruns_status.h"


/* history: whether to add what each of the last 120 seconds brought */
void ngx_http_jobruns_status_json(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures, ngx_uint_t history);


#endif /* NGX_HTTP_JOBRUNS_STATUS_JSON_H_INCLUDED */
