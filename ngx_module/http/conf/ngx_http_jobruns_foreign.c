/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Directives by which a request leaves that nobody could look at, or changed.
 *
 * The structs of NGINX's modules are their own: where a setting stands tells
 * the module's table of directives, and which `*_pass` a location has is told
 * by the content handler, which is the one that the directive's own setter
 * leaves in a location made for that.  An argument with a variable has the
 * setter add no upstream.
 */

#include "ngx_http_jobruns_conflicts.h"
#include "ngx_http_jobruns_foreign.h"
#include "ngx_http_jobruns_guard.h"


static const char *const  ngx_http_jobruns_passes[][3] = {
    { "ngx_http_proxy_module", "proxy_pass", "http://$host" },
    { "ngx_http_fastcgi_module", "fastcgi_pass", "$host" },
    { "ngx_http_grpc_module", "grpc_pass", "$host" },
    { "ngx_http_scgi_module", "scgi_pass", "$host" },
    { "ngx_http_uwsgi_module", "uwsgi_pass", "$host" }
};


static ngx_module_t *ngx_http_jobruns_foreign_module(ngx_conf_t *cf,
    const char *name);
static ngx_command_t *ngx_http_jobruns_foreign_command(ngx_module_t *module,
    const char *name);
static size_t ngx_http_jobruns_foreign_offset(ngx_module_t *module,
    const char *name);
static ngx_int_t ngx_http_jobruns_foreign_handler(ngx_conf_t *cf,
    ngx_http_jobruns_pass_t *pass, const char *name, const char *value);
static const ngx_http_jobruns_conflict_t *ngx_http_jobruns_foreign_passes(
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);
static const ngx_http_jobruns_conflict_t *ngx_http_jobruns_foreign_proxy(
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc);
static const ngx_http_jobruns_conflict_t *ngx_http_jobruns_foreign_headers(
    ngx_http_jobruns_location_t *loc, ngx_array_t *headers);
static ngx_keyval_t *ngx_http_jobruns_foreign_header(ngx_array_t *headers,
    const char *name);


