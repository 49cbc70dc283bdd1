/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What Windows calls time zones.
 */

#ifndef JR_TIMEZONE_WINDOWS_H_INCLUDED
#define JR_TIMEZONE_WINDOWS_H_INCLUDED

#include <stddef.h>


/*
 * The Java time zone id for a name that Windows uses ("Eastern Standard Time",
 * in any case), or NULL.
 */
const char *jr_timezone_windows_id(const char *name, size_t len);


#endif /* JR_TIMEZONE_WINDOWS_H_INCLUDED */
