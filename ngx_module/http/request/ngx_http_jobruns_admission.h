/*
 * Admission: asking Redis for the token and the limits in one call, and
 * letting the request go on to the content handler.
 */

#ifndef NGX_HTTP_JOBRUNS_ADMISSION_H_INCLUDED
#define NGX_HTTP_JOBRUNS_ADMISSION_H_INCLUDED

#include "ngx_http_jobruns.h"


void ngx_http_jobruns_admit(ngx_http_request_t *r,
    ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_ADMISSION_H_INCLUDED */
