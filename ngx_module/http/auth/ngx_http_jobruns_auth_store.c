/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Files of public keys, as a worker has them.
 *
 *   store -> files   of the configuration, and stamps of what was read of them
 *         -> keys    the set in use; a request holds nothing of it across a
 *                    turn of the event loop
 *         -> load    the next set, while a thread reads it: the thread's
 *
 * A file is read in the thread pool: a key in PEM takes 25 us, and a file of
 * some thousand does not hold up the event loop.  Where there is none, it is
 * read at once.
 */

#include "ngx_http_jobruns.h"
#include "ngx_http_jobruns_auth_read.h"
#include "ngx_http_jobruns_auth_store.h"
#include "ngx_http_jobruns_log.h"


/* ms */
#define NGX_HTTP_JOBRUNS_AUTH_EVERY  3000


struct ngx_http_jobruns_auth_store_s {
    jr_auth_keys_kind_e             kind;
    ngx_array_t                     files;    /* of ngx_str_t */
    ngx_http_jobruns_auth_stamp_t  *stamps;   /* of what was read last, good or
                                                 not */
    jr_auth_keys_t                 *keys;     /* NULL: none were good yet */
    ngx_event_t                     timer;
    unsigned                        reading:1;
    unsigned                        again:1;  /* the files could not be read */
    char                            error[NGX_HTTP_JOBRUNS_AUTH_ERROR];
                                              /* of the last files; "": none */
};


/* one reading, and where it is done */
typedef struct {
    ngx_http_jobruns_auth_load_t    load;
    ngx_http_jobruns_auth_store_t  *store;    /* not for the thread */
#if (NGX_THREADS)
    ngx_thread_task_t               task;
#endif
} ngx_http_jobruns_auth_reading_t;


/* of this worker */
static struct {
    uint64_t            generation;
    jr_auth_cache_t    *cache;
#if (NGX_THREADS)
    ngx_thread_pool_t  *pool;           /* NULL: there is none */
#endif
} ngx_http_jobruns_auth;


static ngx_int_t ngx_http_jobruns_auth_store_names(ngx_conf_t *cf,
    ngx_http_jobruns_auth_store_t *store, ngx_str_t *names, ngx_uint_t n);
static ngx_int_t ngx_http_jobruns_auth_store_check(ngx_conf_t *cf,
    ngx_http_jobruns_auth_store_t *store);
static void ngx_http_jobruns_auth_store_cleanup(void *data);
static void ngx_http_jobruns_auth_on_look(ngx_event_t *ev);
static ngx_uint_t ngx_http_jobruns_auth_store_changed(
    ngx_http_jobruns_auth_store_t *store);
static void ngx_http_jobruns_auth_store_read(
    ngx_http_jobruns_auth_store_t *store, ngx_uint_t now);
static ngx_http_jobruns_auth_reading_t *ngx_http_jobruns_auth_reading(
    ngx_http_jobruns_auth_store_t *store);
static void ngx_http_jobruns_auth_store_take(
    ngx_http_jobruns_auth_reading_t *reading);
static void ngx_http_jobruns_auth_store_broken(
    ngx_http_jobruns_auth_store_t *store, const char *error);
static void ngx_http_jobruns_auth_store_good(
    ngx_http_jobruns_auth_store_t *store, jr_auth_keys_t *keys);
static ngx_uint_t ngx_http_jobruns_auth_store_active(
    const jr_auth_keys_t *keys);

#if (NGX_THREADS)
static void ngx_http_jobruns_auth_read_task(void *data, ngx_log_t *log);
static void ngx_http_jobruns_auth_on_read(ngx_event_t *ev);
#endif


ngx_http_jobruns_auth_store_t *
ngx_http_jobruns_auth_store_add(ngx_conf_t *cf, ngx_array_t *stores,
    jr_auth_keys_kind_e kind, ngx_str_t *names, ngx_uint_t n)
{
    ngx_pool_cleanup_t              *cln;
    ngx_http_jobruns_auth_store_t   *store, **added;

    store = ngx_pcalloc(cf->pool, sizeof(ngx_http_jobruns_auth_store_t));
    added = ngx_array_push(stores);
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (store == NULL || added == NULL || cln == NULL) {
        return NULL;
    }

    *added = store;
    store->kind = kind;

    cln->handler = ngx_http_jobruns_auth_store_cleanup;
    cln->data = store;

    if (ngx_http_jobruns_auth_store_names(cf, store, names, n) != NGX_OK
        || ngx_http_jobruns_auth_store_check(cf, store) != NGX_OK)
    {
        return NULL;
    }

    return store;
}


