/*
 * Audit files: a chain for each, one write() for each record, and what is
 * done about a disk that takes none, or half of one.
 *
 * NGINX opens the files and opens them anew on USR1 (ngx_conf_open_file(),
 * ngx_reopen_files()), always with O_APPEND: a write() of a record lands
 * whole behind those of other workers.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_log.h"


/* bytes of the records that open and close a chain */
#define NGX_HTTP_JOBRUNS_AUDIT_CHAIN  1024


static void ngx_http_jobruns_audit_on_reopen(ngx_open_file_t *file,
    ngx_log_t *log);
static ngx_int_t ngx_http_jobruns_audit_chain_open(
    ngx_http_jobruns_audit_file_t *file, ngx_log_t *log);
static ngx_int_t ngx_http_jobruns_audit_chain_record(
    ngx_http_jobruns_audit_file_t *file, jr_str_t type, ngx_log_t *log);
static ngx_int_t ngx_http_jobruns_audit_put(
    ngx_http_jobruns_audit_file_t *file, char *text, size_t len,
    ngx_log_t *log);
static ngx_int_t ngx_http_jobruns_audit_mend(
    ngx_http_jobruns_audit_file_t *file, size_t missing, ssize_t written,
    ngx_log_t *log);


/* the record being written, behind room for a line end that mends the line
   before it */
static char  ngx_http_jobruns_audit_buf[1 + NGX_HTTP_JOBRUNS_AUDIT_RECORD];


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
    (*f)->mac = &jmcf->audit_mac;
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
    f->torn = 0;

    ngx_http_jobruns_audit_sync_retire(&f->sync, log);
}


void
ngx_http_jobruns_audit_line(jr_line_t *line)
{
    jr_line_init(line, ngx_http_jobruns_audit_buf + 1,
                 NGX_HTTP_JOBRUNS_AUDIT_RECORD - JR_CHAIN_TAIL - 1);
}


ngx_int_t
ngx_http_jobruns_audit_append(ngx_http_jobruns_audit_file_t *file,
    jr_line_t *line, ngx_syslog_peer_t *peer, ngx_log_t *log)
{
    ngx_int_t  rc;

    file->peer = peer;

    rc = file->opened ? NGX_OK
                      : ngx_http_jobruns_audit_chain_open(file, log);

    if (rc == NGX_OK) {
        rc = ngx_http_jobruns_audit_put(file, line->start, jr_line_len(line),
                                        log);

    } else {
        /* told in the chain's first record, once it can be written */
        jr_chain_lost(&file->chain);
    }

    ngx_http_jobruns_count(rc == NGX_OK ? jobruns_count_audit_records
                                        : jobruns_count_audit_failures);

    return rc;
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

    jr_chain_init(&file->chain, (char *) id, *file->mac);

    file->chain.lost = lost;

    if (ngx_http_jobruns_audit_chain_record(file,
                    (jr_str_t) jr_str("jobruns-gateway.AuditChain.open"), log)
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
    char          buf[1 + NGX_HTTP_JOBRUNS_AUDIT_CHAIN];
    uint64_t      lost;
    ngx_int_t     rc;
    jr_line_t     line;
    jr_chain_t   *chain;

    chain = &file->chain;

    jr_line_init(&line, buf + 1,
                 NGX_HTTP_JOBRUNS_AUDIT_CHAIN - JR_CHAIN_TAIL - 1);

    ngx_http_jobruns_audit_envelope(&line, type);

    jr_line_string(&line, "eventGroupingId",
                   (jr_str_t) { JR_CHAIN_ID, chain->id });
    jr_line_string(&line, "eventName", (jr_str_t) jr_str("AuditChain"));

    jr_line_object(&line, "additionalDetails");
    jr_line_integer(&line, "format", 1);
    jr_line_string(&line, "algorithm",
                   chain->mac ? (jr_str_t) jr_str("HMAC-SHA-256")
                              : (jr_str_t) jr_str("SHA-256"));
    jr_line_string(&line, "host", ngx_http_jobruns_str(ngx_cycle->hostname));
    jr_line_integer(&line, "pid", ngx_pid);
    jr_line_integer(&line, "records", (int64_t) chain->seq);
    jr_line_string(&line, "lastHash",
                   (jr_str_t) { JR_DIGEST_HEX, chain->last });
    jr_line_close(&line, '}');

    jr_line_close(&line, '}');
    jr_line_close(&line, '}');

    /* a record of the chain itself that fails is tried again, not lost */

    lost = chain->lost;

    rc = ngx_http_jobruns_audit_put(file, line.start, jr_line_len(&line),
                                    log);
    if (rc != NGX_OK) {
        chain->lost = lost;
    }

    return rc;
}


/* appends one line; text[-1] is room, and so is the byte behind the longest
   record */

static ngx_int_t
ngx_http_jobruns_audit_put(ngx_http_jobruns_audit_file_t *file, char *text,
    size_t len, ngx_log_t *log)
{
    char       *from;
    ssize_t     n;
    ngx_int_t   rc;

    if (jr_chain_seal(&file->chain, text, &len) != JR_OK) {
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "jobruns: no memory to hash a record of the audit file "
                      "\"%V\"", &file->file->name);
        jr_chain_lost(&file->chain);
        return NGX_ERROR;
    }

    from = text;
    text[len] = LF;

    if (file->torn) {
        *--from = LF;
    }

    n = ngx_write_fd(file->file->fd, from, text + len + 1 - from);

    if (n == text + len + 1 - from) {
        file->torn = 0;
        rc = NGX_OK;

    } else {
        rc = ngx_http_jobruns_audit_mend(file, text + len + 1 - from - n, n,
                                         log);
    }

    if (rc != NGX_OK) {
        jr_chain_lost(&file->chain);
        return NGX_ERROR;
    }

    jr_chain_written(&file->chain);

    ngx_http_jobruns_audit_sync_note(&file->sync);

    if (file->peer != NULL) {
        ngx_http_jobruns_audit_syslog(file->peer, text, len);
    }

    return NGX_OK;
}


