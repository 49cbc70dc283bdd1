/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is read as a file of keys: a regular one, whole, up to a size.
 */

/* mkdtemp() */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "jr_auth_file.h"


static void
only_regular_files_are_read(void **state)
{
    char    dir[64], path[128], *text, said[JR_AUTH_FILE_ERROR];
    FILE   *file;
    size_t  len;

    (void) state;

    strcpy(dir, "/tmp/jobruns-keys-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/keys", dir);

    assert_int_equal(jr_auth_file_read(path, 100, &text, &len, said),
                     JR_INVALID);
    assert_non_null(strstr(said, "keys\": cannot be read: No such file"));

    file = fopen(path, "w");
    assert_non_null(file);
    fputs("0123456789", file);
    fclose(file);

    assert_int_equal(jr_auth_file_read(path, 100, &text, &len, said), JR_OK);
    assert_int_equal(len, 10);
    assert_memory_equal(text, "0123456789", 10);
    free(text);

    assert_int_equal(jr_auth_file_read(path, 10, &text, &len, said), JR_OK);
    free(text);
    assert_int_equal(jr_auth_file_read(path, 9, &text, &len, said), JR_INVALID);
    assert_non_null(strstr(said, "has more than 9 bytes"));

    /* replaced by a folder, a FIFO, a link to nowhere */

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(jr_auth_file_read(path, 100, &text, &len, said),
                     JR_INVALID);
    assert_non_null(strstr(said, "is not a regular file"));

    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(jr_auth_file_read(path, 100, &text, &len, said),
                     JR_INVALID);
    assert_non_null(strstr(said, "is not a regular file"));

    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("nowhere", path), 0);
    assert_int_equal(jr_auth_file_read(path, 100, &text, &len, said),
                     JR_INVALID);
    assert_int_equal(unlink(path), 0);

    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(jr_auth_file_read(path, 100, &text, &len, said), JR_OK);
    assert_int_equal(len, 0);
    free(text);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);

    /* what says nothing of its size is no regular one either, or is */
    assert_int_equal(jr_auth_file_read("/dev/zero", 100, &text, &len, said),
                     JR_INVALID);
    assert_int_equal(jr_auth_file_read("/proc/self/status", 100, &text, &len,
                                       said), JR_INVALID);
    assert_non_null(strstr(said, "grows while it is read"));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(only_regular_files_are_read)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
