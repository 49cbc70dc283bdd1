/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where requests come in: recognising createJobRun, the request id, and what
 * headers alone decide.
 */

#ifndef NGX_HTTP_JOBRUNS_HANDLER_H_INCLUDED
#define NGX_HTTP_JOBRUNS_HANDLER_H_INCLUDED

#include "ngx_http_jobruns.h"


ngx_int_t ngx_http_jobruns_handler(ngx_http_request_t *r);

#endif /* NGX_HTTP_JOBRUNS_HANDLER_H_INCLUDED */
