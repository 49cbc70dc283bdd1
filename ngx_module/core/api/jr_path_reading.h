/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What some server in the chain may read out of a path: see the .c file for
 * the habits that are reckoned with.
 */

#ifndef JR_PATH_READING_H_INCLUDED
#define JR_PATH_READING_H_INCLUDED

#include "jr_str.h"


/*
 * 1 if any reading of the text is the path of createJobRun, else 0.  The text
 * is a path without its query, as it stands in a request line or as NGINX has
 * decoded it ("?" then is a byte like another), or in absolute form
 * ("http://host/path").  One pass over the text, of any length, whatever the
 * habits; allocates nothing.
 */
int jr_path_reading_may_create(jr_str_t text);


#endif /* JR_PATH_READING_H_INCLUDED */
