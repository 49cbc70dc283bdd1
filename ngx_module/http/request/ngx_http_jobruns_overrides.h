/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Overrides that are nonsense: whoever set one shall read of it, and not once
 * per request.
 */

#ifndef NGX_HTTP_JOBRUNS_OVERRIDES_H_INCLUDED
#define NGX_HTTP_JOBRUNS_OVERRIDES_H_INCLUDED

#include "ngx_http_jobruns.h"


/* counts overrides that are nonsense, and logs each once a minute; fields
   are their names with a blank between them */
void ngx_http_jobruns_overrides_report(ngx_http_jobruns_attempt_t *a,
    ngx_str_t *fields);


#endif /* NGX_HTTP_JOBRUNS_OVERRIDES_H_INCLUDED */
