/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The worst that is true now, in one sentence, for on-call staff.
 */

#include "ngx_http_jobruns_module_file.h"
#include "ngx_http_jobruns_rates.h"
#include "ngx_http_jobruns_status.h"
#include "ngx_http_jobruns_status_state.h"

#include "jr_version.h"


static void ngx_cdecl ngx_http_jobruns_state_say(
    ngx_http_jobruns_state_t *state, const char *level, const char *fmt, ...);


void
ngx_http_jobruns_status_state(ngx_http_jobruns_figures_t *figures,
    ngx_http_jobruns_state_t *state)
{
    ngx_uint_t                 i, rate;
    ngx_http_jobruns_name_t   *server;
    ngx_http_jobruns_block_t  *sum;

    sum = &figures->sum;

    for (i = 0; i < figures->zone->shared->nservers; i++) {
        server = &figures->zone->shared->servers[i];

        if (sum->redis[i].breakers) {
            ngx_http_jobruns_state_say(state, "bad",
                "Redis %*s is unreachable from %ui of %ui workers.",
                server->len, server->data, sum->redis[i].breakers,
                figures->workers);
            return;
        }
    }

    if (sum->now.audit_lost) {
        ngx_http_jobruns_state_say(state, "bad",
            "%ui of %ui workers have lost their audit file: it was removed, "
            "moved or cannot be opened. Send USR1 or reload; see error.log.",
            ngx_min(sum->now.audit_lost, figures->workers),
            figures->workers);
        return;
    }

    if (sum->counters[jobruns_count_second_run]) {
        ngx_http_jobruns_state_say(state, "bad",
            "%ui job runs were created after the first one of their token; "
            "error.log names them.", sum->counters[jobruns_count_second_run]);
        return;
    }

    if (sum->counters[jobruns_count_audit_failures]) {
        ngx_http_jobruns_state_say(state, "bad",
            "%ui audit records could not be written; error.log says why.",
            sum->counters[jobruns_count_audit_failures]);
        return;
    }

    rate = ngx_http_jobruns_rates_outcome(figures->zone,
                                          JR_OUTCOME_UNAVAILABLE)
           + ngx_http_jobruns_rates_outcome(figures->zone, JR_OUTCOME_UNSENT)
           + ngx_http_jobruns_rates_outcome(figures->zone, JR_OUTCOME_UNKNOWN);

    if (rate) {
        ngx_http_jobruns_state_say(state, "warn",
            "%ui.%ui attempts per second end unknown, unsent or unavailable.",
            rate / 1000, rate % 1000 / 100);
        return;
    }

    if (sum->now.pending_keeps) {
        ngx_http_jobruns_state_say(state, "warn",
            "%ui responses are not yet stored in Redis.",
            sum->now.pending_keeps);
        return;
    }

    if (ngx_http_jobruns_module_file_changed()) {
        ngx_http_jobruns_state_say(state, "warn",
            "The module's file was replaced, and version " JR_VERSION " goes "
            "on running: restart NGINX or upgrade its binary (USR2).");
        return;
    }

    ngx_http_jobruns_state_say(state, "good", "All is well.");
}


static void ngx_cdecl
ngx_http_jobruns_state_say(ngx_http_jobruns_state_t *state,
    const char *level, const char *fmt, ...)
{
    u_char   *last;
    va_list   args;

    va_start(args, fmt);
    last = ngx_vslprintf(state->data, state->data + sizeof(state->data), fmt,
                         args);
    va_end(args);

    state->len = last - state->data;
    state->level = level;
}
