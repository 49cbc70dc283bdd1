/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading what a node says of its cluster.
 *
 * A reply to CLUSTER SLOTS is an array of ranges: first slot, last slot, the
 * master, its replicas; a node is its endpoint, port, id and, since Redis 7,
 * an array of further names and values.  An endpoint is an address or a name;
 * nil or "" is the host that was asked (cluster-preferred-endpoint-type
 * unknown-endpoint), and "?" a node whose name was never announced.
 */

#include "ngx_redis_cluster_map.h"

#include <string.h>


/* more than twice the nodes, and a power of two */
#define NGX_REDIS_CLUSTER_TABLE  4096


/* finds the nodes of a map again */
typedef struct {
    ngx_redis_cluster_map_t   *map;
    uint16_t                   index[NGX_REDIS_CLUSTER_TABLE];
} ngx_redis_cluster_table_t;


static const char *ngx_redis_cluster_range(ngx_redis_cluster_table_t *table,
    const redisReply *range);
static const char *ngx_redis_cluster_master(const redisReply *node,
    ngx_redis_endpoint_t *endpoint);
static const redisReply *ngx_redis_cluster_ip(const redisReply *node);
static int ngx_redis_cluster_find(ngx_redis_cluster_table_t *table,
    const ngx_redis_endpoint_t *endpoint, uint16_t *owner);
static const char *ngx_redis_cluster_number(const char *p, const char *end,
    unsigned max, unsigned *number);
static uint16_t ngx_redis_cluster_crc16(const unsigned char *p, size_t len);


uint16_t
ngx_redis_cluster_map_slot(const void *key, size_t len)
{
    const unsigned char  *p, *open, *close;

    p = key;
    open = len ? memchr(p, '{', len) : NULL;

    if (open) {
        open++;
        close = memchr(open, '}', len - (size_t) (open - p));

        if (close && close != open) {
            p = open;
            len = (size_t) (close - open);
        }
    }

    return ngx_redis_cluster_crc16(p, len) & (NGX_REDIS_CLUSTER_SLOTS - 1);
}


/*
 * Four bits at a time: keys are short, and sixteen numbers can be read over,
 * which 256 cannot.
 */

static uint16_t
ngx_redis_cluster_crc16(const unsigned char *p, size_t len)
{
    uint16_t  crc;

    static const uint16_t  table[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
        0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef
    };

    crc = 0;

    while (len--) {
        crc = (uint16_t) (crc << 4) ^ table[(crc >> 12) ^ (*p >> 4)];
        crc = (uint16_t) (crc << 4) ^ table[(crc >> 12) ^ (*p & 0x0f)];
        p++;
    }

    return crc;
}


const char *
ngx_redis_cluster_map_read(ngx_redis_cluster_map_t *map,
    const redisReply *reply)
{
    size_t                      i;
    const char                 *wrong;
    ngx_redis_cluster_table_t   table;

    map->nnodes = 0;
    map->served = 0;

    for (i = 0; i < NGX_REDIS_CLUSTER_SLOTS; i++) {
        map->owners[i] = NGX_REDIS_CLUSTER_NONE;
    }

    if (reply->type != REDIS_REPLY_ARRAY) {
        return "no array";
    }

    table.map = map;

    for (i = 0; i < NGX_REDIS_CLUSTER_TABLE; i++) {
        table.index[i] = NGX_REDIS_CLUSTER_NONE;
    }

    for (i = 0; i < (size_t) reply->elements; i++) {
        wrong = ngx_redis_cluster_range(&table, reply->element[i]);

        if (wrong) {
            return wrong;
        }
    }

    return NULL;
}


static const char *
ngx_redis_cluster_range(ngx_redis_cluster_table_t *table,
    const redisReply *range)
{
    uint16_t               owner;
    long long              first, last;
    const char            *wrong;
    ngx_redis_endpoint_t   endpoint;

    if (range->type != REDIS_REPLY_ARRAY
        || range->elements < 3
        || range->element[0]->type != REDIS_REPLY_INTEGER
        || range->element[1]->type != REDIS_REPLY_INTEGER)
    {
        return "a range that is not two slots and a node";
    }

    first = range->element[0]->integer;
    last = range->element[1]->integer;

    if (first < 0 || last < first || last >= NGX_REDIS_CLUSTER_SLOTS) {
        return "a range beyond the slots 0 to 16383";
    }

    wrong = ngx_redis_cluster_master(range->element[2], &endpoint);

    if (wrong) {
        return wrong;
    }

    owner = NGX_REDIS_CLUSTER_NONE;

    if (endpoint.host && ngx_redis_cluster_find(table, &endpoint, &owner)) {
        return "more than 1024 masters";
    }

    for ( /* void */ ; first <= last; first++) {

        if (table->map->owners[first] != NGX_REDIS_CLUSTER_NONE) {
            return "a slot that has two masters";
        }

        table->map->owners[first] = owner;
        table->map->served += (owner != NGX_REDIS_CLUSTER_NONE);
    }

    return NULL;
}


/* endpoint->host is NULL for a node that cannot be found by anybody */