/* not all of a line was written.  NGX_OK: all but its line end was. */

static ngx_int_t
ngx_http_jobruns_audit_mend(ngx_http_jobruns_audit_file_t *file,
    size_t missing, ssize_t written, ngx_log_t *log)
{
    if (written == -1) {
        ngx_http_jobruns_log_fault(log, jobruns_log_audit, NGX_LOG_CRIT,
                                   ngx_errno, "the audit file \"%V\" cannot "
                                   "be written", &file->file->name);
        return NGX_ERROR;
    }

    ngx_http_jobruns_count(jobruns_count_audit_torn);

    ngx_http_jobruns_log_fault(log, jobruns_log_audit_torn, NGX_LOG_CRIT, 0,
                               "only %z of %uz bytes of a record went to the "
                               "audit file \"%V\": is its disk full?",
                               written, written + missing,
                               &file->file->name);

    /* ends the torn line; where even that fails, the next record begins with
       a line end */

    file->torn = (ngx_write_fd(file->file->fd, "\n", 1) != 1);

    return missing == 1 ? NGX_OK : NGX_ERROR;
}


void
ngx_http_jobruns_audit_close(ngx_cycle_t *cycle)
{
    ngx_uint_t                       i;
    ngx_http_jobruns_main_conf_t    *jmcf;
    ngx_http_jobruns_audit_file_t  **f;

    jmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_jobruns_module);
    if (jmcf == NULL) {
        /* no http{} */
        return;
    }

    f = jmcf->audit_files.elts;

    for (i = 0; i < jmcf->audit_files.nelts; i++) {

        if (!f[i]->opened) {
            continue;
        }

        (void) ngx_http_jobruns_audit_chain_record(f[i],
                   (jr_str_t) jr_str("jobruns-gateway.AuditChain.close"),
                   cycle->log);
        f[i]->opened = 0;

        ngx_http_jobruns_audit_sync_now(&f[i]->sync, cycle->log);
    }
}
