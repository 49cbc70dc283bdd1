/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobruns-audit: verifies and shows the gateway's audit files.
 *
 * It is made of the gateway's own core.
 */

#include <errno.h>
#include <string.h>

#include "jobruns_audit.h"
#include "jr_nearest.h"
#include "jr_version.h"


typedef struct {
    const char   *name;
    int         (*run)(int argc, char **argv);
} audit_command_t;


static int audit_keyid(int argc, char **argv);


static const audit_command_t  audit_commands[] = {
    { "verify", audit_verify },
    { "show", audit_show },
    { "keyid", audit_keyid },
    { NULL, NULL }
};


static int
audit_usage(FILE *out)
{
    fputs("Usage: jobruns-audit verify [OPTION]... FILE...\n"
          "       jobruns-audit show [OPTION]... FILE...\n"
          "       jobruns-audit keyid KEYFILE...\n"
          "\n"
          "  verify  checks that no record was changed, removed, moved or "
          "added, and\n"
          "          reports attempts that began and did not end\n"
          "  show    prints records, filtered, as a table or JSON\n"
          "  keyid   prints the id by which chains name a key\n"
          "\n"
          "  --version  prints the version\n"
          "\n"
          "\"jobruns-audit verify --help\" and \"jobruns-audit show --help\" "
          "list the options.\n"
          "FILE may be \"-\" for standard input, as in\n"
          "\n"
          "  zcat audit.log.*.gz | jobruns-audit verify - audit.log\n",
          out);

    return AUDIT_FAILED;
}


int
main(int argc, char **argv)
{
    int                     rc;
    const audit_command_t  *command;

    if (argc < 2) {
        return audit_usage(stderr);
    }

    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        (void) audit_usage(stdout);
        return AUDIT_OK;
    }

    if (strcmp(argv[1], "--version") == 0) {
        puts("jobruns-audit (jobruns gateway) " JR_VERSION);
        return fflush(stdout) == 0
               ? AUDIT_OK : audit_fail("standard output", strerror(errno));
    }

    for (command = audit_commands; command->name != NULL; command++) {

        if (strcmp(argv[1], command->name) != 0) {
            continue;
        }

        rc = command->run(argc - 1, argv + 1);

        /* output that did not get out is not a verdict */

        return fflush(stdout) == 0 && !ferror(stdout)
               ? rc : audit_fail("standard output", strerror(errno));
    }

    if (argv[1][0] == '-') {
        fprintf(stderr, "jobruns-audit: unknown option \"%s\": options are "
                "behind the command, \"jobruns-audit show --help\"\n",
                argv[1]);
        return AUDIT_FAILED;
    }

    return audit_unknown("command", argv[1], audit_commands,
                         sizeof(audit_command_t));
}


int
audit_unknown(const char *what, const char *word, const void *words,
    size_t stride)
{
    char  text[512];

    jr_nearest_say(text, sizeof(text), what, word, words, stride);
    fprintf(stderr, "jobruns-audit: %s\n", text);

    return AUDIT_FAILED;
}


static int
audit_keyid(int argc, char **argv)
{
    int          i;
    char         id[JR_MAC_ID];
    jr_mac_t    *mac;
    jr_status_e  rc;

    if (argc < 2 || argv[1][0] == '-') {
        return audit_usage(stderr);
    }

    for (i = 1; i < argc; i++) {

        if (audit_key(argv[i], &mac) != AUDIT_OK) {
            return AUDIT_FAILED;
        }

        rc = jr_mac_id(mac, id);
        jr_mac_free(mac);

        if (rc != JR_OK) {
            return audit_fail(argv[i], "out of memory");
        }

        printf("%.*s  %s\n", JR_MAC_ID, id, argv[i]);
    }

    return AUDIT_OK;
}


int
audit_fail(const char *what, const char *why)
{
    fprintf(stderr, "jobruns-audit: %s: %s\n", what, why);

    return AUDIT_FAILED;
}
