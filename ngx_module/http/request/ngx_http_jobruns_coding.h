/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Does a body with a Content-Encoding end where its coding ends?  Asked only
 * where the framing does not tell: the answer is not decoded for anyone.
 */

#ifndef NGX_HTTP_JOBRUNS_CODING_H_INCLUDED
#define NGX_HTTP_JOBRUNS_CODING_H_INCLUDED

#include "ngx_http_jobruns.h"


/* is the body a whole one of that Content-Encoding?  0 also where that cannot
   be said: another coding than gzip and deflate, or more than 4m of text */
ngx_uint_t ngx_http_jobruns_coding_ends(jr_str_t coding, jr_str_t body);


#endif /* NGX_HTTP_JOBRUNS_CODING_H_INCLUDED */
