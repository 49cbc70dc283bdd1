/*
 * The nearest id: by editing distance, counting a swap of two neighbours as
 * one change and a different case or "_" for a blank as none.
 */

#include <string.h>

#include "jr_timezone.h"
#include "jr_timezone_ids.h"


/* more changes than this are no slip of the hand */
#define JR_TIMEZONE_CHANGES  3


static void jr_timezone_fold(const char *id, size_t len, char *folded);
static size_t jr_timezone_distance(const char *one, size_t onelen,
    const char *two, size_t twolen, size_t enough);
static size_t jr_timezone_least(size_t a, size_t b);
static const char *jr_timezone_city(const char *folded, size_t len);


const char *
jr_timezone_nearest(const char *id, size_t len)
{
    char         wanted[JR_TIMEZONE_LEN], other[JR_TIMEZONE_LEN];
    size_t       i, n, distance, least;
    const char  *nearest;

    nearest = jr_timezone_of_windows(id, len);

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
    nearest = NULL;

    for (i = 0; i < jr_timezone_ids_n; i++) {
        n = strlen(jr_timezone_ids[i]);

        if (n > len + JR_TIMEZONE_CHANGES || len > n + JR_TIMEZONE_CHANGES) {
            continue;
        }

        jr_timezone_fold(jr_timezone_ids[i], n, other);

        distance = jr_timezone_distance(wanted, len, other, n, least);

        if (distance < least) {
            least = distance;
            nearest = jr_timezone_ids[i];
        }
    }

    return nearest != NULL ? nearest : jr_timezone_city(wanted, len);
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


/*
 * Optimal string alignment, three rows of its table at a time.  Gives up as
 * soon as the distance is known to be enough or more.
 */

static size_t
jr_timezone_distance(const char *one, size_t onelen, const char *two,
    size_t twolen, size_t enough)
{
    size_t  rows[3][JR_TIMEZONE_LEN + 1];
    size_t  i, k, best, *row, *last, *before;

    for (k = 0; k <= twolen; k++) {
        rows[0][k] = k;
    }

    for (i = 1; i <= onelen; i++) {
        row = rows[i % 3];
        last = rows[(i + 2) % 3];
        before = rows[(i + 1) % 3];

        row[0] = i;
        best = i;

        for (k = 1; k <= twolen; k++) {
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
jr_timezone_city(const char *folded, size_t len)
{
    char         other[JR_TIMEZONE_LEN];
    size_t       i, n;
    const char  *id;

    for (i = 0; i < jr_timezone_ids_n; i++) {
        id = jr_timezone_ids[i];

        /* none is NULL:
           NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
        n = strlen(id);

        if (n <= len || id[n - len - 1] != '/') {
            continue;
        }

        jr_timezone_fold(id + n - len, len, other);

        if (memcmp(folded, other, len) == 0) {
            return id;
        }
    }

    return NULL;
}
