/*
 * The state of an attempt, which nobody else moves, and suspensions: the one
 * way in which an attempt begins to wait for an operation, and the one way in
 * which that ends.
 *
 * While an attempt is parked, nothing but ngx_http_jobruns_wake() moves it:
 * no event of the client's connection, no timeout, nor the end of an
 * operation that is asked again, which is still the same suspension.  Whoever
 * ends an operation sets its result and calls wake() from the event loop,
 * never from inside the call that began it; an operation that ends at once
 * returns its result, and nothing is parked.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_flow.h"

#include <poll.h>


static void ngx_http_jobruns_parked(ngx_http_request_t *r);
static void ngx_http_jobruns_mind_half_close(ngx_http_request_t *r);
static void ngx_http_jobruns_on_read(ngx_event_t *ev);


/* ngx_http_request_handler(), which is static in NGINX */
static ngx_event_handler_pt  ngx_http_jobruns_next_read;


#if (NGX_DEBUG)

#define NGX_HTTP_JOBRUNS_ARROW(state)  (1u << jobruns_st_##state)

/* what may follow each state; ngx_http_jobruns.h says what moves it */

static const uint32_t  ngx_http_jobruns_arrows[] = {

    /* reading */
    NGX_HTTP_JOBRUNS_ARROW(checking) | NGX_HTTP_JOBRUNS_ARROW(admitting)
    | NGX_HTTP_JOBRUNS_ARROW(answered),

    /* checking */
    NGX_HTTP_JOBRUNS_ARROW(admitting) | NGX_HTTP_JOBRUNS_ARROW(answered),

    /* admitting */
    NGX_HTTP_JOBRUNS_ARROW(waiting) | NGX_HTTP_JOBRUNS_ARROW(renewing)
    | NGX_HTTP_JOBRUNS_ARROW(recording) | NGX_HTTP_JOBRUNS_ARROW(forwarding)
    | NGX_HTTP_JOBRUNS_ARROW(answered),

    /* waiting */
    NGX_HTTP_JOBRUNS_ARROW(admitting) | NGX_HTTP_JOBRUNS_ARROW(answered),

    /* renewing */
    NGX_HTTP_JOBRUNS_ARROW(admitting) | NGX_HTTP_JOBRUNS_ARROW(recording)
    | NGX_HTTP_JOBRUNS_ARROW(forwarding) | NGX_HTTP_JOBRUNS_ARROW(answered),

    /* recording */
    NGX_HTTP_JOBRUNS_ARROW(renewing) | NGX_HTTP_JOBRUNS_ARROW(forwarding)
    | NGX_HTTP_JOBRUNS_ARROW(answered),

    /* forwarding */
    NGX_HTTP_JOBRUNS_ARROW(holding),

    /* holding */
    NGX_HTTP_JOBRUNS_ARROW(settling),

    /* settling */
    NGX_HTTP_JOBRUNS_ARROW(sealing) | NGX_HTTP_JOBRUNS_ARROW(released),

    /* sealing */
    NGX_HTTP_JOBRUNS_ARROW(released),

    /* released */
    0,

    /* noting */
    NGX_HTTP_JOBRUNS_ARROW(answered),

    /* answered: its record is written before it is sent */
    NGX_HTTP_JOBRUNS_ARROW(noting)
};

#endif


void
ngx_http_jobruns_flow_to(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_state_e state)
{
#if (NGX_DEBUG)

    /* an operation that is asked again stays where it is */

    if (state != a->state
        && !(ngx_http_jobruns_arrows[a->state] & (1u << state)))
    {
        ngx_log_error(NGX_LOG_ALERT, a->request->connection->log, 0,
                      "jobruns: an attempt in state %d may not move to %d",
                      a->state, state);
    }

#endif

    a->state = state;
}


/* before the content handler, or with an answer of our own: blocked, the
   handlers are ours */

void
ngx_http_jobruns_park(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_next_pt next)
{
    ngx_http_request_t  *r;

    r = a->request;

    a->parked = jobruns_parked_blocked;
    a->next = next;

    r->main->blocked++;

    /* a client that goes away now is noticed when we go on, or by the content
       handler: half an operation helps nobody */

    ngx_http_jobruns_mind_half_close(r);

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_jobruns_parked;
}


/*
 * The answer is held inside NGINX's output filters: blocked and buffered, the
 * handlers are NGINX's, ngx_http_writer() or those of an upstream that is
 * still read.  Nothing is sent meanwhile, so no send_timeout runs out:
 * neither ngx_http_writer() nor the event pipe start a timer for a write that
 * is delayed.
 */

void
ngx_http_jobruns_park_filter(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_next_pt next)
{
    ngx_event_t         *wev;
    ngx_http_request_t  *r;

    r = a->request;
    wev = r->connection->write;

    a->parked = jobruns_parked_filter;
    a->next = next;

    r->main->blocked++;
    r->buffered |= NGX_HTTP_JOBRUNS_BUFFERED;

    ngx_http_jobruns_mind_half_close(r);

    wev->delayed = 1;

    if (wev->timer_set) {
        ngx_del_timer(wev);
    }
}


/*
 * Waits for a timer, or for what others are told, which is the caller's:
 * nothing is blocked, and a client that leaves ends the request
 * (ngx_http_jobruns_attempt_end()).
 */

void
ngx_http_jobruns_park_watched(ngx_http_jobruns_attempt_t *a,
    ngx_http_jobruns_next_pt next)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = a->request;
    c = r->connection;

    a->parked = jobruns_parked_watched;
    a->next = next;

    /* as limit_req does (ngx_http_limit_req_handler()) */

    ngx_http_jobruns_mind_half_close(r);

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_jobruns_parked;

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


void
ngx_http_jobruns_wake(ngx_http_jobruns_attempt_t *a)
{
    ngx_connection_t             *c;
    ngx_http_request_t           *r;
    ngx_http_jobruns_parked_e     parked;

    r = a->request;
    c = r->connection;
    parked = a->parked;

    ngx_http_set_log_request(c->log, r);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "jobruns: wake in state %d, parked %d", a->state, parked);

    a->parked = jobruns_parked_none;

    if (parked == jobruns_parked_filter) {
        c->write->delayed = 0;
    }

    if (parked != jobruns_parked_watched) {
        r->main->blocked--;
    }

    /*
     * ngx_http_terminate_request() leaves ngx_http_request_finalizer() in
     * place of a handler of a blocked request: on the request it was given in
     * 1.22, on c->data since 1.26, which is the main request as long as no
     * subrequest makes a part of its answer.  Inside the filters it is called
     * at the end of next().
     */

    if (parked == jobruns_parked_blocked
        && r->write_event_handler != ngx_http_jobruns_parked)
    {
        r->write_event_handler(r);

    } else {
        a->next(r, a);
    }

    /* r and a may be gone */

    ngx_http_run_posted_requests(c);
}


/* an event of the client's connection says nothing of the operation */

static void
ngx_http_jobruns_parked(ngx_http_request_t *r)
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
ngx_http_jobruns_mind_half_close(ngx_http_request_t *r)
{
    ngx_event_t  *rev;

    rev = r->connection->read;

    if (r->http_version >= NGX_HTTP_VERSION_20
        || rev->handler == ngx_http_jobruns_on_read)
    {
        return;
    }

    ngx_http_jobruns_next_read = rev->handler;
    rev->handler = ngx_http_jobruns_on_read;
}


static void
ngx_http_jobruns_on_read(ngx_event_t *ev)
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

    ngx_http_jobruns_next_read(ev);
}
