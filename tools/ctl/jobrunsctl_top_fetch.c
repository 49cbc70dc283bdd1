/* SPDX-License-Identifier: BSD-2-Clause
 *
 * top: asks gateways, all at once, each in its own time.
 *
 * A gateway that does not respond is given up after CTL_TOP_RESPOND, and holds
 * up no other.  A response is read up to CTL_TOP_BODY; redirections are not
 * followed, since an operator has said which address to trust.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobrunsctl_top.h"


#define CTL_TOP_PATH  "/jobruns_status"


long long
ctl_top_fetch_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (long long) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


/* a body that is too large ends its request */

static size_t
ctl_top_fetch_on_body(char *data, size_t size, size_t n, void *gateway)
{
    ctl_top_gateway_t *g = gateway;

    char    *body;
    size_t   need;

    n *= size;
    need = g->len + n;

    if (need > CTL_TOP_BODY) {
        g->cut = 1;
        return 0;
    }

    if (need > g->size) {
        need = need < 65536 ? 65536 : need * 2;
        body = realloc(g->body, need);

        if (body == NULL) {
            return 0;
        }

        g->body = body;
        g->size = need;
    }

    memcpy(g->body + g->len, data, n);
    g->len += n;

    return n;
}


/* "host:port" of the URL, which may have a password in it */

static char *
ctl_top_fetch_name(CURLU *u)
{
    char  *host, *port, *name, text[320];

    host = NULL;
    port = NULL;
    name = NULL;

    if (curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        (void) curl_url_get(u, CURLUPART_PORT, &port, 0);

        snprintf(text, sizeof(text), "%s%s%s", host, port ? ":" : "",
                 port ? port : "");
        name = strdup(text);

        if (name != NULL) {
            ctl_top_read_text(name, strlen(name) + 1, text);
        }
    }

    curl_free(host);
    curl_free(port);

    return name;
}


/* a word of the command line; "/jobruns_status" is its path where it has
   none */

static int
ctl_top_fetch_url(ctl_top_gateway_t *g, const char *word)
{
    int    rc;
    char  *scheme, *path;
    CURLU  *u;

    u = curl_url();

    if (u == NULL) {
        return ctl_fail(CTL_FAILED, "no memory");
    }

    scheme = NULL;
    path = NULL;
    rc = CTL_USAGE;

    if (curl_url_set(u, CURLUPART_URL, word, CURLU_GUESS_SCHEME) == CURLUE_OK
        && curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
        && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0)
        && curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK
        && (strcmp(path, "/") != 0
            || curl_url_set(u, CURLUPART_PATH, CTL_TOP_PATH, 0) == CURLUE_OK)
        && curl_url_get(u, CURLUPART_URL, &g->url, 0) == CURLUE_OK)
    {
        g->name = ctl_top_fetch_name(u);
        rc = g->name != NULL ? CTL_OK : CTL_FAILED;
    }

    curl_free(scheme);
    curl_free(path);
    curl_url_cleanup(u);

    return rc == CTL_OK ? CTL_OK
           : ctl_fail(rc, "top \"%s\": must be a URL of jobruns_status, "
                      "http://host:port/path or https:", word);
}


static int
ctl_top_fetch_prepare(ctl_t *ctl, ctl_top_t *top, ctl_top_gateway_t *g)
{
    CURL  *easy;

    g->easy = easy = curl_easy_init();

    if (easy == NULL
        || curl_easy_setopt(easy, CURLOPT_URL, g->url) != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https")
           != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_HTTPHEADER, top->headers)
           != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_USERAGENT, "jobrunsctl")
           != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_OPTIONAL)
           != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                            (long) CTL_TOP_CONNECT) != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) CTL_TOP_RESPOND)
           != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION,
                            ctl_top_fetch_on_body) != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_WRITEDATA, g) != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, g->error) != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_PRIVATE, g) != CURLE_OK
        || (ctl->ca != NULL
            && curl_easy_setopt(easy, CURLOPT_CAINFO, ctl->ca) != CURLE_OK))
    {
        return ctl_fail(CTL_FAILED, "libcurl cannot be used");
    }

    return CTL_OK;
}


