/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A command as the bytes Redis reads: an array of bulk strings.
 *
 * Written straight into the memory of its slot, since a command with the
 * answer of a job run may have a megabyte.  Every argument goes by its
 * length: nothing is quoted, and nothing is a format.
 */

#include "ngx_redis_command.h"
#include "ngx_redis_connection.h"


#define NGX_REDIS_HEAD_LEN  (sizeof("*\r\n") - 1 + NGX_SIZE_T_LEN)
#define NGX_REDIS_BULK_LEN  (sizeof("$\r\n\r\n") - 1 + NGX_SIZE_T_LEN)


static u_char *ngx_redis_command_number(u_char *p, size_t n);


/* An upper bound, and close. */

size_t
ngx_redis_command_size(ngx_uint_t argc, ngx_str_t *argv)
{
    size_t      size;
    ngx_uint_t  i;

    size = NGX_REDIS_HEAD_LEN;

    for (i = 0; i < argc; i++) {
        size += NGX_REDIS_BULK_LEN + argv[i].len;
    }

    return size;
}


/* ngx_sprintf() for each length would cost more than copying the arguments */

static u_char *
ngx_redis_command_number(u_char *p, size_t n)
{
    u_char  *last, digits[NGX_SIZE_T_LEN];

    if (n < 10) {
        *p++ = (u_char) (n + '0');
        return p;
    }

    if (n < 100) {
        *p++ = (u_char) (n / 10 + '0');
        *p++ = (u_char) (n % 10 + '0');
        return p;
    }

    last = digits + NGX_SIZE_T_LEN;

    do {
        *--last = (u_char) (n % 10 + '0');
        n /= 10;
    } while (n);

    return ngx_cpymem(p, last, digits + NGX_SIZE_T_LEN - last);
}


u_char *
ngx_redis_command_argc(u_char *p, ngx_uint_t argc)
{
    *p++ = '*';
    p = ngx_redis_command_number(p, argc);
    *p++ = '\r';
    *p++ = '\n';

    return p;
}


u_char *
ngx_redis_command_args(u_char *p, ngx_uint_t argc, ngx_str_t *argv)
{
    ngx_uint_t  i;

    for (i = 0; i < argc; i++) {
        *p++ = '$';
        p = ngx_redis_command_number(p, argv[i].len);
        *p++ = '\r';
        *p++ = '\n';

        /* an empty string may have no data */

        if (argv[i].len) {
            p = ngx_cpymem(p, argv[i].data, argv[i].len);
        }

        *p++ = '\r';
        *p++ = '\n';
    }

    return p;
}
