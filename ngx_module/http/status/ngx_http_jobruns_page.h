/*
 * The parts of the status page.
 */

#ifndef NGX_HTTP_JOBRUNS_PAGE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_PAGE_H_INCLUDED

#include "ngx_http_jobruns_status.h"


/* a set of outcomes */
#define ngx_http_jobruns_page_set(outcome)  ((ngx_uint_t) 1 << (outcome))

#define NGX_HTTP_JOBRUNS_PAGE_ALL                                            \
    ((ngx_uint_t) (1 << NGX_HTTP_JOBRUNS_OUTCOMES) - 1)

/* what asks for somebody to look */
#define NGX_HTTP_JOBRUNS_PAGE_TROUBLE                                        \
    (ngx_http_jobruns_page_set(JR_OUTCOME_UNAVAILABLE)                       \
     | ngx_http_jobruns_page_set(JR_OUTCOME_UNSENT)                          \
     | ngx_http_jobruns_page_set(JR_OUTCOME_UNKNOWN))


#endif /* NGX_HTTP_JOBRUNS_PAGE_H_INCLUDED */