int
ctl_top_fetch_begin(ctl_t *ctl, ctl_top_t *top, int n, char **urls)
{
    int  i, rc;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return ctl_fail(CTL_FAILED, "libcurl cannot be used");
    }

    top->gateways = calloc((size_t) n, sizeof(ctl_top_gateway_t));
    top->headers = curl_slist_append(NULL, "Accept: application/json");
    top->multi = curl_multi_init();

    if (top->gateways == NULL || top->headers == NULL || top->multi == NULL) {
        return ctl_fail(CTL_FAILED, "no memory");
    }

    for (i = 0; i < n; i++) {
        top->n++;
        rc = ctl_top_fetch_url(&top->gateways[i], urls[i]);

        if (rc == CTL_OK) {
            rc = ctl_top_fetch_prepare(ctl, top, &top->gateways[i]);
        }

        if (rc != CTL_OK) {
            return rc;
        }
    }

    return CTL_OK;
}


void
ctl_top_fetch_end(ctl_top_t *top)
{
    size_t              i;
    ctl_top_gateway_t  *g;

    for (i = 0; i < top->n; i++) {
        g = &top->gateways[i];

        if (g->busy) {
            (void) curl_multi_remove_handle(top->multi, g->easy);
        }

        curl_easy_cleanup(g->easy);
        curl_free(g->url);
        free(g->name);
        free(g->body);
    }

    if (top->multi != NULL) {
        (void) curl_multi_cleanup(top->multi);
    }

    curl_slist_free_all(top->headers);
    free(top->gateways);
    curl_global_cleanup();
}


/* why a response cannot be used, in words */

static void
ctl_top_fetch_status(ctl_top_gateway_t *g, long status)
{
    const char  *hint;

    hint = status == 403 ? "allow this address in its location"
           : status == 401 ? "give user and password in ~/.netrc"
           : status == 404 ? "no jobruns_status is at this path"
           : "this is not the status of a gateway";

    snprintf(g->failed, sizeof(g->failed), "status %ld: %s", status, hint);
}


static void
ctl_top_fetch_finish(ctl_top_gateway_t *g, CURLcode result, long long now)
{
    long   status;
    char   failed[320];
    int    was;

    was = g->failed[0] != '\0';
    status = 0;
    failed[0] = '\0';

    g->asked = 1;

    (void) curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);

    if (g->cut) {
        snprintf(g->failed, sizeof(g->failed), "the response is larger than "
                 "%d bytes: this is not the status of a gateway",
                 CTL_TOP_BODY);

    } else if (result != CURLE_OK) {
        snprintf(failed, sizeof(failed), "%s", g->error[0] ? g->error
                 : curl_easy_strerror(result));
        ctl_top_read_text(g->failed, sizeof(g->failed), failed);

    } else if (status != 200) {
        ctl_top_fetch_status(g, status);

    } else if (ctl_top_read(g->body, g->len, &g->figures) != 0) {
        snprintf(g->failed, sizeof(g->failed), "the response is not the JSON "
                 "of jobruns_status");

    } else {
        g->failed[0] = '\0';
        g->known = 1;
        return;
    }

    if (!was) {
        g->since = now;
    }
}


static void
ctl_top_fetch_start(ctl_top_t *top, ctl_top_gateway_t *g, long long now)
{
    g->len = 0;
    g->cut = 0;
    g->error[0] = '\0';
    g->due = now + top->interval;

    g->busy = curl_multi_add_handle(top->multi, g->easy) == CURLM_OK;
}


int
ctl_top_fetch_some(ctl_top_t *top, long long now, size_t *busy)
{
    int                 left, ended;
    void               *data;
    size_t              i;
    CURLMsg            *msg;
    CURLcode            result;
    ctl_top_gateway_t  *g;

    for (i = 0; i < top->n; i++) {
        g = &top->gateways[i];

        if (!g->busy && now >= g->due) {
            ctl_top_fetch_start(top, g, now);
        }
    }

    ended = 0;
    (void) curl_multi_perform(top->multi, &left);

    while ((msg = curl_multi_info_read(top->multi, &left)) != NULL) {

        if (msg->msg != CURLMSG_DONE
            || curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &data)
               != CURLE_OK)
        {
            continue;
        }

        g = data;
        result = msg->data.result;

        (void) curl_multi_remove_handle(top->multi, g->easy);

        g->busy = 0;
        ctl_top_fetch_finish(g, result, now);
        ended = 1;
    }

    *busy = 0;

    for (i = 0; i < top->n; i++) {
        *busy += top->gateways[i].busy;
    }

    return ended;
}
