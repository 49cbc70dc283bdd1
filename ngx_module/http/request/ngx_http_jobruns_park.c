/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Suspensions of a request, of three kinds: what keeps it while an operation
 * is under way, and what NGINX may do to it meanwhile.  The flow
 * (ngx_http_jobruns_flow.c) begins and ends them all.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_park.h"

#include <poll.h>


static void ngx_http_jobruns_park_filter(ngx_http_request_t *r);
static void ngx_http_jobruns_park_watched(ngx_http_request_t *r);
static void ngx_http_jobruns_park_on_event(ngx_http_request_t *r);
static void ngx_http_jobruns_park_mind_half_close(ngx_http_request_t *r);
static void ngx_http_jobruns_park_on_read(ngx_event_t *ev);


/* ngx_http_request_handler(), which is static in NGINX */
static ngx_event_handler_pt  ngx_http_jobruns_park_next_read;


void
ngx_http_jobruns_park(ngx_http_request_t *r, ngx_http_jobruns_parked_e kind)
{
    ngx_http_jobruns_park_mind_half_close(r);

    switch (kind) {

    case jobruns_parked_filter:
        ngx_http_jobruns_park_filter(r);
        break;

    case jobruns_parked_watched:
        ngx_http_jobruns_park_watched(r);
        break;

    default:

        /* before the content handler, or with an answer of our own: a client
           that goes away now is noticed when we go on, or by the content
           handler: half an operation helps nobody */

        r->main->blocked++;

        r->read_event_handler = ngx_http_block_reading;
        r->write_event_handler = ngx_http_jobruns_park_on_event;
    }
}


/*
 * The answer is held inside NGINX's output filters: blocked and buffered, the
 * handlers are NGINX's, ngx_http_writer() or those of an upstream that is
 * still read.  Nothing is sent meanwhile, so no send_timeout runs out:
 * neither ngx_http_writer() nor the event pipe start a timer for a write that
 * is delayed.
 */

static void
ngx_http_jobruns_park_filter(ngx_http_request_t *r)
{
    ngx_event_t  *wev;

    wev = r->connection->write;

    r->main->blocked++;
    r->buffered |= NGX_HTTP_JOBRUNS_BUFFERED;

    wev->delayed = 1;

    if (wev->timer_set) {
        ngx_del_timer(wev);
    }
}


/*
 * Waits for a timer, or for what others are told: nothing is blocked, and a
 * client that leaves ends the request (ngx_http_jobruns_flow_log_handler()).
 */

static void
ngx_http_jobruns_park_watched(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    /* as limit_req does (ngx_http_limit_req_handler()) */

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_jobruns_park_on_event;

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


ngx_int_t
ngx_http_jobruns_park_end(ngx_http_request_t *r,
    ngx_http_jobruns_parked_e kind)
{
    switch (kind) {

    case jobruns_parked_watched:
        return NGX_OK;

    case jobruns_parked_filter:
        r->connection->write->delayed = 0;
        r->main->blocked--;
        return NGX_OK;

    default:
        r->main->blocked--;

        /*
         * ngx_http_terminate_request() leaves ngx_http_request_finalizer() in
         * place of a handler of a blocked request: on the request it was
         * given in 1.22, on c->data since 1.26, which is the main request as
         * long as no subrequest makes a part of its answer.
         */

        return r->write_event_handler == ngx_http_jobruns_park_on_event
               ? NGX_OK : NGX_ABORT;
    }
}


void
ngx_http_jobruns_park_release(ngx_http_request_t *r, ngx_int_t rc,
    ngx_uint_t overflow)
{
    if (rc != NGX_ERROR && overflow) {

        /* the upstream is still being read: nobody else calls our filter
           before it has more */

        rc = r->connection->error ? NGX_ERROR
                                  : ngx_http_output_filter(r, NULL);
    }

    if (rc == NGX_ERROR) {

        /*
         * The copy filter waits for buffers that are in our overflow and
         * would never hear of the error.  The upstream's cleanup lets go
         * of the request (ngx_http_upstream_cleanup()), so we hold it
         * until ngx_http_terminate_request() has run all of them.
         */

        r->main->count++;
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    /* ngx_http_writer(), or the upstream's, or NGINX's finalizer if it
       terminated the request meanwhile */

    r->write_event_handler(r);
}


/* an event of the client's connection says nothing of the operation */

static void
ngx_http_jobruns_park_on_event(ngx_http_request_t *r)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "jobruns: event while parked");
}


/*
 * ngx_http_test_reading() takes the end of what a client sends for its
 * leaving, but a client may end its sending side alone and wait for the
 * answer.  A handler of the read event is put before it for the rest of the
 * request; NGINX sets another for what follows on the connection
 * (ngx_http_set_keepalive(), ngx_http_set_lingering_close()).  Streams of
 * HTTP/2 and 3 end by their own frames.
 */

static void
ngx_http_jobruns_park_mind_half_close(ngx_http_request_t *r)
{
    ngx_event_t  *rev;

    rev = r->connection->read;

    if (r->http_version >= NGX_HTTP_VERSION_20
        || rev->handler == ngx_http_jobruns_park_on_read)
    {
        return;
    }

    ngx_http_jobruns_park_next_read = rev->handler;
    rev->handler = ngx_http_jobruns_park_on_read;
}


static void
ngx_http_jobruns_park_on_read(ngx_event_t *ev)
{
    struct pollfd        pfd;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    c = ev->data;
    r = c->data;

    if (r->read_event_handler == ngx_http_test_reading
        && !c->close && !c->error && !ev->timedout)
    {
        pfd.fd = c->fd;
        pfd.events = 0;
        pfd.revents = 0;

        /* both directions are closed, or the connection was reset */

        if (poll(&pfd, 1, 0) != 1) {
            ngx_http_block_reading(r);
            return;
        }
    }

    ngx_http_jobruns_park_next_read(ev);
}
