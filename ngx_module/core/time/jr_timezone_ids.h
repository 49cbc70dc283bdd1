/*
 * The table of jr_timezone_table.h.  Internal to jr_timezone*.c.
 */

#ifndef JR_TIMEZONE_IDS_H_INCLUDED
#define JR_TIMEZONE_IDS_H_INCLUDED

#include <stddef.h>


/* no id is longer, and a wrong one that is means none of them */
#define JR_TIMEZONE_LEN  48


extern const char *const  jr_timezone_ids[];    /* sorted by bytes */
extern const size_t       jr_timezone_ids_n;


#endif /* JR_TIMEZONE_IDS_H_INCLUDED */
