/*
 * The key that chains are sealed with, and how a chain names it: by an id that
 * is made of the key and does not give it away.
 */

#ifndef NGX_HTTP_JOBRUNS_AUDIT_KEY_H_INCLUDED
#define NGX_HTTP_JOBRUNS_AUDIT_KEY_H_INCLUDED

#include "ngx_http_jobruns_audit.h"


/* jobruns_audit_key */
char *ngx_http_jobruns_audit_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* all of http{} is read: what its chains will say of it */
void ngx_http_jobruns_audit_seal_init(ngx_conf_t *cf,
    ngx_http_jobruns_audit_seal_t *seal);


#endif /* NGX_HTTP_JOBRUNS_AUDIT_KEY_H_INCLUDED */
