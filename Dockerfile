# SPDX-License-Identifier: BSD-2-Clause
#
# Three images of one file; docker-compose.yml names the stages.  Everything
# comes from Debian's own packages.

ARG BASE=debian:bookworm-slim


# The module, compiled against the NGINX that the gateway runs.

FROM ${BASE} AS build

WORKDIR /build
COPY util/install-deps util/
RUN util/install-deps build

COPY config config.make ./
COPY util util
COPY ngx_module ngx_module
COPY docs/runbook.md docs/
RUN util/build-nginx module


# Redis keeps what must not be forgotten: an append-only file, on a volume.
# It listens on a network that it shares with the gateway alone, and makes its
# password when it first starts.

FROM ${BASE} AS redis

COPY util/install-deps /tmp/
RUN /tmp/install-deps redis && rm -rf /var/lib/apt/lists/* /tmp/install-deps \
    && mkdir -p /data /secret && chown redis:redis /data \
    && chown redis:www-data /secret && chmod 2750 /secret
COPY util/redis-in-container /usr/local/bin/

USER redis
VOLUME /data /secret
EXPOSE 6379
HEALTHCHECK --interval=2s --timeout=2s --retries=30 \
    CMD ["redis-in-container", "ping"]
CMD ["redis-in-container", "run"]


# Stands for the service.

FROM ${BASE} AS service

COPY util/install-deps /tmp/
RUN /tmp/install-deps perl && rm -rf /var/lib/apt/lists/* /tmp/install-deps
COPY t/bin/stub-service /usr/local/bin/

USER nobody
EXPOSE 9090
CMD ["stub-service", "--listen", "0.0.0.0:9090", "--honour-tokens"]


# The gateway, with conf/nginx.conf as it stands.  The prefix has what its
# relative paths lead to.  Master and workers run as www-data: a root without
# capabilities could not open a log of www-data again.

FROM ${BASE} AS gateway

COPY util/install-deps /tmp/
RUN /tmp/install-deps gateway && rm -rf /var/lib/apt/lists/* /tmp/install-deps \
    && mkdir -p /var/lib/jobruns/logs /var/lib/jobruns/temp \
    && ln -s /usr/lib/nginx/modules /var/lib/jobruns/modules \
    && chown www-data:www-data /var/lib/jobruns/logs /var/lib/jobruns/temp

COPY --from=build /build/build/nginx-dyn/objs/ngx_http_jobruns_module.so \
     /usr/lib/nginx/modules/
COPY conf /etc/jobruns

USER www-data

# SIGQUIT lets running creations end.
STOPSIGNAL SIGQUIT
VOLUME /var/lib/jobruns/logs
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --retries=5 \
    CMD ["perl", "-MIO::Socket::INET", "-e", \
         "my $s = IO::Socket::INET->new('127.0.0.1:8080') or exit 1; \
          print $s qq{GET /jobruns_status HTTP/1.0\\r\\n\\r\\n}; \
          exit !(readline($s) =~ / 200 /)"]
CMD ["nginx", "-p", "/var/lib/jobruns", "-c", "/etc/jobruns/nginx.conf", \
     "-e", "stderr", "-g", "daemon off; pid /tmp/nginx.pid;"]
