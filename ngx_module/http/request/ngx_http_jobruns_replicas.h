/*
 * jobruns_redis_replicas: admissions that wait until their claim is on
 * replicas, too.
 */

#ifndef NGX_HTTP_JOBRUNS_REPLICAS_H_INCLUDED
#define NGX_HTTP_JOBRUNS_REPLICAS_H_INCLUDED

#include "ngx_http_jobruns.h"


/* the setter of the directive */
char *ngx_http_jobruns_redis_replicas(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * Called by the handler of a->op for each verdict.  NGX_OK: the request stays
 * blocked until the replicas have answered, or did not in time.  NGX_DECLINED:
 * it goes on with a->verdict, which has changed where they cannot be asked.
 */
ngx_int_t ngx_http_jobruns_replicas_await(ngx_http_jobruns_attempt_t *a);


#endif /* NGX_HTTP_JOBRUNS_REPLICAS_H_INCLUDED */
