/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Content-Length towards the service.  ngx_http_proxy_module takes it from its
 * variable $proxy_internal_body_length.  Where there is no memory for the
 * digits the header is left out, and the body is sent all the same
 * (ngx_http_proxy_create_request()): the service would make a job run of an
 * empty body, and take the body for the next request on the connection, which
 * nobody has validated.  So the digits get a place that is always there.
 */

#ifndef NGX_HTTP_JOBRUNS_CONTENT_LENGTH_H_INCLUDED
#define NGX_HTTP_JOBRUNS_CONTENT_LENGTH_H_INCLUDED

#include "ngx_http_jobruns.h"


void ngx_http_jobruns_content_length_init(ngx_conf_t *cf);


#endif /* NGX_HTTP_JOBRUNS_CONTENT_LENGTH_H_INCLUDED */
