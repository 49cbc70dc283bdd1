/*
 * The second module of this .so: it looks at a configuration that is read and
 * merged, and refuses what cannot be accepted.
 *
 * NGINX initialises and merges one module after the other (ngx_http_block()),
 * so what is to be seen across locations is complete only when the next
 * module's turn comes, and that is this one's.  It is still before any module's
 * postconfiguration: a reload that is refused there would leave the master,
 * which forks workers of the running configuration, with half of the filters
 * of the refused one.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_neighbours.h"
#include "ngx_http_jobruns_zone.h"


static char *ngx_http_jobruns_check_init_main_conf(ngx_conf_t *cf,
    void *conf);


static ngx_http_module_t  ngx_http_jobruns_check_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    ngx_http_jobruns_check_init_main_conf, /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_jobruns_check_module = {
    NGX_MODULE_V1,
    &ngx_http_jobruns_check_module_ctx,    /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static char *
ngx_http_jobruns_check_init_main_conf(ngx_conf_t *cf, void *conf)
{
    (void) conf;

    if (ngx_http_jobruns_neighbours_check(cf) != NGX_OK
        || ngx_http_jobruns_zone_complete(cf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
