/*
 * What a record says of who asks for what: "identity" and "request".
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_ASKER_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_ASKER_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* "identity" and "request"; the other for ".end", as much as it takes to read
   that record alone */
void ngx_http_jobruns_audit_asker(ngx_http_request_t *r,
    struct ngx_http_jobruns_attempt_s *a, jr_line_t *line);
void ngx_http_jobruns_audit_asker_again(ngx_http_request_t *r,
    struct ngx_http_jobruns_attempt_s *a, jr_line_t *line);

/* a string of which at most so many bytes are taken; a record that is cut says
   so */
void ngx_http_jobruns_audit_text(jr_line_t *line, const char *name,
    jr_str_t value, size_t most);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_ASKER_H_INCLUDED */
