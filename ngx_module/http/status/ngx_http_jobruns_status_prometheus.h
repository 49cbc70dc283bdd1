/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The figures in the text format that Prometheus scrapes ("Exposition
 * formats", version 0.0.4).  Label values are outcomes, words of ours, names
 * of limits and addresses of Redis, all of them bounded; nothing that a
 * client sends is one.
 */

#ifndef NGX_HTTP_JOBRUNS_STATUS_PROMETHEUS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_STATUS_PROMETHEUS_H_INCLUDED

#include "ngx_http_jobruns_status.h"


void ngx_http_jobruns_status_prometheus(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);


#endif /* NGX_HTTP_JOBRUNS_STATUS_PROMETHEUS_H_INCLUDED */
