/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every record has around it, and the records of a chain itself: its
 * first and its last.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_ENVELOPE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_ENVELOPE_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* the members that all records begin with; an object "data" is open then, and
   the other closes it */
void ngx_http_jobruns_audit_envelope_open(jr_line_t *line, jr_str_t type);
void ngx_http_jobruns_audit_envelope_close(jr_line_t *line);

/* the members of "data" of a chain's first and last record */
void ngx_http_jobruns_audit_envelope_chain(jr_chain_t *chain,
    ngx_http_jobruns_audit_seal_t *seal, jr_line_t *line);

/* RFC 3339 with milliseconds, from NGINX's cached clock; buf has room for
   NGX_HTTP_JOBRUNS_AUDIT_TIME - 1 bytes */
jr_str_t ngx_http_jobruns_audit_envelope_time(char *buf);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_ENVELOPE_H_INCLUDED */
