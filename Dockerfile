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
RUN util/build-nginx module


# Redis keeps what must not be forgotten: an append-only file, on a volume.
# It listens on the network of the composition only.

FROM ${BASE} AS redis

COPY util/install-deps /tmp/
RUN /tmp/install-deps redis && rm -rf /var/lib/apt/lists/* /tmp/install-deps \
    && mkdir -p /data && chown redis:redis /data

USER redis
VOLUME /data
EXPOSE 6379
CMD ["redis-server", "--dir", "/data", "--appendonly", "yes", "--save", "", \
     "--protected-mode", "no", "--bind", "0.0.0.0"]


# Stands for the service.

FROM ${BASE} AS service

COPY util/install-deps /tmp/
RUN /tmp/install-deps perl && rm -rf /var/lib/apt/lists/* /tmp/install-deps
COPY t/bin/stub-service /usr/local/bin/

USER nobody
EXPOSE 9090
CMD ["stub-service", "--listen", "0.0.0.0:9090", "--honour-tokens"]


# The gateway, with conf/nginx.conf as it stands.  The prefix has what its
# relative paths lead to; workers run as www-data.

FROM ${BASE} AS gateway

COPY util/install-deps /tmp/
RUN /tmp/install-deps gateway && rm -rf /var/lib/apt/lists/* /tmp/install-deps \
    && mkdir -p /var/lib/jobruns/logs /var/lib/jobruns/temp \
    && ln -s /usr/lib/nginx/modules /var/lib/jobruns/modules

COPY --from=build /build/build/nginx-dyn/objs/ngx_http_jobruns_module.so \
     /usr/lib/nginx/modules/
COPY conf /etc/jobruns

# SIGQUIT lets running creations end.
STOPSIGNAL SIGQUIT
VOLUME /var/lib/jobruns/logs
EXPOSE 8080
CMD ["nginx", "-p", "/var/lib/jobruns", "-c", "/etc/jobruns/nginx.conf", \
     "-e", "stderr", "-g", "daemon off;"]
