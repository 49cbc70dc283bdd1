/* SPDX-License-Identifier: BSD-2-Clause
 * Java time zone ids: checking one against the table and the forms of offsets,
 * and guessing which was meant.
 *
 * The nearest id is by editing distance, counting a swap of two neighbours as
 * one change and a different case or "_" for a blank as none.  Other systems
 * call a time zone by offsets in forms that Java does not take, and by the
 * names of Windows.
 */

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "jr_timezone.h"
#include "jr_timezone_windows.h"


/* more changes than this are no slip of the hand */
#define JR_TIMEZONE_CHANGES  3


typedef struct {
    const char  *name;
    size_t       len;
    uint64_t     letters;       /* of the folded name */
} jr_timezone_id_t;


static int jr_timezone_known(const char *id, size_t len);
static int jr_timezone_zone_offset(const char *id, size_t len);
static int jr_timezone_custom(const char *id, size_t len);
static int jr_timezone_pair(const char *p, int max, int *value);
static size_t jr_timezone_digits(const char *s, size_t len, unsigned *n);
static void jr_timezone_fold(const char *id, size_t len, char *folded);
static uint64_t jr_timezone_letters(const char *folded, size_t len);
static size_t jr_timezone_bits(uint64_t mask);
static size_t jr_timezone_distance(const char *one, size_t onelen,
    const char *two, size_t twolen, size_t enough);
static size_t jr_timezone_least(size_t a, size_t b);
static const char *jr_timezone_city(const char *folded, size_t len,
    uint64_t letters);


static const jr_timezone_id_t  jr_timezone_ids[] = {
#define JR_TIMEZONE(id, letters)  { id, sizeof(id) - 1, letters },
#include "jr_timezone_table.h"
};

