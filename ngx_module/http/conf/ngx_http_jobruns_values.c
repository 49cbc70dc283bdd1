/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The setter of directives that take one word, time, size or number.  A
 * refusal names the directive, the value and what is accepted.
 */

#include "ngx_http_jobruns_directives.h"
#include "ngx_http_jobruns_values.h"


static int64_t ngx_http_jobruns_values_parse(ngx_http_jobruns_value_t *value,
    ngx_str_t *text);
static int64_t ngx_http_jobruns_values_word(ngx_conf_enum_t *words,
    ngx_str_t *text);
static char *ngx_http_jobruns_values_refuse(ngx_conf_t *cf,
    ngx_http_jobruns_value_t *value, ngx_str_t *text);


static ngx_conf_enum_t  ngx_http_jobruns_values_off_on[] = {
    { ngx_string("off"), 0 },
    { ngx_string("on"), 1 },
    { ngx_null_string, 0 }
};


ngx_http_jobruns_value_t  ngx_http_jobruns_values_flag = {
    .kind = jobruns_value_word, .words = ngx_http_jobruns_values_off_on
};


char *
ngx_http_jobruns_values_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char                    *field;
    int64_t                    n;
    ngx_str_t                 *arg;
    ngx_http_jobruns_value_t  *value;

    arg = cf->args->elts;
    value = cmd->post;
    field = (u_char *) conf + cmd->offset;

    if (value->kind == jobruns_value_sec
        ? *(time_t *) field != NGX_CONF_UNSET
        : *(ngx_int_t *) field != NGX_CONF_UNSET)
    {
        return "is duplicate";
    }

    n = ngx_http_jobruns_values_parse(value, &arg[1]);

    if (n == NGX_ERROR || n < value->least
        || (value->most && n > value->most))
    {
        return ngx_http_jobruns_values_refuse(cf, value, &arg[1]);
    }

    if (value->kind == jobruns_value_sec) {
        *(time_t *) field = (time_t) n;

    } else {
        *(ngx_int_t *) field = (ngx_int_t) n;
    }

    return NGX_CONF_OK;
}


/* NGX_ERROR: it is not such a value; no value is negative */

static int64_t
ngx_http_jobruns_values_parse(ngx_http_jobruns_value_t *value, ngx_str_t *text)
{
    /* to ngx_parse_time() an empty text is 0 */

    if (text->len == 0) {
        return NGX_ERROR;
    }

    switch (value->kind) {

    case jobruns_value_msec:
        return ngx_parse_time(text, 0);

    case jobruns_value_sec:
        return ngx_parse_time(text, 1);

    case jobruns_value_size:
        return ngx_parse_size(text);

    case jobruns_value_number:
        return ngx_atoi(text->data, text->len);

    default: /* jobruns_value_word */
        return ngx_http_jobruns_values_word(value->words, text);
    }
}


/* in any case of letters, as NGINX's own directives have it */

static int64_t
ngx_http_jobruns_values_word(ngx_conf_enum_t *words, ngx_str_t *text)
{
    for ( /* void */ ; words->name.len; words++) {

        if (words->name.len == text->len
            && ngx_strncasecmp(words->name.data, text->data, text->len) == 0)
        {
            return (int64_t) words->value;
        }
    }

    return NGX_ERROR;
}


static char *
ngx_http_jobruns_values_refuse(ngx_conf_t *cf, ngx_http_jobruns_value_t *value,
    ngx_str_t *text)
{
    u_char           *last, expected[128];
    ngx_conf_enum_t  *word;

    if (value->expected != NULL) {
        return ngx_http_jobruns_directives_refuse(cf, text, value->expected);
    }

    last = expected;

    for (word = value->words; word->name.len; word++) {
        last = ngx_slprintf(last, expected + sizeof(expected) - 1,
                            "%s\"%V\"", word == value->words ? ""
                            : word[1].name.len ? ", " : " or ", &word->name);
    }

    *last = '\0';

    return ngx_http_jobruns_directives_refuse(cf, text, (char *) expected);
}
