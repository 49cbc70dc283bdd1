/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The nearest right word to a wrong one, by the fewest letters to be put in,
 * left out or replaced (Wagner and Fischer, 1974).
 */

#include <stdio.h>
#include <string.h>

#include "jr_nearest.h"


/* longer words are compared by so many letters */
#define JR_NEAREST_LEN  40


static const char *jr_nearest_name(const void *words, size_t stride, size_t i);
static size_t jr_nearest_distance(const char *one, size_t len,
    const char *two);
static size_t jr_nearest_least(size_t one, size_t two, size_t three);


void
jr_nearest_say(char *buf, size_t size, const char *what, const char *word,
    const void *words, size_t stride)
{
    size_t       i, len, used, distance, least;
    const char  *name, *nearest, *dashes, *bare;

    dashes = word[0] == '-' ? "--" : "";
    bare = word + strspn(word, "-");
    len = strcspn(bare, word[0] == '-' ? "=" : "");

    nearest = NULL;
    least = len / 3 + 2;

    for (i = 0; (name = jr_nearest_name(words, stride, i)) != NULL; i++) {
        distance = jr_nearest_distance(bare, len, name);

        if (distance < least) {
            least = distance;
            nearest = name;
        }
    }

    used = (size_t) snprintf(buf, size, "unknown %s \"%.*s\": ", what,
                             (int) (bare - word + (ptrdiff_t) len), word);

    if (nearest != NULL && used < size) {
        snprintf(buf + used, size - used, "did you mean \"%s%s\"?", dashes,
                 nearest);
        return;
    }

    for (i = 0; used < size
                && (name = jr_nearest_name(words, stride, i)) != NULL; i++)
    {
        used += (size_t) snprintf(buf + used, size - used, "%s%s%s",
                                  i ? ", " : "there are ", dashes, name);
    }
}


static const char *
jr_nearest_name(const void *words, size_t stride, size_t i)
{
    const char  *name;

    memcpy(&name, (const char *) words + i * stride, sizeof(name));

    return name;
}


static size_t
jr_nearest_least(size_t one, size_t two, size_t three)
{
    one = one < two ? one : two;

    return one < three ? one : three;
}


static size_t
jr_nearest_distance(const char *one, size_t len, const char *two)
{
    size_t  i, k, n, before, above, row[JR_NEAREST_LEN + 1];

    n = strlen(two);
    n = n < JR_NEAREST_LEN ? n : JR_NEAREST_LEN;
    len = len < JR_NEAREST_LEN ? len : JR_NEAREST_LEN;

    for (k = 0; k <= n; k++) {
        row[k] = k;
    }

    for (i = 0; i < len; i++) {
        before = row[0];
        row[0] = i + 1;

        for (k = 0; k < n; k++) {
            above = row[k + 1];
            row[k + 1] = jr_nearest_least(above + 1, row[k] + 1,
                                          before + (one[i] != two[k]));
            before = above;
        }
    }

    return row[n];
}
