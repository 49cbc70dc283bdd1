/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A file of keys, read as a whole.
 */

#ifndef JR_AUTH_FILE_H_INCLUDED
#define JR_AUTH_FILE_H_INCLUDED

#include <stddef.h>

#include "jr_status.h"


#define JR_AUTH_FILE_ERROR  512


/*
 * Reads a regular file of at most most bytes; *text is to be free()d.
 * JR_INVALID: it is something else (a folder, a FIFO, which is not waited for),
 * is too large, or cannot be read; error says why.
 */
jr_status_e jr_auth_file_read(const char *path, size_t most, char **text,
    size_t *len, char error[JR_AUTH_FILE_ERROR]);


#endif /* JR_AUTH_FILE_H_INCLUDED */
