/*
 * Audit files, and the chain that each worker has in each of them.
 *
 * NGINX opens the files and opens them anew on USR1 (ngx_conf_open_file(),
 * ngx_reopen_files()), always with O_APPEND: a write() of whole records lands
 * whole behind those of other workers.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_audit_batch.h"
#include "ngx_http_jobruns_audit_file.h"
#include "ngx_http_jobruns_audit_fold.h"
#include "ngx_http_jobruns_audit_record.h"
#include "ngx_http_jobruns_audit_sync.h"
#include "ngx_http_jobruns_audit_watch.h"
#include "ngx_http_jobruns_request_headers.h"


static void ngx_http_jobruns_audit_on_reopen(ngx_open_file_t *file,
    ngx_log_t *log);
static void ngx_http_jobruns_audit_lost(ngx_http_jobruns_audit_file_t *file);
static ngx_int_t ngx_http_jobruns_audit_chain_open(
    ngx_http_jobruns_audit_file_t *file, ngx_log_t *log);
static ngx_int_t ngx_http_jobruns_audit_chain_record(
    ngx_http_jobruns_audit_file_t *file, jr_str_t type, ngx_log_t *log);
static void ngx_http_jobruns_audit_chain_key(
    ngx_http_jobruns_audit_seal_t *seal, jr_line_t *line);


ngx_http_jobruns_audit_file_t *
ngx_http_jobruns_audit_open(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_open_file_t                 *file;
    ngx_http_jobruns_main_conf_t    *jmcf;
    ngx_http_jobruns_audit_file_t  **f;

    file = ngx_conf_open_file(cf->cycle, path);
    if (file == NULL) {
        return NULL;
    }

    if (file->flush == ngx_http_jobruns_audit_on_reopen) {
        return file->data;
    }

    if (file->flush != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is written by another directive too; "
                           "\"jobruns_audit\" needs a file of its own",
                           &file->name);
        return NULL;
    }

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jobruns_module);

    if (jmcf->audit_files.elts == NULL
        && ngx_array_init(&jmcf->audit_files, cf->pool, 1,
                          sizeof(ngx_http_jobruns_audit_file_t *))
           != NGX_OK)
    {
        return NULL;
    }

    f = ngx_array_push(&jmcf->audit_files);
    if (f == NULL) {
        return NULL;
    }

    *f = ngx_pcalloc(cf->pool, sizeof(ngx_http_jobruns_audit_file_t));
    if (*f == NULL) {
        jmcf->audit_files.nelts--;
        return NULL;
    }

    (*f)->file = file;
    (*f)->seal = &jmcf->audit_seal;
    ngx_http_jobruns_audit_sync_init(&(*f)->sync, file, &cf->cycle->new_log);

    file->flush = ngx_http_jobruns_audit_on_reopen;
    file->data = *f;

    return *f;
}


/* ngx_reopen_files() calls it before it opens the file anew and closes the
   old one; in the master too, which writes no records */

static void
ngx_http_jobruns_audit_on_reopen(ngx_open_file_t *file, ngx_log_t *log)
{
    ngx_http_jobruns_audit_file_t  *f;

    f = file->data;

    ngx_http_jobruns_audit_batch_write();

    f->torn = 0;

    ngx_http_jobruns_audit_create(&file->name);
    ngx_http_jobruns_audit_watch_reopening(f);

    ngx_http_jobruns_audit_sync_retire(&f->sync, log);
}


ngx_int_t
ngx_http_jobruns_audit_line(ngx_http_jobruns_audit_file_t *file,
    jr_line_t *line, ngx_syslog_peer_t *peer, ngx_log_t *log)
{
    ngx_http_jobruns_audit_batch_room(file);

    file->peer = peer;

    if (!file->opened
        && ngx_http_jobruns_audit_chain_open(file, log) != NGX_OK)
    {
        ngx_http_jobruns_audit_lost(file);
        return NGX_ERROR;
    }

    ngx_http_jobruns_audit_batch_line(line);

    return NGX_OK;
}


ngx_int_t
ngx_http_jobruns_audit_append(ngx_http_jobruns_audit_file_t *file,
    jr_line_t *line, ngx_msec_t sync, ngx_http_jobruns_audit_wait_t *wait,
    ngx_log_t *log)
{
    ngx_http_jobruns_audit_sealed_t  *record;

    record = ngx_http_jobruns_audit_batch_seal(line, log);

    if (record == NULL) {
        ngx_http_jobruns_audit_lost(file);
        return NGX_ERROR;
    }

    record->sync = sync;
    record->wait = wait;

    return NGX_OK;
}


