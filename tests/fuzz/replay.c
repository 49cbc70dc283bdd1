/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs one fuzz target over the files of a folder, each as one input, without
 * a fuzzer: what was found once stays found.  Prints TAP.
 *
 *   fuzz_NAME [FILE or FOLDER]...     without any: tests/fuzz/corpus/NAME
 */

/* stat(), opendir() */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "fuzz.h"


static size_t  files;

static void replay(const char *path);
static void replay_folder(const char *path);
static void replay_file(const char *path);


int
main(int argc, char **argv)
{
    int          i;
    char         path[512];
    const char  *name;

    if (argc == 1) {
        name = strrchr(argv[0], '/');
        name = name ? name + 1 : argv[0];

        if (strncmp(name, "fuzz_", 5) == 0) {
            name += 5;
        }

        snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", name);
        replay(path);
    }

    for (i = 1; i < argc; i++) {
        replay(argv[i]);
    }

    printf("%s 1 - %zu inputs\n1..1\n", files ? "ok" : "not ok", files);

    return files ? 0 : 1;
}


static void
replay(const char *path)
{
    struct stat  st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        replay_folder(path);

    } else {
        replay_file(path);
    }
}


static void
replay_folder(const char *path)
{
    DIR            *dir;
    char            name[1024];
    struct dirent  *entry;

    dir = opendir(path);
    if (dir == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }

    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
            replay_file(name);
        }
    }

    closedir(dir);
}


static void
replay_file(const char *path)
{
    FILE    *file;
    long     len;
    size_t   got;
    uint8_t *data;

    file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }

    fseek(file, 0, SEEK_END);
    len = ftell(file);
    rewind(file);

    data = malloc(len ? (size_t) len : 1);
    fuzz_holds(data != NULL && len >= 0);

    got = fread(data, 1, (size_t) len, file);
    fclose(file);

    /* the last line before a crash tells which it was */
    printf("# %s\n", path);
    fflush(stdout);

    LLVMFuzzerTestOneInput(data, got);

    files++;
    free(data);
}