#define JR_TIMEZONE_IDS                                                     \
    (sizeof(jr_timezone_ids) / sizeof(jr_timezone_ids[0]))


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
    high = JR_TIMEZONE_IDS;

    while (low < high) {
        mid = (low + high) / 2;

        rc = strncmp(id, jr_timezone_ids[mid].name, len);

        if (rc == 0 && jr_timezone_ids[mid].name[len] == '\0') {
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


size_t
jr_timezone_offset(const char *id, size_t len, char dst[JR_TIMEZONE_OFFSET])
{
    char        sign;
    size_t      n, prefix;
    unsigned    hours, minutes;

    prefix = len > 3 && (strncasecmp(id, "UTC", 3) == 0
                         || strncasecmp(id, "GMT", 3) == 0) ? 3
           : len > 2 && strncasecmp(id, "UT", 2) == 0 ? 2 : 0;

    for (n = 0; n < prefix; n++) {
        dst[n] = (char) (id[n] & ~0x20);
    }

    while (n < len && id[n] == ' ') {
        n++;
    }

    if (n == len || (id[n] != '+' && id[n] != '-')) {
        return 0;
    }

    sign = id[n++];
    id += n;
    len -= n;

    n = jr_timezone_digits(id, len, &hours);
    minutes = 0;

    if (n == 0) {
        return 0;
    }

    if (n > 2) {
        minutes = hours % 100;
        hours /= 100;

    } else if (n < len && (id[n] == ':' || id[n] == '.')) {
        id += n + 1;
        len -= n + 1;

        n = jr_timezone_digits(id, len, &minutes);

        if (n != 2) {
            return 0;
        }
    }

    if (n != len || minutes > 59 || hours * 60 + minutes > 18 * 60) {
        return 0;
    }

    dst[prefix] = sign;
    dst[prefix + 1] = (char) ('0' + hours / 10);
    dst[prefix + 2] = (char) ('0' + hours % 10);
    dst[prefix + 3] = ':';
    dst[prefix + 4] = (char) ('0' + minutes / 10);
    dst[prefix + 5] = (char) ('0' + minutes % 10);
    dst[prefix + 6] = '\0';

    return prefix + 6;
}


/* at most four, else none */

static size_t
jr_timezone_digits(const char *s, size_t len, unsigned *n)
{
    size_t  i;

    *n = 0;

    for (i = 0; i < len && s[i] >= '0' && s[i] <= '9'; i++) {

        if (i == 4) {
            return 0;
        }

        *n = *n * 10 + (unsigned) (s[i] - '0');
    }

    return i;
}


const char *
jr_timezone_nearest(const char *id, size_t len)
{
    char                     wanted[JR_TIMEZONE_LEN], other[JR_TIMEZONE_LEN];
    size_t                   distance, least;
    uint64_t                 mine;
    const char              *nearest;
    const jr_timezone_id_t  *zone, *end;

    nearest = jr_timezone_windows_id(id, len);

    if (nearest != NULL) {
        return nearest;
    }

    if (len < 2 || len > JR_TIMEZONE_LEN) {
        return NULL;
    }

    jr_timezone_fold(id, len, wanted);

    /* one change in three letters leaves nothing of what was meant */

    least = len / 4 < JR_TIMEZONE_CHANGES ? len / 4 + 1
                                          : JR_TIMEZONE_CHANGES + 1;
    mine = jr_timezone_letters(wanted, len);
    end = jr_timezone_ids + JR_TIMEZONE_IDS;
    nearest = NULL;

    for (zone = jr_timezone_ids; zone < end; zone++) {

        /* one change brings at most one letter, and takes at most one away */

        if (zone->len >= len + least || len >= zone->len + least
            || jr_timezone_bits(mine & ~zone->letters) >= least
            || jr_timezone_bits(zone->letters & ~mine) >= least)
        {
            continue;
        }

        jr_timezone_fold(zone->name, zone->len, other);

        distance = jr_timezone_distance(wanted, len, other, zone->len, least);

        if (distance < least) {
            least = distance;
            nearest = zone->name;
        }
    }

    return nearest != NULL ? nearest : jr_timezone_city(wanted, len, mine);
}


static void
jr_timezone_fold(const char *id, size_t len, char *folded)
{
    size_t  i;

    for (i = 0; i < len; i++) {

        if (id[i] >= 'A' && id[i] <= 'Z') {
            folded[i] = (char) (id[i] | 0x20);

        } else {
            folded[i] = id[i] == ' ' ? '_' : id[i];
        }
    }
}


/* a bit for each letter that is there, some letters share one */

static uint64_t
jr_timezone_letters(const char *folded, size_t len)
{
    size_t    i;
    uint64_t  mask;

    mask = 0;

    for (i = 0; i < len; i++) {
        mask |= (uint64_t) 1 << (folded[i] & 63);
    }

    return mask;
}


/* how many are set, without a branch: this runs for each id of the table */

static size_t
jr_timezone_bits(uint64_t mask)
{
    mask -= (mask >> 1) & 0x5555555555555555;
    mask = (mask & 0x3333333333333333) + ((mask >> 2) & 0x3333333333333333);
    mask = (mask + (mask >> 4)) & 0x0f0f0f0f0f0f0f0f;

    return (size_t) ((mask * 0x0101010101010101) >> 56);
}


/*
 * Optimal string alignment, three rows of its table at a time, and of each row
 * what is less than enough away from the diagonal: further cells are at least
 * enough.  Gives up as soon as the distance is known to be enough or more.
 */

static size_t
jr_timezone_distance(const char *one, size_t onelen, const char *two,
    size_t twolen, size_t enough)
{
    size_t  rows[3][JR_TIMEZONE_LEN + 2];
    size_t  i, k, to, best, *row, *last, *before;

    /* "America/" costs nothing */

    while (onelen && twolen && *one == *two) {
        one++;
        two++;
        onelen--;
        twolen--;
    }

    while (onelen && twolen && one[onelen - 1] == two[twolen - 1]) {
        onelen--;
        twolen--;
    }

    for (k = 0; k <= twolen; k++) {
        rows[0][k] = k;
    }

    for (i = 1; i <= onelen; i++) {
        row = rows[i % 3];
        last = rows[(i + 2) % 3];
        before = rows[(i + 1) % 3];

        k = i > enough ? i - enough : 0;
        to = i + enough < twolen ? i + enough : twolen;

        row[k] = k ? enough : i;
        row[to + 1] = enough;
        best = row[k];

        for (k++; k <= to; k++) {
            row[k] = jr_timezone_least(last[k], row[k - 1]) + 1;
            row[k] = jr_timezone_least(row[k], last[k - 1]
                                       + (one[i - 1] != two[k - 1]));

            if (i > 1 && k > 1 && one[i - 1] == two[k - 2]
                && one[i - 2] == two[k - 1])
            {
                row[k] = jr_timezone_least(row[k], before[k - 2] + 1);
            }

            best = jr_timezone_least(best, row[k]);
        }

        /* a swap reaches back two rows, but never below the least of the
           last by more than the change it costs */

        if (best > enough) {
            return best;
        }
    }

    return rows[onelen % 3][twolen];
}


static size_t
jr_timezone_least(size_t a, size_t b)
{
    return a < b ? a : b;
}


/* "Los_Angeles" for America/Los_Angeles */

static const char *
jr_timezone_city(const char *folded, size_t len, uint64_t letters)
{
    char                     other[JR_TIMEZONE_LEN];
    const char              *city;
    const jr_timezone_id_t  *zone, *end;

    end = jr_timezone_ids + JR_TIMEZONE_IDS;

    for (zone = jr_timezone_ids; zone < end; zone++) {

        if (zone->len <= len || (letters & ~zone->letters) != 0) {
            continue;
        }

        city = zone->name + zone->len - len;

        if (city[-1] != '/') {
            continue;
        }

        jr_timezone_fold(city, len, other);

        if (memcmp(folded, other, len) == 0) {
            return zone->name;
        }
    }

    return NULL;
}
