/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The file that the module was loaded from.
 */

#ifndef NGX_HTTP_JOBRUNS_MODULE_FILE_H_INCLUDED
#define NGX_HTTP_JOBRUNS_MODULE_FILE_H_INCLUDED

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * For init_module: the first call in the life of the loaded module notes what
 * its file is, later ones (a reload) warn in the log when that has changed.
 */
void ngx_http_jobruns_module_file_init(ngx_log_t *log);

/*
 * Whether the file was replaced, changed or removed since it was loaded.
 * Calls stat(), which is to be called seldom.  A module that is built into
 * NGINX has no file of its own: 0.
 */
ngx_uint_t ngx_http_jobruns_module_file_changed(void);


#endif /* NGX_HTTP_JOBRUNS_MODULE_FILE_H_INCLUDED */
