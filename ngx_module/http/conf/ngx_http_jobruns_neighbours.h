/*
 * Directives of other modules that would break a promise beside
 * `jobruns on`: forwarding twice, hiding the service's answer, changing what
 * the client signed.  They are refused by `nginx -t`, each with the line that
 * fixes it; what is not the proxy module's stands in
 * ngx_http_jobruns_foreign.c.
 */

#ifndef NGX_HTTP_JOBRUNS_NEIGHBOURS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_NEIGHBOURS_H_INCLUDED

#include "ngx_http_jobruns_foreign.h"
#include "ngx_http_jobruns.h"


/* what a setting of proxy_pass breaks */
typedef struct {
    const char  *found;
    const char  *why;
    const char  *mend;
    const char  *exit;          /* what the guard says of it */
} ngx_http_jobruns_conflict_t;


ngx_int_t ngx_http_jobruns_neighbour_refuse(ngx_conf_t *cf,
    ngx_http_jobruns_neighbour_t *n,
    const ngx_http_jobruns_conflict_t *conflict);

/* NULL: nothing in it breaks a promise */
const ngx_http_jobruns_conflict_t *ngx_http_jobruns_neighbour_conflict(
    ngx_http_upstream_conf_t *u);

/* remembers the location being merged, to be checked when all are */
ngx_int_t ngx_http_jobruns_neighbour_add(ngx_conf_t *cf,
    ngx_http_jobruns_loc_conf_t *conf);
ngx_int_t ngx_http_jobruns_neighbours_check(ngx_conf_t *cf);


#endif /* NGX_HTTP_JOBRUNS_NEIGHBOURS_H_INCLUDED */
