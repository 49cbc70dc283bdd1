/*
 * Records on their way into a file: what one turn of the event loop has to
 * say leaves in one write(), and whoever waits for a record goes on behind
 * it, at the end of that turn.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_BATCH_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_BATCH_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* makes room for two records of that file, where there is none by writing
   what is pending */
void ngx_http_jobruns_audit_batch_room(ngx_http_jobruns_audit_file_t *file);

/* begins a line in that room */
void ngx_http_jobruns_audit_batch_line(jr_line_t *line);

/* seals that line into the chain of its file; NULL: no memory, which was
   logged.  The caller fills in the rest of the record. */
ngx_http_jobruns_audit_sealed_t *ngx_http_jobruns_audit_batch_seal(
    jr_line_t *line, ngx_log_t *log);

/* writes what is pending */
void ngx_http_jobruns_audit_batch_write(void);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_BATCH_H_INCLUDED */
