/*
 * Checking a Java time zone id: the table, then the forms of offsets.
 */

#include <string.h>

#include "jr_timezone.h"
#include "jr_timezone_ids.h"


static int jr_timezone_known(const char *id, size_t len);
static int jr_timezone_zone_offset(const char *id, size_t len);
static int jr_timezone_custom(const char *id, size_t len);
static int jr_timezone_pair(const char *p, int max, int *value);


const char *const  jr_timezone_ids[] = {
#include "jr_timezone_table.h"
};

const size_t  jr_timezone_ids_n = sizeof(jr_timezone_ids)
                                  / sizeof(jr_timezone_ids[0]);


jr_status_e
jr_timezone_check(const char *id, size_t len)
{
    size_t              i, n;
    static const char  *prefixes[] = { "UTC", "GMT", "UT", "" };

    if (jr_timezone_known(id, len) || jr_timezone_custom(id, len)
        || (len == 1 && id[0] == 'Z')
        || (len == 2 && memcmp(id, "UT", 2) == 0))
    {
        return JR_OK;
    }

    for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        n = strlen(prefixes[i]);

        if (len > n && memcmp(id, prefixes[i], n) == 0
            && jr_timezone_zone_offset(id + n, len - n))
        {
            return JR_OK;
        }
    }

    return JR_INVALID;
}


static int
jr_timezone_known(const char *id, size_t len)
{
    int     rc;
    size_t  low, high, mid;

    if (len == 0 || memchr(id, '\0', len) != NULL) {
        return 0;
    }

    low = 0;
    high = jr_timezone_ids_n;

    while (low < high) {
        mid = (low + high) / 2;

        rc = strncmp(id, jr_timezone_ids[mid], len);

        if (rc == 0 && jr_timezone_ids[mid][len] == '\0') {
            return 1;
        }

        /* equal so far, but the id of the table goes on */

        if (rc <= 0) {
            high = mid;

        } else {
            low = mid + 1;
        }
    }

    return 0;
}


/*
 * java.time.ZoneOffset.of(): +h, +hh, +hh:mm, +hhmm, +hh:mm:ss or +hhmmss,
 * no further than 18 hours from UTC.
 */

static int
jr_timezone_zone_offset(const char *id, size_t len)
{
    int     hour, minute, second;
    size_t  colon;

    if (id[0] != '+' && id[0] != '-') {
        return 0;
    }

    if (len == 2) {
        return id[1] >= '0' && id[1] <= '9';
    }

    minute = 0;
    second = 0;
    colon = len > 3 && id[3] == ':';

    if (len != 3 && len != 5 + colon && len != 7 + 2 * colon) {
        return 0;
    }

    if (!jr_timezone_pair(id + 1, 18, &hour)
        || (len > 3 && !jr_timezone_pair(id + 3 + colon, 59, &minute)))
    {
        return 0;
    }

    if (len >= 7 + colon
        && ((colon && id[6] != ':')
            || !jr_timezone_pair(id + 5 + 2 * colon, 59, &second)))
    {
        return 0;
    }

    return hour < 18 || (minute == 0 && second == 0);
}


/*
 * java.util.TimeZone, custom ids: GMT, a sign, then h, hh, hmm, hhmm, h:mm
 * or hh:mm, to 23:59.  Its parser also takes more zeros in front.
 */

static int
jr_timezone_custom(const char *id, size_t len)
{
    size_t    i, digits, colons;
    unsigned  hours, n;

    if (len < 5 || memcmp(id, "GMT", 3) != 0
        || (id[3] != '+' && id[3] != '-'))
    {
        return 0;
    }

    hours = 0;
    n = 0;
    digits = 0;
    colons = 0;

    for (i = 4; i < len; i++) {

        if (id[i] == ':') {
            if (colons++ > 0 || digits > 2) {
                return 0;
            }

            hours = n;
            n = 0;
            digits = 0;
            continue;
        }

        if (id[i] < '0' || id[i] > '9' || n > 9999) {
            return 0;
        }

        n = n * 10 + (unsigned) (id[i] - '0');
        digits++;
    }

    if (colons > 0) {
        return digits == 2 && hours <= 23 && n <= 59;
    }

    return digits <= 2 ? n <= 23 : n / 100 <= 23 && n % 100 <= 59;
}


static int
jr_timezone_pair(const char *p, int max, int *value)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') {
        return 0;
    }

    *value = (p[0] - '0') * 10 + (p[1] - '0');

    return *value <= max;
}


void
jr_timezone_explain(const char *id, size_t len, jr_text_t *t)
{
    char         offset[JR_TIMEZONE_OFFSET];
    const char  *nearest;

    jr_text_str(t, "must be a Java time zone id such as US/Pacific, UTC or"
                " GMT+05:30, found ");
    jr_text_found(t, id, len);

    nearest = jr_timezone_offset(id, len, offset)
              ? offset : jr_timezone_nearest(id, len);

    if (nearest != NULL) {
        jr_text_str(t, ", did you mean ");
        jr_text_str(t, nearest);
        jr_text_str(t, "?");
    }
}
