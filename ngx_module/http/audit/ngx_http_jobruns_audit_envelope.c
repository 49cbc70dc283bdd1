/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every record has around it, and the records of a chain itself: its
 * first and its last.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_envelope.h"
#include "ngx_http_jobruns_random.h"


/* ,"truncated":true */
#define NGX_HTTP_JOBRUNS_AUDIT_CUT  24

/* bytes of a UUID in text */
#define NGX_HTTP_JOBRUNS_AUDIT_ID   36


static void ngx_http_jobruns_audit_chain_key(
    ngx_http_jobruns_audit_seal_t *seal, jr_line_t *line);
static void ngx_http_jobruns_audit_id(u_char *id);


void
ngx_http_jobruns_audit_envelope_open(jr_line_t *line, jr_str_t type)
{
    char  id[NGX_HTTP_JOBRUNS_AUDIT_ID], time[NGX_HTTP_JOBRUNS_AUDIT_TIME];

    line->end -= NGX_HTTP_JOBRUNS_AUDIT_CUT;

    ngx_http_jobruns_audit_id((u_char *) id);

    jr_line_object(line, NULL);

    /* first in every record: JR_CHAIN_RECORD */

    jr_line_string(line, "eventType", type);
    jr_line_literal(line, "\"cloudEventsVersion\":\"0.1\","
                          "\"eventTypeVersion\":\"2.0\","
                          "\"source\":\"jobruns-gateway\"");
    jr_line_string(line, "eventId", (jr_str_t) { sizeof(id), id });
    jr_line_string(line, "eventTime",
                   ngx_http_jobruns_audit_envelope_time(time));
    jr_line_literal(line, "\"contentType\":\"application/json\"");

    jr_line_object(line, "data");
}


void
ngx_http_jobruns_audit_envelope_close(jr_line_t *line)
{
    line->end += NGX_HTTP_JOBRUNS_AUDIT_CUT;

    if (line->cut) {
        jr_line_boolean(line, "truncated", 1);
    }

    jr_line_close(line, '}');
    jr_line_close(line, '}');
}


void
ngx_http_jobruns_audit_envelope_chain(jr_chain_t *chain,
    ngx_http_jobruns_audit_seal_t *seal, jr_line_t *line)
{
    jr_line_string(line, "eventGroupingId",
                   (jr_str_t) { JR_CHAIN_ID, chain->id });
    jr_line_string(line, "eventName", (jr_str_t) jr_str("AuditChain"));

    jr_line_object(line, "additionalDetails");
    jr_line_integer(line, "format", 1);
    jr_line_string(line, "algorithm",
                   chain->mac ? (jr_str_t) jr_str("HMAC-SHA-256")
                              : (jr_str_t) jr_str("SHA-256"));
    ngx_http_jobruns_audit_chain_key(seal, line);
    jr_line_string(line, "host", ngx_http_jobruns_str(ngx_cycle->hostname));
    jr_line_integer(line, "pid", ngx_pid);
    jr_line_integer(line, "records", (int64_t) chain->seq);
    jr_line_string(line, "lastHash",
                   (jr_str_t) { JR_DIGEST_HEX, chain->last });
    jr_line_close(line, '}');
}


static void
ngx_http_jobruns_audit_chain_key(ngx_http_jobruns_audit_seal_t *seal,
    jr_line_t *line)
{
    jr_line_string(line, "configured",
                   (jr_str_t) { NGX_HTTP_JOBRUNS_AUDIT_TIME - 1,
                                seal->configured });

    if (seal->mac == NULL) {
        return;
    }

    jr_line_string(line, "keyId", (jr_str_t) { JR_MAC_ID, seal->id });

    if (seal->before.data != NULL) {
        jr_line_string(line, "keyBefore", seal->before);
    }
}


/* a version 4 UUID (RFC 9562, 5.4) */

static void
ngx_http_jobruns_audit_id(u_char *id)
{
    u_char  hex[32];

    ngx_memset(hex, '0', sizeof(hex));
    (void) ngx_http_jobruns_random_hex(hex, sizeof(hex), 0);

    hex[12] = '4';
    hex[16] = (u_char) "89ab"[hex[16] & 3];

    ngx_memcpy(id, hex, 8);
    id[8] = '-';
    ngx_memcpy(id + 9, hex + 8, 4);
    id[13] = '-';
    ngx_memcpy(id + 14, hex + 12, 4);
    id[18] = '-';
    ngx_memcpy(id + 19, hex + 16, 4);
    id[23] = '-';
    ngx_memcpy(id + 24, hex + 20, 12);
}


jr_str_t
ngx_http_jobruns_audit_envelope_time(char *buf)
{
    ngx_tm_t     tm;
    ngx_time_t  *tp;

    /* many records have the same second */

    static char    text[NGX_HTTP_JOBRUNS_AUDIT_TIME];
    static time_t  second = -1;

    tp = ngx_timeofday();

    if (tp->sec != second) {
        second = tp->sec;

        ngx_gmtime(second, &tm);
        (void) ngx_sprintf((u_char *) text,
                           "%4d-%02d-%02dT%02d:%02d:%02d.000Z",
                           tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                           tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);
    }

    ngx_memcpy(buf, text, NGX_HTTP_JOBRUNS_AUDIT_TIME - 1);

    buf[20] = (char) ('0' + tp->msec / 100);
    buf[21] = (char) ('0' + tp->msec / 10 % 10);
    buf[22] = (char) ('0' + tp->msec % 10);

    return (jr_str_t) { NGX_HTTP_JOBRUNS_AUDIT_TIME - 1, buf };
}
