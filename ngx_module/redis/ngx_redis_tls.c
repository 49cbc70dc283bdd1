/* SPDX-License-Identifier: BSD-2-Clause
 *
 * TLS by NGINX's own means.  The server's certificate is always verified, by
 * the configured CA or the system's, and must be for the configured name or
 * the host part of the address: there is no way to turn this off.
 *
 * Must leave nothing on the connection but c->ssl: the handlers of its events
 * are those of ngx_redis_connection.c at all times.
 */

#include "ngx_redis_connection.h"
#include "ngx_redis_server_log.h"
#include "ngx_redis_tls.h"


#if (NGX_SSL)

#define NGX_REDIS_TLS_DEPTH  9


static ngx_int_t ngx_redis_tls_trust(ngx_conf_t *cf,
    ngx_redis_server_t *server);
static ngx_int_t ngx_redis_tls_name(ngx_conf_t *cf,
    ngx_redis_server_t *server);
static ngx_uint_t ngx_redis_tls_is_ip(ngx_str_t *name);
static ngx_int_t ngx_redis_tls_verify(ngx_redis_connection_t *conn);
static ngx_int_t ngx_redis_tls_check_name(ngx_connection_t *c,
    ngx_str_t *name);
static ngx_int_t ngx_redis_tls_failed(ngx_redis_connection_t *conn);


ngx_int_t
ngx_redis_tls_init(ngx_conf_t *cf, ngx_redis_server_t *server)
{
    ngx_ssl_t           *ssl;
    ngx_redis_conf_t    *conf;
    ngx_pool_cleanup_t  *cln;

    conf = &server->conf;

    if (ngx_redis_tls_name(cf, server) != NGX_OK) {
        return NGX_ERROR;
    }

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NGX_ERROR;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(ssl);
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    server->ssl = ssl;

    if (ngx_redis_tls_trust(cf, server) != NGX_OK) {
        return NGX_ERROR;
    }

    if (conf->tls_certificate.len == 0 && conf->tls_certificate_key.len == 0) {
        return NGX_OK;
    }

    if (conf->tls_certificate.len == 0 || conf->tls_certificate_key.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a client certificate for redis \"%V\" needs both "
                           "the certificate and its key", &conf->address);
        return NGX_ERROR;
    }

    return ngx_ssl_certificate(cf, ssl, &conf->tls_certificate,
                               &conf->tls_certificate_key, NULL);
}


static ngx_int_t
ngx_redis_tls_trust(ngx_conf_t *cf, ngx_redis_server_t *server)
{
    ngx_ssl_t  *ssl;

    ssl = server->ssl;

    if (server->conf.tls_ca.len == 0
        && SSL_CTX_set_default_verify_paths(ssl->ctx) == 0)
    {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_ERROR;
    }

    /* an empty name loads nothing, the depth is set in any case */

    return ngx_ssl_trusted_certificate(cf, ssl, &server->conf.tls_ca,
                                       NGX_REDIS_TLS_DEPTH);
}


static ngx_int_t
ngx_redis_tls_name(ngx_conf_t *cf, ngx_redis_server_t *server)
{
    ngx_redis_conf_t  *conf;

    conf = &server->conf;

    if (conf->tls_name.len) {
        return NGX_OK;
    }

    if (server->host.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "TLS to redis \"%V\" needs a name to verify its "
                           "certificate by", &conf->address);
        return NGX_ERROR;
    }

    conf->tls_name.data = ngx_pnalloc(cf->pool, server->host.len + 1);
    if (conf->tls_name.data == NULL) {
        return NGX_ERROR;
    }

    /* OpenSSL reads it up to a zero byte */

    (void) ngx_cpystrn(conf->tls_name.data, server->host.data,
                       server->host.len + 1);

    conf->tls_name.len = server->host.len;

    return NGX_OK;
}


static ngx_uint_t
ngx_redis_tls_is_ip(ngx_str_t *name)
{
#if (NGX_HAVE_INET6)
    u_char  addr[16];

    if (ngx_inet6_addr(name->data, name->len, addr) == NGX_OK) {
        return 1;
    }
#endif

    return ngx_inet_addr(name->data, name->len) != INADDR_NONE;
}


/* Returns as ngx_redis_tls_handshake(). */