static ngx_int_t
ngx_http_jobruns_auth_store_names(ngx_conf_t *cf,
    ngx_http_jobruns_auth_store_t *store, ngx_str_t *names, ngx_uint_t n)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    store->stamps = ngx_pcalloc(cf->pool,
                                n * sizeof(ngx_http_jobruns_auth_stamp_t));

    if (store->stamps == NULL
        || ngx_array_init(&store->files, cf->pool, n, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        name = ngx_array_push(&store->files);
        if (name == NULL) {
            return NGX_ERROR;
        }

        *name = names[i];

        if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* reads the files, and forgets what was read: each worker reads for itself */

static ngx_int_t
ngx_http_jobruns_auth_store_check(ngx_conf_t *cf,
    ngx_http_jobruns_auth_store_t *store)
{
    ngx_int_t                         rc;
    ngx_http_jobruns_auth_load_t     *load;
    ngx_http_jobruns_auth_reading_t  *reading;

    reading = ngx_http_jobruns_auth_reading(store);
    if (reading == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;
    load = &reading->load;
    ngx_http_jobruns_auth_read_files(load);

    if (load->keys == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "keys of \"%V\": %s",
                           (ngx_str_t *) cf->args->elts, load->error);
        rc = NGX_ERROR;

    } else if (ngx_http_jobruns_auth_store_active(load->keys) == 0) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%V\" has no active key: nobody is authenticated "
                           "by it", (ngx_str_t *) store->files.elts);
    }

    jr_auth_keys_free(load->keys);
    ngx_free(reading);

    return rc;
}


/* what a worker had of the configuration goes with it */

static void
ngx_http_jobruns_auth_store_cleanup(void *data)
{
    ngx_http_jobruns_auth_store_t  *store = data;

    if (store->timer.timer_set) {
        ngx_del_timer(&store->timer);
    }

    jr_auth_keys_free(store->keys);
    store->keys = NULL;
}


ngx_array_t *
ngx_http_jobruns_auth_store_files(ngx_http_jobruns_auth_store_t *store)
{
    return &store->files;
}


void
ngx_http_jobruns_auth_store_start(ngx_array_t *stores, ngx_cycle_t *cycle)
{
    ngx_uint_t                       i;
    ngx_http_jobruns_auth_store_t  **store;

#if (NGX_THREADS)
    static ngx_str_t  name = ngx_string("default");

    /* that of ngx_http_jobruns_body_thread_init(), and looked up as there */

    ngx_http_jobruns_auth.pool = ngx_thread_pool_get(cycle, &name);
#endif

    store = stores->elts;

    for (i = 0; i < stores->nelts; i++) {

        store[i]->timer.handler = ngx_http_jobruns_auth_on_look;
        store[i]->timer.data = store[i];
        store[i]->timer.log = cycle->log;
        store[i]->timer.cancelable = 1;

        ngx_http_jobruns_auth_store_read(store[i], 1);

        ngx_add_timer(&store[i]->timer, NGX_HTTP_JOBRUNS_AUTH_EVERY);

        if (store[i]->kind == JR_AUTH_KEYS_OF_ISSUER
            && ngx_http_jobruns_auth.cache == NULL)
        {
            ngx_http_jobruns_auth.cache = jr_auth_cache_create();
        }
    }
}


static void
ngx_http_jobruns_auth_on_look(ngx_event_t *ev)
{
    ngx_http_jobruns_auth_store_t  *store;

    store = ev->data;

    if (!store->reading
        && (store->again || ngx_http_jobruns_auth_store_changed(store)))
    {
        ngx_http_jobruns_auth_store_read(store, 0);
    }

    ngx_add_timer(ev, NGX_HTTP_JOBRUNS_AUTH_EVERY);
}


static ngx_uint_t
ngx_http_jobruns_auth_store_changed(ngx_http_jobruns_auth_store_t *store)
{
    ngx_str_t   *path;
    ngx_uint_t   i;

    path = store->files.elts;

    for (i = 0; i < store->files.nelts; i++) {
        if (ngx_http_jobruns_auth_read_same(&path[i], &store->stamps[i])
            != NGX_OK)
        {
            return 1;
        }
    }

    return 0;
}


/* now: the worker has no keys, and waits for them */

static void
ngx_http_jobruns_auth_store_read(ngx_http_jobruns_auth_store_t *store,
    ngx_uint_t now)
{
    ngx_http_jobruns_auth_reading_t  *reading;

    reading = ngx_http_jobruns_auth_reading(store);

    if (reading == NULL) {
        store->again = 1;
        ngx_http_jobruns_auth_store_broken(store, "no memory for keys");
        return;
    }

#if (NGX_THREADS)

    if (!now && ngx_http_jobruns_auth.pool != NULL) {
        reading->task.ctx = reading;
        reading->task.handler = ngx_http_jobruns_auth_read_task;
        reading->task.event.handler = ngx_http_jobruns_auth_on_read;
        reading->task.event.data = reading;
        reading->task.event.log = ngx_cycle->log;

        if (ngx_thread_task_post(ngx_http_jobruns_auth.pool, &reading->task)
            != NGX_OK)
        {
            /* its queue is full: at the next look */
            store->again = 1;
            ngx_free(reading);
            return;
        }

        store->reading = 1;
        return;
    }

#endif

    (void) now;

    ngx_http_jobruns_auth_read_files(&reading->load);
    ngx_http_jobruns_auth_store_take(reading);
}


