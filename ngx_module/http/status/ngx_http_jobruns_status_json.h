/*
 * The figures as one JSON object, for programs.
 */

#ifndef NGX_HTTP_JOBRUNS_STATUS_JSON_H_INCLUDED
#define NGX_HTTP_JOBRUNS_STATUS_JSON_H_INCLUDED

#include "ngx_http_jobruns_status.h"


void ngx_http_jobruns_status_json(ngx_http_jobruns_text_t *text,
    ngx_http_jobruns_figures_t *figures);


#endif /* NGX_HTTP_JOBRUNS_STATUS_JSON_H_INCLUDED */