/* behind proxy_pass, in the order of ngx_http_jobruns_passes */
static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_foreign_other[] = {
    { "fastcgi_pass", "a creation is only forwarded as HTTP/1",
      "proxy_pass http://name;", NULL },
    { "grpc_pass", "a creation is only forwarded as HTTP/1",
      "proxy_pass http://name;", NULL },
    { "scgi_pass", "a creation is only forwarded as HTTP/1",
      "proxy_pass http://name;", NULL },
    { "uwsgi_pass", "a creation is only forwarded as HTTP/1",
      "proxy_pass http://name;", NULL }
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_foreign_http2 = {
    "proxy_http_version 2", "a creation is only forwarded as HTTP/1",
    "proxy_http_version 1.1;", NULL
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_foreign_body = {
    "proxy_set_body", "the service must get the body that the client signed",
    "proxy_pass_request_body on;\" in place of proxy_set_body, or \"jobruns "
    "off;", NULL
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_foreign_method = {
    "proxy_method", "it makes a creation of other requests, or hides one",
    "limit_except\" in place of proxy_method, or \"jobruns off;", NULL
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_foreign_mirror = {
    "mirror", "a copy of a creation is a second one", "mirror off;", NULL
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_foreign_post = {
    "post_action", "it sends a request again when it is answered",
    "post_action off;", NULL
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_foreign_token = {
    "proxy_set_header opc-retry-token", "the service must get the token of "
    "the client", "proxy_set_header opc-retry-token $http_opc_retry_token;",
    NULL
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_foreign_override = {
    "proxy_set_header of a method override", "it makes a creation of other "
    "requests", "proxy_set_header X-HTTP-Method-Override '';", NULL
};

static const ngx_http_jobruns_conflict_t  ngx_http_jobruns_foreign_lost[] = {
    { "proxy_set_header without Host: a location's own proxy_set_header "
      "replace those of the outer levels", "the service must get the Host that "
      "the client signed", "proxy_set_header Host $http_host;", NULL },
    { "proxy_set_header without Connection: a location's own proxy_set_header "
      "replace those of the outer levels", "connections to the service are not "
      "the client's", "proxy_set_header Connection '';", NULL },
    { "proxy_set_header without Accept-Encoding: a location's own "
      "proxy_set_header replace those of the outer levels", "a response that "
      "is replayed must be readable by every client",
      "proxy_set_header Accept-Encoding $jobruns_accept_encoding;", NULL }
};


ngx_int_t
ngx_http_jobruns_foreign_init(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign)
{
    ngx_uint_t                i;
    ngx_http_jobruns_pass_t  *pass;

    ngx_memzero(foreign, sizeof(ngx_http_jobruns_foreign_t));

    for (i = 0; i < NGX_HTTP_JOBRUNS_PASSES; i++) {
        pass = &foreign->passes[i];
        pass->module = ngx_http_jobruns_foreign_module(cf,
                                               ngx_http_jobruns_passes[i][0]);

        if (pass->module != NULL
            && ngx_http_jobruns_foreign_handler(cf, pass,
                                               ngx_http_jobruns_passes[i][1],
                                               ngx_http_jobruns_passes[i][2])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    foreign->proxy = foreign->passes[0].module;
    foreign->tunnel = ngx_http_jobruns_foreign_module(cf,
                                                   "ngx_http_tunnel_module");
    foreign->mirror = ngx_http_jobruns_foreign_module(cf,
                                                   "ngx_http_mirror_module");
    foreign->auth = ngx_http_jobruns_foreign_module(cf,
                                             "ngx_http_auth_request_module");
    foreign->access = ngx_http_jobruns_foreign_module(cf,
                                                   "ngx_http_access_module");
    foreign->basic = ngx_http_jobruns_foreign_module(cf,
                                               "ngx_http_auth_basic_module");

    foreign->headers = ngx_http_jobruns_foreign_offset(foreign->proxy,
                                                       "proxy_set_header");
    foreign->method = ngx_http_jobruns_foreign_offset(foreign->proxy,
                                                      "proxy_method");
    foreign->http_version = ngx_http_jobruns_foreign_offset(foreign->proxy,
                                                       "proxy_http_version");
    foreign->body = ngx_http_jobruns_foreign_offset(foreign->proxy,
                                                    "proxy_set_body");
    foreign->mirrors = ngx_http_jobruns_foreign_offset(foreign->mirror,
                                                       "mirror");
    foreign->realm = ngx_http_jobruns_foreign_offset(foreign->basic,
                                                     "auth_basic");

    return NGX_OK;
}


static ngx_module_t *
ngx_http_jobruns_foreign_module(ngx_conf_t *cf, const char *name)
{
    ngx_uint_t     i;
    ngx_module_t  *module;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (module->type == NGX_HTTP_MODULE && module->name != NULL
            && ngx_strcmp(module->name, name) == 0)
        {
            return module;
        }
    }

    return NULL;
}


static ngx_command_t *
ngx_http_jobruns_foreign_command(ngx_module_t *module, const char *name)
{
    ngx_command_t  *cmd;

    if (module == NULL || module->commands == NULL) {
        return NULL;
    }

    for (cmd = module->commands; cmd->name.len; cmd++) {
        if (ngx_strcmp(cmd->name.data, name) == 0) {
            return cmd;
        }
    }

    return NULL;
}


static size_t
ngx_http_jobruns_foreign_offset(ngx_module_t *module, const char *name)
{
    ngx_command_t  *cmd;

    cmd = ngx_http_jobruns_foreign_command(module, name);

    return cmd ? cmd->offset : NGX_CONF_UNSET_SIZE;
}


/* has the setter of a directive set it in a location that nobody sees */

static ngx_int_t
ngx_http_jobruns_foreign_handler(ngx_conf_t *cf,
    ngx_http_jobruns_pass_t *pass, const char *name, const char *value)
{
    void                      *conf;
    char                      *rv;
    ngx_str_t                 *args;
    ngx_conf_t                 scratch;
    ngx_command_t             *cmd;
    ngx_http_module_t         *module;
    ngx_http_conf_ctx_t        ctx;
    ngx_http_core_loc_conf_t  *clcf;

    cmd = ngx_http_jobruns_foreign_command(pass->module, name);

    if (cmd == NULL) {
        return NGX_OK;
    }

    module = pass->module->ctx;

    if (module->create_loc_conf == NULL) {
        return NGX_OK;
    }

    ctx = *(ngx_http_conf_ctx_t *) cf->ctx;
    ctx.loc_conf = ngx_pcalloc(cf->pool, sizeof(void *) * ngx_http_max_module);
    clcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_core_loc_conf_t));
    conf = module->create_loc_conf(cf);

    scratch = *cf;
    scratch.ctx = &ctx;
    scratch.args = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));

    if (ctx.loc_conf == NULL || clcf == NULL || conf == NULL
        || scratch.args == NULL)
    {
        return NGX_ERROR;
    }

    args = ngx_array_push_n(scratch.args, 2);
    if (args == NULL) {
        return NGX_ERROR;
    }

    args[0] = cmd->name;
    args[1].data = (u_char *) value;
    args[1].len = ngx_strlen(value);

    ctx.loc_conf[ngx_http_core_module.ctx_index] = clcf;
    ctx.loc_conf[pass->module->ctx_index] = conf;

    rv = cmd->set(&scratch, cmd, conf);

    if (rv != NGX_CONF_OK) {
        return NGX_ERROR;
    }

    pass->handler = clcf->handler;

    return NGX_OK;
}


ngx_uint_t
ngx_http_jobruns_foreign_restricted(ngx_http_jobruns_foreign_t *foreign,
    ngx_http_jobruns_location_t *loc)
{
    u_char                    *conf;
    ngx_str_t                 *uri;
    ngx_http_complex_value_t  *realm;

    if (loc->core->internal) {
        return 1;
    }

    if (foreign->access != NULL
        && *(ngx_array_t **) loc->loc_conf[foreign->access->ctx_index] != NULL)
    {
        return 1;
    }

    if (foreign->auth != NULL) {
        uri = loc->loc_conf[foreign->auth->ctx_index];

        if (uri->len != 0) {
            return 1;
        }
    }

    if (foreign->basic == NULL || foreign->realm == NGX_CONF_UNSET_SIZE) {
        return 0;
    }

    conf = loc->loc_conf[foreign->basic->ctx_index];
    realm = *(ngx_http_complex_value_t **) (conf + foreign->realm);

    /* merged, it is NULL, unset or a text: "off" is one */

    return realm != NULL && realm != NGX_CONF_UNSET_PTR
           && (realm->value.len != 3
               || ngx_strncmp(realm->value.data, "off", 3) != 0);
}


ngx_int_t
ngx_http_jobruns_foreign_guard(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc)
{
    ngx_uint_t     i;
    ngx_module_t  *module;

    for (i = 0; i <= NGX_HTTP_JOBRUNS_PASSES; i++) {

        module = i < NGX_HTTP_JOBRUNS_PASSES ? foreign->passes[i].module
                                             : foreign->tunnel;

        if (module != NULL
            && ngx_http_jobruns_guard_address(cf,
                                              loc->loc_conf[module->ctx_index])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jobruns_foreign_check(ngx_conf_t *cf,
    ngx_http_jobruns_foreign_t *foreign, ngx_http_jobruns_location_t *loc)
{
    u_char                             *mirror;
    const ngx_http_jobruns_conflict_t  *conflict;

    conflict = NULL;

    if (foreign->mirror != NULL && foreign->mirrors != NGX_CONF_UNSET_SIZE) {
        mirror = loc->loc_conf[foreign->mirror->ctx_index];

        if (*(ngx_array_t **) (mirror + foreign->mirrors) != NULL) {
            conflict = &ngx_http_jobruns_foreign_mirror;
        }
    }

    if (loc->core->post_action.len) {
        conflict = &ngx_http_jobruns_foreign_post;
    }

    if (conflict == NULL) {
        conflict = ngx_http_jobruns_foreign_passes(foreign, loc);
    }

    if (conflict == NULL) {
        conflict = ngx_http_jobruns_foreign_proxy(foreign, loc);
    }

    return conflict ? ngx_http_jobruns_conflicts_refuse(cf, loc, conflict)
                    : NGX_OK;
}


/* `if` and limit_except have no handler of their own but, merged, the upstream
   of the location around them, which all these modules keep first */

static const ngx_http_jobruns_conflict_t *
ngx_http_jobruns_foreign_passes(ngx_http_jobruns_foreign_t *foreign,
    ngx_http_jobruns_location_t *loc)
{
    ngx_uint_t                 i;
    ngx_http_jobruns_pass_t   *pass;
    ngx_http_upstream_conf_t  *u;

    for (i = 1; i < NGX_HTTP_JOBRUNS_PASSES; i++) {
        pass = &foreign->passes[i];

        if (pass->module == NULL) {
            continue;
        }

        u = loc->loc_conf[pass->module->ctx_index];

        if ((pass->handler != NULL && loc->core->handler == pass->handler)
            || u->upstream != NULL)
        {
            return &ngx_http_jobruns_foreign_other[i - 1];
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_jobruns_foreign_proxies(ngx_http_jobruns_foreign_t *foreign,
    ngx_http_jobruns_location_t *loc)
{
    ngx_http_upstream_conf_t  *u;

    if (foreign->proxy == NULL) {
        return 0;
    }

    u = loc->loc_conf[foreign->proxy->ctx_index];

    /* with variables it has a handler, and no upstream */

    return u->upstream != NULL
           || (loc->core->handler != NULL
               && loc->core->handler == foreign->passes[0].handler);
}


/* looked for as ngx_http_core_find_location() does, but not for the best of
   several: more locations may count than the one it leads to */

ngx_uint_t
ngx_http_jobruns_foreign_asks(ngx_http_jobruns_foreign_t *foreign,
    ngx_http_jobruns_location_t *loc, ngx_http_core_loc_conf_t *other)
{
    ngx_str_t  *uri;

    if (foreign->auth == NULL || other->named) {
        return 0;
    }

    uri = loc->loc_conf[foreign->auth->ctx_index];

    if (uri->len == 0) {
        return 0;
    }

#if (NGX_PCRE)

    if (other->regex != NULL) {
        return ngx_regex_exec(other->regex->regex, uri, NULL, 0)
               != NGX_REGEX_NO_MATCHED;
    }

#endif

    return uri->len >= other->name.len
           && (!other->exact_match || uri->len == other->name.len)
           && ngx_strncmp(uri->data, other->name.data, other->name.len) == 0;
}


static const ngx_http_jobruns_conflict_t *
ngx_http_jobruns_foreign_proxy(ngx_http_jobruns_foreign_t *foreign,
    ngx_http_jobruns_location_t *loc)
{
    u_char  *plcf;

    if (!ngx_http_jobruns_foreign_proxies(foreign, loc)) {
        return NULL;
    }

    plcf = loc->loc_conf[foreign->proxy->ctx_index];

    if (foreign->http_version != NGX_CONF_UNSET_SIZE
        && *(ngx_uint_t *) (plcf + foreign->http_version)
           >= NGX_HTTP_VERSION_20)
    {
        return &ngx_http_jobruns_foreign_http2;
    }

    if (foreign->body != NGX_CONF_UNSET_SIZE
        && ((ngx_str_t *) (plcf + foreign->body))->data != NULL)
    {
        return &ngx_http_jobruns_foreign_body;
    }

    if (foreign->method != NGX_CONF_UNSET_SIZE
        && *(void **) (plcf + foreign->method) != NULL)
    {
        return &ngx_http_jobruns_foreign_method;
    }

    if (foreign->headers == NGX_CONF_UNSET_SIZE) {
        return NULL;
    }

    return ngx_http_jobruns_foreign_headers(loc,
                              *(ngx_array_t **) (plcf + foreign->headers));
}


/* headers NULL: there is no proxy_set_header here or above */

static const ngx_http_jobruns_conflict_t *
ngx_http_jobruns_foreign_headers(ngx_http_jobruns_location_t *loc,
    ngx_array_t *headers)
{
    ngx_uint_t     i;
    ngx_keyval_t  *h;

    static const char *const  lost[] = {
        "Host", "Connection", "Accept-Encoding"
    };

    static const char *const  overrides[] = {
        "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"
    };

    h = ngx_http_jobruns_foreign_header(headers, "opc-retry-token");

    if (h != NULL && ngx_strlchr(h->value.data, h->value.data + h->value.len,
                                 '$')
                     == NULL)
    {
        return &ngx_http_jobruns_foreign_token;
    }

    for (i = 0; i < 3; i++) {
        h = ngx_http_jobruns_foreign_header(headers, overrides[i]);

        if (h != NULL && h->value.len) {
            return &ngx_http_jobruns_foreign_override;
        }
    }

    if (loc->conf->enable == jobruns_unset) {
        return NULL;
    }

    for (i = 0; i < 3; i++) {
        if (ngx_http_jobruns_foreign_header(headers, lost[i]) == NULL) {
            return &ngx_http_jobruns_foreign_lost[i];
        }
    }

    return NULL;
}


static ngx_keyval_t *
ngx_http_jobruns_foreign_header(ngx_array_t *headers, const char *name)
{
    ngx_uint_t     i;
    ngx_keyval_t  *h;

    if (headers == NULL) {
        return NULL;
    }

    h = headers->elts;

    for (i = 0; i < headers->nelts; i++) {
        if (h[i].key.len == ngx_strlen(name)
            && ngx_strncasecmp(h[i].key.data, (u_char *) name, h[i].key.len)
               == 0)
        {
            return &h[i];
        }
    }

    return NULL;
}