static ngx_http_jobruns_auth_reading_t *
ngx_http_jobruns_auth_reading(ngx_http_jobruns_auth_store_t *store)
{
    size_t                            size;
    ngx_http_jobruns_auth_reading_t  *reading;

    size = store->files.nelts * sizeof(ngx_http_jobruns_auth_stamp_t);

    reading = ngx_calloc(sizeof(ngx_http_jobruns_auth_reading_t) + size,
                         ngx_cycle->log);

    if (reading != NULL) {
        reading->store = store;
        reading->load.kind = store->kind;
        reading->load.files = &store->files;
        reading->load.stamps = (ngx_http_jobruns_auth_stamp_t *)
                               (reading + 1);
    }

    return reading;
}


#if (NGX_THREADS)

/* in a thread */

static void
ngx_http_jobruns_auth_read_task(void *data, ngx_log_t *log)
{
    ngx_http_jobruns_auth_reading_t  *reading = data;

    (void) log;

    ngx_http_jobruns_auth_read_files(&reading->load);
}


static void
ngx_http_jobruns_auth_on_read(ngx_event_t *ev)
{
    ngx_http_jobruns_auth_reading_t  *reading;

    reading = ev->data;
    reading->store->reading = 0;

    ngx_http_jobruns_auth_store_take(reading);
}

#endif


/* the files were read, to whatever end */

static void
ngx_http_jobruns_auth_store_take(ngx_http_jobruns_auth_reading_t *reading)
{
    ngx_http_jobruns_auth_store_t  *store;

    store = reading->store;

    ngx_memcpy(store->stamps, reading->load.stamps,
               store->files.nelts * sizeof(ngx_http_jobruns_auth_stamp_t));

    store->again = reading->load.again;

    if (reading->load.keys != NULL) {
        ngx_http_jobruns_auth_store_good(store, reading->load.keys);

    } else {
        ngx_http_jobruns_auth_store_broken(store, reading->load.error);
    }

    ngx_free(reading);
}


/* one line for each fault, however often it is met */

static void
ngx_http_jobruns_auth_store_broken(ngx_http_jobruns_auth_store_t *store,
    const char *error)
{
    if (store->error[0] == '\0') {
        ngx_http_jobruns_worker.auth_broken++;
    }

    if (ngx_strcmp(store->error, error) == 0) {
        return;
    }

    (void) ngx_cpystrn((u_char *) store->error, (u_char *) error,
                       sizeof(store->error));

    ngx_http_jobruns_count(jobruns_count_auth_keys_failures);

    ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                  "jobruns: keys cannot be read: %s; %s", error,
                  store->keys != NULL
                  ? "the keys that were read before stay in use"
                  : "requests that need them get 503 until they can");
}


static void
ngx_http_jobruns_auth_store_good(ngx_http_jobruns_auth_store_t *store,
    jr_auth_keys_t *keys)
{
    size_t      n;
    ngx_uint_t  active, level;

    if (store->error[0] != '\0') {
        store->error[0] = '\0';
        ngx_http_jobruns_worker.auth_broken--;
    }

    (void) jr_auth_keys_all(keys, &n);
    active = ngx_http_jobruns_auth_store_active(keys);

    level = active ? NGX_LOG_INFO : NGX_LOG_WARN;

    ngx_log_error(level, ngx_cycle->log, 0,
                  "jobruns: %ui active keys of %uz from \"%V\" and %ui more "
                  "files are in use", active, n,
                  (ngx_str_t *) store->files.elts, store->files.nelts - 1);

    jr_auth_keys_free(store->keys);
    store->keys = keys;

    /* also of tokens that were verified by them */

    ngx_http_jobruns_auth.generation++;
}


static ngx_uint_t
ngx_http_jobruns_auth_store_active(const jr_auth_keys_t *keys)
{
    size_t                i, n;
    ngx_uint_t            active;
    const jr_auth_key_t  *key;

    active = 0;
    key = jr_auth_keys_all(keys, &n);

    for (i = 0; i < n; i++) {
        active += key[i].active;
    }

    return active;
}


const jr_auth_keys_t *
ngx_http_jobruns_auth_store_keys(ngx_http_jobruns_auth_store_t *store)
{
    return store != NULL ? store->keys : NULL;
}


uint64_t
ngx_http_jobruns_auth_store_generation(void)
{
    return ngx_http_jobruns_auth.generation;
}


jr_auth_cache_t *
ngx_http_jobruns_auth_store_cache(void)
{
    return ngx_http_jobruns_auth.cache;
}
