/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A flood of refusals must not become a flood of records: beyond so many in a
 * second (jobruns_audit_refusals) they are counted, by outcome, and one record
 * a second reports the counts and the noisiest client addresses.
 *
 * The addresses are found in a fixed space (space-saving: Metwally, Agrawal,
 * El Abbadi, 2005): one that has no place takes that of the least, with its
 * count, of which "error" is how much may be another's.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_envelope.h"
#include "ngx_http_jobruns_audit_file.h"


/* ms */
#define NGX_HTTP_JOBRUNS_FOLD_EVERY  1000

/* addresses that a record names */
#define NGX_HTTP_JOBRUNS_FOLD_NAMED  8


static ngx_uint_t ngx_http_jobruns_audit_fold_full(
    ngx_http_jobruns_audit_fold_t *fold, ngx_http_jobruns_loc_conf_t *jlcf);
static void ngx_http_jobruns_audit_fold_address(
    ngx_http_jobruns_audit_fold_t *fold, ngx_str_t *text);
static void ngx_http_jobruns_audit_on_fold(ngx_event_t *ev);
static void ngx_http_jobruns_audit_fold_record(
    ngx_http_jobruns_audit_file_t *file, jr_line_t *line);
static void ngx_http_jobruns_audit_fold_addresses(
    ngx_http_jobruns_audit_fold_t *fold, jr_line_t *line);


ngx_uint_t
ngx_http_jobruns_audit_fold_take(ngx_http_jobruns_attempt_t *a)
{
    ngx_http_jobruns_audit_file_t  *file;
    ngx_http_jobruns_audit_fold_t  *fold;

    file = a->conf->audit;
    fold = &file->fold;

    if (!ngx_http_jobruns_audit_fold_full(fold, a->conf)) {
        return 0;
    }

    if (fold->refusals == 0) {
        (void) ngx_http_jobruns_audit_envelope_time(fold->from);

        fold->peer = a->conf->audit_syslog;
        fold->sync = a->conf->audit_sync;

        fold->timer.handler = ngx_http_jobruns_audit_on_fold;
        fold->timer.data = file;
        fold->timer.log = ngx_cycle->log;
        fold->timer.cancelable = 1;     /* flushed before ".close" */

        if (!fold->timer.timer_set) {
            ngx_add_timer(&fold->timer, NGX_HTTP_JOBRUNS_FOLD_EVERY);
        }
    }

    (void) ngx_http_jobruns_audit_envelope_time(fold->to);

    fold->refusals++;
    fold->outcomes[a->outcome]++;

    ngx_http_jobruns_audit_fold_address(fold,
                                        &a->request->connection->addr_text);

    ngx_http_jobruns_count(jobruns_count_audit_refusals);

    return 1;
}


/* has this second, or what the rate is given for, had all its records? */

static ngx_uint_t
ngx_http_jobruns_audit_fold_full(ngx_http_jobruns_audit_fold_t *fold,
    ngx_http_jobruns_loc_conf_t *jlcf)
{
    time_t  window;

    if (jlcf->audit_refusals == 0) {
        return 0;
    }

    window = ngx_time() / (time_t) jlcf->audit_refusals_per;

    if (fold->window != window) {
        fold->window = window;
        fold->written = 0;
    }

    if (fold->written >= jlcf->audit_refusals) {
        return 1;
    }

    fold->written++;

    return 0;
}


static void
ngx_http_jobruns_audit_fold_address(ngx_http_jobruns_audit_fold_t *fold,
    ngx_str_t *text)
{
    size_t                             len;
    ngx_uint_t                         i;
    ngx_http_jobruns_audit_address_t  *address, *least;

    len = ngx_min(text->len, NGX_HTTP_JOBRUNS_AUDIT_ADDRESS);
    least = fold->addresses;

    for (i = 0; i < NGX_HTTP_JOBRUNS_AUDIT_ADDRESSES; i++) {
        address = &fold->addresses[i];

        if (address->count && address->len == len
            && ngx_memcmp(address->text, text->data, len) == 0)
        {
            address->count++;
            return;
        }

        if (address->count < least->count) {
            least = address;
        }
    }

    least->error = least->count;
    least->count++;
    least->len = len;
    ngx_memcpy(least->text, text->data, len);
}