ngx_int_t
ngx_redis_tls_start(ngx_redis_connection_t *conn)
{
    ngx_str_t           *name;
    ngx_connection_t    *c;
    ngx_redis_server_t  *server;

    c = conn->peer.connection;
    server = conn->server;
    name = &server->conf.tls_name;

    server->state = ngx_redis_st_handshaking;
    conn->log.action = "SSL handshaking to redis";

    if (ngx_ssl_create_connection(server->ssl, c, NGX_SSL_CLIENT) != NGX_OK) {
        return ngx_redis_tls_failed(conn);
    }

    conn->tls = 1;

    /* RFC 6066: no literal address in SNI */

    if (!ngx_redis_tls_is_ip(name)
        && SSL_set_tlsext_host_name(c->ssl->connection, (char *) name->data)
           == 0)
    {
        ngx_ssl_error(NGX_LOG_ERR, c->log, 0,
                      "SSL_set_tlsext_host_name(\"%V\") failed", name);
        return ngx_redis_tls_failed(conn);
    }

    return ngx_redis_tls_handshake(conn);
}


/*
 * Takes the handshake as far as it goes.  NGX_OK: it is over, and the server is
 * who it should be; NGX_AGAIN: an event of the connection takes it further;
 * NGX_ERROR: the connection is of no use, as logged.
 */

ngx_int_t
ngx_redis_tls_handshake(ngx_redis_connection_t *conn)
{
    ngx_int_t             rc;
    ngx_connection_t     *c;
    ngx_event_handler_pt  read, write;

    c = conn->peer.connection;
    read = c->read->handler;
    write = c->write->handler;

    rc = ngx_ssl_handshake(c);

    /* NGX_AGAIN leaves NGINX's own, which know nothing of c->close */

    c->read->handler = read;
    c->write->handler = write;

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc != NGX_OK) {
        return ngx_redis_tls_failed(conn);
    }

    return ngx_redis_tls_verify(conn);
}


static ngx_int_t
ngx_redis_tls_verify(ngx_redis_connection_t *conn)
{
    long                 rc;
    ngx_str_t           *name;
    ngx_connection_t    *c;
    ngx_redis_server_t  *server;

    c = conn->peer.connection;
    server = conn->server;
    name = &server->conf.tls_name;

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        ngx_redis_server_log(server, ngx_redis_log_unreachable, NGX_LOG_ERR,
                             0, "the certificate of %V is invalid: %s (%l), "
                             "operations are refused until it is valid; check "
                             "it and the CA configured for it",
                             conn->peer.name,
                             X509_verify_cert_error_string(rc), rc);
        return NGX_ERROR;
    }

    if (ngx_redis_tls_check_name(c, name) != NGX_OK) {
        ngx_redis_server_log(server, ngx_redis_log_unreachable, NGX_LOG_ERR,
                             0, "the certificate of %V is not for \"%V\", "
                             "operations are refused until it is; check the "
                             "certificate, or configure its name",
                             conn->peer.name, name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* ngx_ssl_check_host() of NGINX 1.22 and 1.26 does not know addresses. */

static ngx_int_t
ngx_redis_tls_check_name(ngx_connection_t *c, ngx_str_t *name)
{
    int    rc;
    X509  *cert;

    if (!ngx_redis_tls_is_ip(name)) {
        return ngx_ssl_check_host(c, name);
    }

    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    rc = X509_check_ip_asc(cert, (char *) name->data, 0);

    X509_free(cert);

    return (rc == 1) ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_redis_tls_failed(ngx_redis_connection_t *conn)
{
    ngx_redis_server_log(conn->server, ngx_redis_log_unreachable, NGX_LOG_ERR,
                         0, "TLS with %V failed, operations are refused until "
                         "it works; check that this port uses TLS, and whether "
                         "it requires a client certificate",
                         conn->peer.name);

    return NGX_ERROR;
}


/*
 * Frees c->ssl without waiting for anything.  "close notify" is sent if it
 * can be at once.
 */

void
ngx_redis_tls_end(ngx_connection_t *c)
{
    c->ssl->no_wait_shutdown = 1;

    if (c->read->eof || c->read->error || c->write->error
        || !c->write->ready)
    {
        c->ssl->no_send_shutdown = 1;
    }

    if (ngx_ssl_shutdown(c) != NGX_AGAIN) {
        return;
    }

    /* the second call, with c->error, is quiet and so the last one */

    c->error = 1;

    (void) ngx_ssl_shutdown(c);
}

#endif