void ngx_cdecl
ngx_http_jobruns_audit_error(ngx_http_jobruns_audit_file_t *file,
    const char *fmt, ...)
{
    u_char   *last;
    va_list   args;

    va_start(args, fmt);
    last = ngx_vslprintf(file->error_text,
                         file->error_text + NGX_HTTP_JOBRUNS_AUDIT_ERROR, fmt,
                         args);
    va_end(args);

    file->error.data = file->error_text;
    file->error.len = last - file->error_text;
}


static void
ngx_http_jobruns_audit_lost(ngx_http_jobruns_audit_file_t *file)
{
    /* told in the next record that can be written */

    jr_chain_lost(&file->chain);

    ngx_http_jobruns_count(jobruns_count_audit_failures);
}


/* the first record of a chain, when there is a second one */

static ngx_int_t
ngx_http_jobruns_audit_chain_open(ngx_http_jobruns_audit_file_t *file,
    ngx_log_t *log)
{
    u_char    id[JR_CHAIN_ID];
    uint64_t  lost;

    if (ngx_http_jobruns_random_hex(id, sizeof(id), 0) != NGX_OK) {
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "jobruns: no random id for a chain of the audit file "
                      "\"%V\"", &file->file->name);
        return NGX_ERROR;
    }

    lost = file->chain.lost;

    jr_chain_init(&file->chain, (char *) id, file->seal->mac);

    file->chain.lost = lost;

    if (ngx_http_jobruns_audit_chain_record(file,
                    (jr_str_t) jr_str(JR_CHAIN_TYPE_OPEN), log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    file->opened = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jobruns_audit_chain_record(ngx_http_jobruns_audit_file_t *file,
    jr_str_t type, ngx_log_t *log)
{
    jr_line_t                         line;
    jr_chain_t                       *chain;
    ngx_http_jobruns_audit_sealed_t  *record;

    chain = &file->chain;

    ngx_http_jobruns_audit_batch_line(&line);
    ngx_http_jobruns_audit_envelope(&line, type);

    jr_line_string(&line, "eventGroupingId",
                   (jr_str_t) { JR_CHAIN_ID, chain->id });
    jr_line_string(&line, "eventName", (jr_str_t) jr_str("AuditChain"));

    jr_line_object(&line, "additionalDetails");
    jr_line_integer(&line, "format", 1);
    jr_line_string(&line, "algorithm",
                   chain->mac ? (jr_str_t) jr_str("HMAC-SHA-256")
                              : (jr_str_t) jr_str("SHA-256"));
    ngx_http_jobruns_audit_chain_key(file->seal, &line);
    jr_line_string(&line, "host", ngx_http_jobruns_str(ngx_cycle->hostname));
    jr_line_integer(&line, "pid", ngx_pid);
    jr_line_integer(&line, "records", (int64_t) chain->seq);
    jr_line_string(&line, "lastHash",
                   (jr_str_t) { JR_DIGEST_HEX, chain->last });
    jr_line_close(&line, '}');

    jr_line_close(&line, '}');
    jr_line_close(&line, '}');

    record = ngx_http_jobruns_audit_batch_seal(&line, log);

    if (record == NULL) {
        return NGX_ERROR;
    }

    record->own = 1;

    return NGX_OK;
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


ngx_http_jobruns_audit_file_t *
ngx_http_jobruns_audit_next(ngx_http_jobruns_main_conf_t *jmcf, ngx_uint_t *i)
{
    ngx_http_jobruns_audit_file_t  **f;

    /* NULL: there is no http{} */

    if (jmcf == NULL || *i >= jmcf->audit_files.nelts) {
        return NULL;
    }

    f = jmcf->audit_files.elts;

    return f[(*i)++];
}


void
ngx_http_jobruns_audit_close(ngx_cycle_t *cycle)
{
    ngx_uint_t                      i;
    ngx_http_jobruns_main_conf_t   *jmcf;
    ngx_http_jobruns_audit_file_t  *f;

    jmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_jobruns_module);

    for (i = 0; (f = ngx_http_jobruns_audit_next(jmcf, &i)) != NULL; ) {

        ngx_http_jobruns_audit_watch_settle(f);
        ngx_http_jobruns_audit_fold_flush(f);
        ngx_http_jobruns_audit_batch_room(f);

        if (!f->opened) {
            continue;
        }

        (void) ngx_http_jobruns_audit_chain_record(f,
                   (jr_str_t) jr_str(JR_CHAIN_TYPE_CLOSE),
                   cycle->log);
        ngx_http_jobruns_audit_batch_write();
        f->opened = 0;

        ngx_http_jobruns_audit_sync_now(&f->sync, cycle->log);
    }

    for (i = 0; (f = ngx_http_jobruns_audit_next(jmcf, &i)) != NULL; ) {
        ngx_http_jobruns_audit_watch_end(f);
    }
}