static void
ngx_http_jobruns_audit_on_fold(ngx_event_t *ev)
{
    ngx_http_jobruns_audit_fold_flush(ev->data);
}


void
ngx_http_jobruns_audit_fold_flush(ngx_http_jobruns_audit_file_t *file)
{
    jr_line_t                      *line;
    ngx_log_t                      *log;
    ngx_http_jobruns_audit_fold_t  *fold;

    fold = &file->fold;

    if (fold->timer.timer_set) {
        ngx_del_timer(&fold->timer);
    }

    if (fold->refusals == 0) {
        return;
    }

    log = ngx_cycle->log;

    line = ngx_http_jobruns_audit_file_begin(file,
                                   (jr_str_t) jr_str(JR_CHAIN_TYPE_REFUSALS),
                                   fold->peer, log);
    if (line != NULL) {
        ngx_http_jobruns_audit_fold_record(file, line);

        (void) ngx_http_jobruns_audit_file_commit(file, fold->sync, NULL,
                                                  log);
    }

    /* one that cannot be written is lost as any record, and counted so */

    fold->refusals = 0;
    ngx_memzero(fold->outcomes, sizeof(fold->outcomes));
    ngx_memzero(fold->addresses, sizeof(fold->addresses));
}


static void
ngx_http_jobruns_audit_fold_record(ngx_http_jobruns_audit_file_t *file,
    jr_line_t *line)
{
    ngx_uint_t                      i;
    ngx_http_jobruns_audit_fold_t  *fold;

    fold = &file->fold;

    jr_line_string(line, "eventGroupingId",
                   (jr_str_t) { JR_CHAIN_ID, file->chain.id });
    jr_line_string(line, "eventName", (jr_str_t) jr_str("RefusalsFolded"));

    jr_line_object(line, "additionalDetails");
    jr_line_integer(line, "refusals", (int64_t) fold->refusals);
    jr_line_string(line, "from",
                   (jr_str_t) { NGX_HTTP_JOBRUNS_AUDIT_TIME - 1,
                                fold->from });
    jr_line_string(line, "to",
                   (jr_str_t) { NGX_HTTP_JOBRUNS_AUDIT_TIME - 1, fold->to });

    jr_line_object(line, "outcomes");

    for (i = 0; i < JR_OUTCOME_LAST; i++) {
        if (fold->outcomes[i]) {
            jr_line_integer(line, jr_outcome_name((jr_outcome_e) i).data,
                            (int64_t) fold->outcomes[i]);
        }
    }

    jr_line_close(line, '}');

    ngx_http_jobruns_audit_fold_addresses(fold, line);

    jr_line_close(line, '}');
}


/* the noisiest first */

static void
ngx_http_jobruns_audit_fold_addresses(ngx_http_jobruns_audit_fold_t *fold,
    jr_line_t *line)
{
    ngx_uint_t                         i, n;
    ngx_http_jobruns_audit_address_t  *address, *most;

    jr_line_array(line, "addresses");

    for (n = 0; n < NGX_HTTP_JOBRUNS_FOLD_NAMED; n++) {

        most = fold->addresses;

        for (i = 1; i < NGX_HTTP_JOBRUNS_AUDIT_ADDRESSES; i++) {
            address = &fold->addresses[i];

            if (address->count > most->count) {
                most = address;
            }
        }

        if (most->count == 0) {
            break;
        }

        jr_line_object(line, NULL);
        jr_line_string(line, "ipAddress",
                       (jr_str_t) { most->len, (char *) most->text });
        jr_line_integer(line, "refusals", (int64_t) most->count);
        jr_line_integer(line, "atLeast",
                        (int64_t) (most->count - most->error));
        jr_line_close(line, '}');

        most->count = 0;
    }

    jr_line_close(line, ']');
}
