/*
 * +switch-master of one sentinel: a master that has been replaced may still
 * answer, and one that is gone may leave connections that nobody resets.
 *
 * SUBSCRIBE is sent once a second, which does no harm, notices a sentinel
 * that is silent, and subscribes anew where the connection was lost.  After a
 * failure the next sentinel is the one.
 */

#include "ngx_redis_connection.h"
#include "ngx_redis_locate.h"
#include "ngx_redis_pipeline.h"
#include "ngx_redis_sentinel_ask.h"
#include "ngx_redis_sentinel_watch.h"
#include "ngx_redis_server_log.h"


static void ngx_redis_sentinel_on_subscribed(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply);
static u_char *ngx_redis_sentinel_word(u_char **p, u_char *last, size_t *len);
static void ngx_redis_sentinel_switch(ngx_redis_sentinel_t *sentinel,
    ngx_str_t *host, in_port_t port);


/* Begins with the first question for the master, in each worker. */

void
ngx_redis_sentinel_watch(ngx_redis_sentinel_t *sentinel)
{
    if (!sentinel->tick.timer_set) {
        ngx_redis_sentinel_on_tick(&sentinel->tick);
    }
}


void
ngx_redis_sentinel_on_tick(ngx_event_t *ev)
{
    ngx_str_t              argv[2];
    ngx_uint_t             i;
    ngx_redis_op_t        *op;
    ngx_redis_sentinel_t  *sentinel;

    sentinel = ev->data;
    op = &sentinel->watch;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    ngx_add_timer(ev, NGX_REDIS_SENTINEL_WATCH);

    if (op->active) {
        return;
    }

    ngx_str_set(&argv[0], "SUBSCRIBE");
    ngx_str_set(&argv[1], "+switch-master");

    op->handler = ngx_redis_sentinel_on_subscribed;
    op->data = sentinel;
    op->log = sentinel->master->log;

    for (i = 0; i < sentinel->nsentinels; i++) {

        if (ngx_redis_submit(sentinel->watched[sentinel->watching], op, 2,
                             argv)
            == NGX_OK)
        {
            return;
        }

        sentinel->watching = (sentinel->watching + 1) % sentinel->nsentinels;
    }
}


static void
ngx_redis_sentinel_on_subscribed(ngx_redis_op_t *op,
    ngx_redis_status_e status, redisReply *reply)
{
    ngx_redis_server_t    *server;
    ngx_redis_sentinel_t  *sentinel;

    sentinel = op->data;
    server = sentinel->watched[sentinel->watching];

    if (status == ngx_redis_ok && reply->type != REDIS_REPLY_ERROR) {

        /* a message may come before it, and is then taken for it */

        ngx_redis_sentinel_on_push(server, reply);
        return;
    }

    if (status == ngx_redis_ok) {
        ngx_redis_server_log(server, ngx_redis_log_locate, NGX_LOG_ERR, 0,
                             "the sentinel does not let us watch "
                             "+switch-master: %s; grant its user +subscribe "
                             "and the channel", reply->str);
    }

    sentinel->watching = (sentinel->watching + 1) % sentinel->nsentinels;
}


/*
 * ["message", "+switch-master", "NAME OLD-HOST OLD-PORT NEW-HOST NEW-PORT"];
 * anything else is nothing.
 */

void
ngx_redis_sentinel_on_push(ngx_redis_server_t *server, redisReply *reply)
{
    u_char                *p, *last;
    ngx_int_t              port;
    ngx_str_t              word[5];
    ngx_uint_t             i;
    redisReply            *text;
    ngx_redis_sentinel_t  *sentinel;

    sentinel = server->members;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_STRING
        || ngx_strcmp(reply->element[0]->str, "message") != 0
        || reply->element[1]->type != REDIS_REPLY_STRING
        || ngx_strcmp(reply->element[1]->str, "+switch-master") != 0
        || reply->element[2]->type != REDIS_REPLY_STRING)
    {
        return;
    }

    text = reply->element[2];
    p = (u_char *) text->str;
    last = p + text->len;

    for (i = 0; i < 5; i++) {
        word[i].data = ngx_redis_sentinel_word(&p, last, &word[i].len);
    }

    port = ngx_atoi(word[4].data, word[4].len);

    if (word[0].len != sentinel->master->conf.master.len
        || ngx_memcmp(word[0].data, sentinel->master->conf.master.data,
                      word[0].len)
           != 0
        || !ngx_redis_sentinel_host(&word[3])
        || port < 1
        || port > 65535)
    {
        return;
    }

    ngx_redis_sentinel_switch(sentinel, &word[3], (in_port_t) port);
}


static u_char *
ngx_redis_sentinel_word(u_char **p, u_char *last, size_t *len)
{
    u_char  *word;

    word = *p;

    while (*p < last && **p != ' ') {
        (*p)++;
    }

    *len = *p - word;

    if (*p < last) {
        (*p)++;
    }

    return word;
}


/*
 * From the connection that is left, what is under way counts as lost: the
 * old master may have done it or not, and its replica may have it or not.
 */

static void
ngx_redis_sentinel_switch(ngx_redis_sentinel_t *sentinel, ngx_str_t *host,
    in_port_t port)
{
    ngx_queue_t          lost;
    ngx_redis_server_t  *master;

    master = sentinel->master;

    if (master->state == ngx_redis_st_ready
        && master->port == port
        && master->host.len == host->len
        && ngx_strncasecmp(master->host.data, host->data, host->len) == 0)
    {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, master->log, 0,
                  "redis \"%V\": the master is %V:%d now",
                  &master->conf.address, host, (int) port);

    ngx_redis_locate_cancel(master);

    ngx_queue_init(&lost);

    if (master->connection) {
        ngx_redis_connection_close(master->connection, &lost);
    }

    if (master->retry.timer_set) {
        ngx_del_timer(&master->retry);
    }

    master->gap = 0;
    master->state = ngx_redis_st_locating;

    ngx_redis_sentinel_found(sentinel, host, port);

    ngx_redis_pipeline_fail(&lost, ngx_redis_lost);
}
