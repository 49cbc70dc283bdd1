/* SPDX-License-Identifier: BSD-2-Clause
 *
 * TLS to Redis.  hiredis before 1.0 speaks none, so a process of ours does,
 * between the server and a socket that hiredis reads and writes.
 *
 * The server's certificate is verified as the module does it: by tls_ca or
 * the system's authorities, and for tls_name or the host connected to.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "jobrunsctl.h"


#define CTL_TLS_BUFFER  16384


static int
ctl_tls_fail(SSL *ssl, const char *address, const char *what)
{
    long           verified;
    unsigned long  e;

    verified = ssl != NULL ? SSL_get_verify_result(ssl) : X509_V_OK;
    e = ERR_get_error();

    if (verified != X509_V_OK) {
        return ctl_fail(-1, "the certificate of Redis \"%s\" is refused: %s; "
                        "check tls_ca= and tls_name=", address,
                        X509_verify_cert_error_string(verified));
    }

    return ctl_fail(-1, "TLS to Redis \"%s\": %s failed: %s; check that it "
                    "speaks TLS there, and whether it wants a client "
                    "certificate", address, what,
                    e ? ERR_reason_error_string(e) : strerror(errno));
}


static int
ctl_tls_trust(SSL_CTX *ctx, const ctl_access_t *access)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);

    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        return 0;
    }

    if (access->tls_certificate != NULL
        && (SSL_CTX_use_certificate_chain_file(ctx, access->tls_certificate)
            != 1
            || access->tls_certificate_key == NULL
            || SSL_CTX_use_PrivateKey_file(ctx, access->tls_certificate_key,
                                           SSL_FILETYPE_PEM)
               != 1))
    {
        return 0;
    }

    return access->tls_ca != NULL
           ? SSL_CTX_load_verify_locations(ctx, access->tls_ca, NULL)
           : SSL_CTX_set_default_verify_paths(ctx);
}


/* whom the certificate is to be for */

static int
ctl_tls_name(SSL *ssl, const char *name)
{
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1) {
        return 1;
    }

    return SSL_set1_host(ssl, name) == 1
           && SSL_set_tlsext_host_name(ssl, name) == 1;
}


static int
ctl_tls_write(int fd, const char *data, size_t len)
{
    ssize_t  n;

    for ( /* void */ ; len; data += n, len -= (size_t) n) {
        n = write(fd, data, len);

        if (n < 1) {
            return 0;
        }
    }

    return 1;
}


/* the connection does not block, so that what is no data of ours, such as a
   session ticket, holds up nothing */

static int
ctl_tls_send(SSL *ssl, const char *data, int len)
{
    int            n;
    struct pollfd  fd;

    while ((n = SSL_write(ssl, data, len)) < 1) {

        fd = (struct pollfd) { .fd = SSL_get_fd(ssl) };

        switch (SSL_get_error(ssl, n)) {

        case SSL_ERROR_WANT_READ:
            fd.events = POLLIN;
            break;

        case SSL_ERROR_WANT_WRITE:
            fd.events = POLLOUT;
            break;

        default:
            return 0;
        }

        if (poll(&fd, 1, -1) < 1) {
            return 0;
        }
    }

    return 1;
}


/* until one of the two ends; never returns */

static void
ctl_tls_relay(SSL *ssl, int plain)
{
    int            n;
    char           buffer[CTL_TLS_BUFFER];
    struct pollfd  fds[2];

    fds[0] = (struct pollfd) { .fd = plain, .events = POLLIN };
    fds[1] = (struct pollfd) { .fd = SSL_get_fd(ssl), .events = POLLIN };

    for ( ;; ) {

        if (SSL_pending(ssl) == 0 && poll(fds, 2, -1) < 1) {
            _exit(1);
        }

        if (SSL_pending(ssl) || fds[1].revents) {
            n = SSL_read(ssl, buffer, sizeof(buffer));

            if (n < 1) {
                if (SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ) {
                    _exit(0);
                }

            } else if (!ctl_tls_write(plain, buffer, (size_t) n)) {
                _exit(0);
            }
        }

        if (fds[0].revents) {
            n = (int) read(plain, buffer, sizeof(buffer));

            if (n < 1 || !ctl_tls_send(ssl, buffer, n)) {
                _exit(0);
            }
        }

        fds[0].revents = fds[1].revents = 0;
    }
}


int
ctl_tls(const ctl_access_t *access, const char *address, const char *host,
    int fd)
{
    int       ends[2];
    SSL      *ssl;
    pid_t     pid;
    SSL_CTX  *ctx;

    ssl = NULL;
    ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL || ctl_tls_trust(ctx, access) != 1) {
        return ctl_tls_fail(NULL, address, "reading its files");
    }

    ssl = SSL_new(ctx);

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1
        || !ctl_tls_name(ssl, access->tls_name ? access->tls_name : host))
    {
        return ctl_tls_fail(NULL, address, "the beginning");
    }

    if (SSL_connect(ssl) != 1) {
        return ctl_tls_fail(ssl, address, "the handshake");
    }

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == -1) {
        return ctl_tls_fail(NULL, address, "socketpair()");
    }

    /* nobody waits for it: it ends with us */

    signal(SIGCHLD, SIG_IGN);
    pid = fork();

    if (pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        close(ends[0]);
        (void) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        ctl_tls_relay(ssl, ends[1]);
    }

    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(ends[1]);

    if (pid == -1) {
        close(ends[0]);
        return ctl_tls_fail(NULL, address, "fork()");
    }

    return ends[0];
}
