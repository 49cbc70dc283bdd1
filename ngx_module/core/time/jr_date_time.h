/* SPDX-License-Identifier: BSD-2-Clause
 *
 * date-time of RFC 3339, section 5.6.
 */

#ifndef JR_DATE_TIME_H_INCLUDED
#define JR_DATE_TIME_H_INCLUDED

#include <stddef.h>


int jr_date_time_check(const char *data, size_t len);


#endif /* JR_DATE_TIME_H_INCLUDED */