static const char *
ngx_redis_cluster_master(const redisReply *node,
    ngx_redis_endpoint_t *endpoint)
{
    const redisReply  *host, *port;

    if (node->type != REDIS_REPLY_ARRAY
        || node->elements < 2
        || node->element[1]->type != REDIS_REPLY_INTEGER)
    {
        return "a node that is not an endpoint and a port";
    }

    host = node->element[0];
    port = node->element[1];

    if (port->integer < 1 || port->integer > 65535) {
        return "a node with an impossible port";
    }

    endpoint->host = "";
    endpoint->len = 0;
    endpoint->port = (uint16_t) port->integer;

    if (host->type == REDIS_REPLY_NIL) {
        return NULL;
    }

    if (host->type == REDIS_REPLY_STRING
        && host->len == 1 && host->str[0] == '?')
    {
        host = ngx_redis_cluster_ip(node);

        if (host == NULL) {
            endpoint->host = NULL;
            return NULL;
        }
    }

    if (host->type != REDIS_REPLY_STRING
        || !ngx_redis_cluster_map_host(host->str, (size_t) host->len))
    {
        return "a node with an impossible name";
    }

    endpoint->host = host->str;
    endpoint->len = (size_t) host->len;

    return NULL;
}


/* "ip" of the names and values behind the id; NULL: it is not there */

static const redisReply *
ngx_redis_cluster_ip(const redisReply *node)
{
    size_t             i;
    const redisReply  *more;

    if (node->elements < 4 || node->element[3]->type != REDIS_REPLY_ARRAY) {
        return NULL;
    }

    more = node->element[3];

    for (i = 0; i + 1 < (size_t) more->elements; i += 2) {

        if (more->element[i]->type == REDIS_REPLY_STRING
            && more->element[i]->len == 2
            && memcmp(more->element[i]->str, "ip", 2) == 0
            && more->element[i + 1]->type == REDIS_REPLY_STRING
            && more->element[i + 1]->len)
        {
            return more->element[i + 1];
        }
    }

    return NULL;
}


/* 0: *owner is its index, maybe a new one; otherwise there are too many */

static int
ngx_redis_cluster_find(ngx_redis_cluster_table_t *table,
    const ngx_redis_endpoint_t *endpoint, uint16_t *owner)
{
    size_t                    i;
    uint32_t                  at;
    ngx_redis_endpoint_t     *node;
    ngx_redis_cluster_map_t  *map;

    map = table->map;
    at = endpoint->port;

    for (i = 0; i < endpoint->len; i++) {
        at = at * 31 + (unsigned char) endpoint->host[i];
    }

    for (at %= NGX_REDIS_CLUSTER_TABLE;
         table->index[at] != NGX_REDIS_CLUSTER_NONE;
         at = (at + 1) % NGX_REDIS_CLUSTER_TABLE)
    {
        node = &map->nodes[table->index[at]];

        if (node->port == endpoint->port
            && node->len == endpoint->len
            && memcmp(node->host, endpoint->host, node->len) == 0)
        {
            *owner = table->index[at];
            return 0;
        }
    }

    if (map->nnodes == NGX_REDIS_CLUSTER_NODES) {
        return -1;
    }

    map->nodes[map->nnodes] = *endpoint;
    table->index[at] = map->nnodes;
    *owner = map->nnodes++;

    return 0;
}


/* "MOVED 3999 127.0.0.1:6381"; an IPv6 address has no brackets */

ngx_redis_redirect_e
ngx_redis_cluster_map_redirect(const char *text, size_t len,
    ngx_redis_redirect_t *redirect)
{
    unsigned               number;
    const char            *p, *end, *colon;
    ngx_redis_redirect_e   kind;

    p = text;
    end = text + len;

    if (len > 6 && memcmp(p, "MOVED ", 6) == 0) {
        kind = ngx_redis_redirect_moved;
        p += 6;

    } else if (len > 4 && memcmp(p, "ASK ", 4) == 0) {
        kind = ngx_redis_redirect_ask;
        p += 4;

    } else {
        return ngx_redis_redirect_none;
    }

    p = ngx_redis_cluster_number(p, end, NGX_REDIS_CLUSTER_SLOTS - 1, &number);

    if (p == NULL || p == end || *p++ != ' ') {
        return ngx_redis_redirect_bad;
    }

    redirect->slot = (uint16_t) number;

    for (colon = end; colon > p && colon[-1] != ':'; colon--) { /* void */ }

    if (colon == p
        || !ngx_redis_cluster_map_host(p, (size_t) (colon - 1 - p))
        || ngx_redis_cluster_number(colon, end, 65535, &number) != end
        || number == 0)
    {
        return ngx_redis_redirect_bad;
    }

    redirect->to.host = p;
    redirect->to.len = (size_t) (colon - 1 - p);
    redirect->to.port = (uint16_t) number;

    return kind;
}


/* see the header */

int
ngx_redis_cluster_map_host(const char *text, size_t len)
{
    size_t  i;

    if (len > NGX_REDIS_CLUSTER_HOST) {
        return 0;
    }

    for (i = 0; i < len; i++) {

        if ((text[i] >= 'a' && text[i] <= 'z')
            || (text[i] >= 'A' && text[i] <= 'Z')
            || (text[i] >= '0' && text[i] <= '9')
            || (text[i] && strchr(".:-_", text[i])))
        {
            continue;
        }

        return 0;
    }

    return 1;
}


/* where the digits end; NULL: there are none, or the number is above max */

static const char *
ngx_redis_cluster_number(const char *p, const char *end, unsigned max,
    unsigned *number)
{
    const char  *start;

    *number = 0;

    for (start = p; p < end && *p >= '0' && *p <= '9'; p++) {
        *number = *number * 10 + (unsigned) (*p - '0');

        if (*number > max) {
            return NULL;
        }
    }

    return p == start ? NULL : p;
}
