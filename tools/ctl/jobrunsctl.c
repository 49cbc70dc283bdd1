/* SPDX-License-Identifier: BSD-2-Clause
 *
 * jobrunsctl: shows and mends one token or one tenant of a gateway, while it
 * runs.  It works on Redis, with the gateway's own names of keys.
 */

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "jobrunsctl.h"
#include "jr_nearest.h"
#include "jr_version.h"


typedef struct {
    const char          *name;
    int                (*run)(ctl_t *ctl, int argc, char **argv);
    const char *const   *verbs;     /* of which one follows; NULL: none does */
    unsigned             redis:1;   /* needs it */
} ctl_verb_t;


static const char *const  ctl_token_verbs[] = {
    "show", "list", "release", "expire", NULL
};

static const char *const  ctl_tenant_verbs[] = {
    "show", "list", "top", "set", "unset", "reset", NULL
};

static const char *const  ctl_key_verbs[] = {
    "list", "check", "add", "revoke", NULL
};


static const ctl_verb_t  ctl_verbs[] = {
    { "token", ctl_token, ctl_token_verbs, 1 },
    { "tenant", ctl_tenant, ctl_tenant_verbs, 1 },
    { "inflight", ctl_inflight, NULL, 1 },
    { "doctor", ctl_doctor, NULL, 1 },
    { "top", ctl_top, NULL, 0 },
    { "explain", ctl_explain, NULL, 0 },
    { "key", ctl_key_verb, ctl_key_verbs, 0 },
    { NULL, NULL, NULL, 0 }
};


static const char  ctl_usage[] =
    "Usage: jobrunsctl [OPTION]... VERB...\n"
    "\n"
    "  token show|release|expire      a token (--hash, or --token and its\n"
    "                                 scope)\n"
    "  token list --unknown           tokens whose outcome is unknown\n"
    "  tenant show                    limits of --tenant: configured or\n"
    "                                 overridden, used, until when\n"
    "  tenant set LIMIT.WHAT VALUE    overrides a value: daily.limit 500\n"
    "  tenant list                    all tenants with overrides\n"
    "  tenant top [N]                 who has used most of which limit (20)\n"
    "  tenant unset LIMIT.WHAT        returns to the configuration\n"
    "  tenant reset LIMIT             sets the usage of the limit to zero\n"
    "  inflight                       attempts in flight, of all or of\n"
    "                                 --tenant\n"
    "  top URL...                     several gateways at once, by their\n"
    "                                 jobruns_status, until q\n"
    "  explain REQUEST-ID FILE...     explains a request from audit files\n"
    "  doctor                         checks whether this Redis is suitable\n"
    "  key list FILE...               prints the keys of key files\n"
    "  key check FILE...              verifies the request of --request, and\n"
    "                                 prints which signed line differs\n"
    "  key add FILE TENANCY/USER PEM-FILE\n"
    "                                 adds a public key to a file\n"
    "  key revoke FILE KEY-ID         sets the state of a key to INACTIVE\n"
    "\n"
    "  --redis 'ADDRESS [OPTION]...'  the parameters of jobruns_redis:\n"
    "                                 \"host:port\", \"unix:/path\",\n"
    "                                 \"sentinel:NAME host:port ...\",\n"
    "                                 \"cluster host:port ...\", and db=,\n"
    "                                 user=, password_file=, tls, tls_ca= ...\n"
    "  --redis-option OPTION          one of these options\n"
    "  --conf FILE                    address, prefix and limits of an\n"
    "                                 nginx.conf\n"
    "  --prefix TEXT                  jobruns_redis_prefix (\"jobruns:\")\n"
    "  --tenant T --principal P --platform ID --workspace KEY --token TEXT\n"
    "                                 the scope of a token; decoded, as the\n"
    "                                 gateway's variables have them\n"
    "  --hash HEX                     a token by its $jobruns_token_hash\n"
    "  --rate N                       creations per second, for doctor\n"
    "  --once                         prints one table, for top; so it does\n"
    "                                 where there is no terminal\n"
    "  --interval SECONDS             between two looks, for top (2)\n"
    "  --ca FILE                      certificates that https: URLs need\n"
    "  --request FILE                 a saved request, for key check (\"-\":\n"
    "                                 standard input)\n"
    "  --signed FILE                  the text that the client signed\n"
    "  --at TIME                      verifies as of this time, not as of the\n"
    "                                 date of the request\n"
    "  --issuer NAME                  the files are the JWKS of this issuer\n"
    "  --min-bits N                   shorter keys are weak (2048)\n"
    "  --not-after TIME               end of validity, for key add\n"
    "  --until today|TIME|+4h         end of an override, for tenant set\n"
    "  --json                         prints JSON\n"
    "  --yes                          does not ask for confirmation\n"
    "  --version                      prints the version\n"
    "\n"
    "Exit status: 0 done, 1 nothing or a problem found, 2 usage, 3 Redis,\n"
    "a gateway or a file cannot be used, 4 not confirmed.\n";


enum {
    ctl_opt_redis = 256, ctl_opt_option, ctl_opt_conf, ctl_opt_prefix,
    ctl_opt_tenant, ctl_opt_principal, ctl_opt_platform, ctl_opt_workspace,
    ctl_opt_token, ctl_opt_hash, ctl_opt_rate, ctl_opt_json, ctl_opt_yes,
    ctl_opt_version, ctl_opt_request, ctl_opt_signed, ctl_opt_at,
    ctl_opt_issuer, ctl_opt_min_bits, ctl_opt_not_after, ctl_opt_until,
    ctl_opt_unknown, ctl_opt_once, ctl_opt_interval, ctl_opt_ca
};


static const struct option  ctl_options[] = {
    { "redis", required_argument, NULL, ctl_opt_redis },
    { "redis-option", required_argument, NULL, ctl_opt_option },
    { "conf", required_argument, NULL, ctl_opt_conf },
    { "prefix", required_argument, NULL, ctl_opt_prefix },
    { "tenant", required_argument, NULL, ctl_opt_tenant },
    { "principal", required_argument, NULL, ctl_opt_principal },
    { "platform", required_argument, NULL, ctl_opt_platform },
    { "workspace", required_argument, NULL, ctl_opt_workspace },
    { "token", required_argument, NULL, ctl_opt_token },
    { "hash", required_argument, NULL, ctl_opt_hash },
    { "rate", required_argument, NULL, ctl_opt_rate },
    { "request", required_argument, NULL, ctl_opt_request },
    { "signed", required_argument, NULL, ctl_opt_signed },
    { "at", required_argument, NULL, ctl_opt_at },
    { "issuer", required_argument, NULL, ctl_opt_issuer },
    { "min-bits", required_argument, NULL, ctl_opt_min_bits },
    { "not-after", required_argument, NULL, ctl_opt_not_after },
    { "until", required_argument, NULL, ctl_opt_until },
    { "unknown", no_argument, NULL, ctl_opt_unknown },
    { "once", no_argument, NULL, ctl_opt_once },
    { "interval", required_argument, NULL, ctl_opt_interval },
    { "ca", required_argument, NULL, ctl_opt_ca },
    { "json", no_argument, NULL, ctl_opt_json },
    { "yes", no_argument, NULL, ctl_opt_yes },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, ctl_opt_version },
    { NULL, 0, NULL, 0 }
};


/* A tenant becomes what stands in keys; a digest form, as keys and records
   show it, is taken as it is. */

static int
ctl_name_tenant(ctl_t *ctl, const char *value)
{
    char      buf[JR_NAME_DIGEST];
    jr_str_t  name;

    name = (jr_str_t) { strlen(value), value };

    if (!jr_key_read_digest(name)
        && jr_identity_name(name, buf, &name) != JR_OK)
    {
        return ctl_fail(CTL_USAGE, "\"%s\" is no tenant", value);
    }

    memcpy(ctl->tenant_name, name.data, name.len);
    ctl->tenant_name[name.len] = '\0';
    ctl->tenant = ctl->tenant_name;

    return CTL_OK;
}


static int
ctl_rate(ctl_t *ctl, const char *value)
{
    char  *end;

    ctl->rate = strtod(value, &end);

    return *end == '\0' && ctl->rate > 0 && ctl->rate <= 1000000
           ? CTL_OK : ctl_fail(CTL_USAGE, "--rate \"%s\": must be creations "
                               "per second, above 0, at most 1000000", value);
}


static int
ctl_min_bits(ctl_t *ctl, const char *value)
{
    long  bits;

    if (ctl_number(value, JR_RSA_BITS_LEAST, JR_RSA_BITS_MOST, &bits)
        != CTL_OK)
    {
        return ctl_fail(CTL_USAGE, "--min-bits \"%s\": from %d to %d are "
                        "possible", value, JR_RSA_BITS_LEAST,
                        JR_RSA_BITS_MOST);
    }

    ctl->min_bits = (unsigned) bits;

    return CTL_OK;
}


static int
ctl_interval(ctl_t *ctl, const char *value)
{
    char  *end;

    ctl->interval = strtod(value, &end);

    return *end == '\0' && ctl->interval >= 0.1 && ctl->interval <= 3600
           ? CTL_OK : ctl_fail(CTL_USAGE, "--interval \"%s\": must be from "
                               "0.1 to 3600 seconds", value);
}


static int
ctl_option(ctl_t *ctl, int option, char *value)
{
    switch (option) {

    case ctl_opt_redis:
        return ctl_redis_line(ctl, value);

    case ctl_opt_option:
        return ctl_redis_option(ctl, value, NULL);

    case ctl_opt_conf:
        return ctl_read_conf(ctl, value);

    case ctl_opt_prefix:
        ctl->prefix = value;
        return CTL_OK;

    case ctl_opt_tenant:
        return ctl_name_tenant(ctl, value);

    case ctl_opt_principal:
        ctl->principal = value;
        return CTL_OK;

    case ctl_opt_platform:
        ctl->platform = value;
        return CTL_OK;

    case ctl_opt_workspace:
        ctl->workspace = value;
        return CTL_OK;

    case ctl_opt_token:
        ctl->token = value;
        return CTL_OK;

    case ctl_opt_hash:
        ctl->hash = value;
        return CTL_OK;

    case ctl_opt_rate:
        return ctl_rate(ctl, value);

    case ctl_opt_request:
        ctl->request = value;
        return CTL_OK;

    case ctl_opt_signed:
        ctl->signed_lines = value;
        return CTL_OK;

    case ctl_opt_at:
        ctl->at_time = value;
        return CTL_OK;

    case ctl_opt_issuer:
        ctl->issuer = value;
        return CTL_OK;

    case ctl_opt_min_bits:
        return ctl_min_bits(ctl, value);

    case ctl_opt_not_after:
        ctl->not_after = value;
        return CTL_OK;

    case ctl_opt_until:
        ctl->until = value;
        return CTL_OK;

    case ctl_opt_unknown:
        ctl->unknown = 1;
        return CTL_OK;

    case ctl_opt_once:
        ctl->once = 1;
        return CTL_OK;

    case ctl_opt_interval:
        return ctl_interval(ctl, value);

    case ctl_opt_ca:
        ctl->ca = value;
        return CTL_OK;

    case ctl_opt_json:
        ctl->json = 1;
        return CTL_OK;

    case ctl_opt_yes:
        ctl->yes = 1;
        return CTL_OK;

    case 'h':
        fputs(ctl_usage, stdout);
        exit(CTL_OK);

    case ctl_opt_version:
        puts("jobrunsctl (jobruns gateway) " JR_VERSION);
        exit(fflush(stdout) == 0 ? CTL_OK : CTL_FAILED);

    default:
        return CTL_USAGE;
    }
}


/* what getopt_long() does not know; a part of two names is not one of them */

static int
ctl_unknown(int option, const char *word)
{
    char  text[512];

    if (option == ':') {
        return ctl_fail(CTL_USAGE, "option \"%s\" needs a value", word);
    }

    jr_nearest_say(text, sizeof(text), "option", word, ctl_options,
                   sizeof(struct option));

    return ctl_fail(CTL_USAGE, "%s", text);
}


/* the verb of argv, and the one behind it where there has to be one; NULL:
   there is none, which is said */

static const ctl_verb_t *
ctl_verb_of(int argc, char **argv)
{
    char               what[32], text[512];
    size_t             i;
    const ctl_verb_t  *verb;

    for (verb = ctl_verbs; verb->name != NULL; verb++) {
        if (strcmp(verb->name, argv[0]) == 0) {
            break;
        }
    }

    if (verb->name == NULL) {
        jr_nearest_say(text, sizeof(text), "verb", argv[0], ctl_verbs,
                       sizeof(ctl_verb_t));
        (void) ctl_fail(CTL_USAGE, "%s", text);
        return NULL;
    }

    if (verb->verbs == NULL) {
        return verb;
    }

    for (i = 0; argc > 1 && verb->verbs[i] != NULL; i++) {
        if (strcmp(verb->verbs[i], argv[1]) == 0) {
            return verb;
        }
    }

    snprintf(what, sizeof(what), "%s verb", verb->name);
    jr_nearest_say(text, sizeof(text), what, argc > 1 ? argv[1] : "",
                   verb->verbs, sizeof(char *));
    (void) ctl_fail(CTL_USAGE, "%s", text);

    return NULL;
}


int
main(int argc, char **argv)
{
    int                rc, option;
    ctl_t              ctl;
    const ctl_verb_t  *verb;

    memset(&ctl, 0, sizeof(ctl));

    ctl.prefix = "jobruns:";
    ctl.timeout = 2;
    ctl.interval = 2;
    ctl.min_bits = 2048;

    opterr = 0;

    while ((option = getopt_long(argc, argv, ":h", ctl_options, NULL)) != -1) {
        rc = option == '?' || option == ':'
             ? ctl_unknown(option, argv[optind - 1])
             : ctl_option(&ctl, option, optarg);

        if (rc != CTL_OK) {
            return rc;
        }
    }

    argc -= optind;
    argv += optind;

    if (argc == 0) {
        fputs(ctl_usage, stderr);
        return CTL_USAGE;
    }

    verb = ctl_verb_of(argc, argv);

    if (verb == NULL) {
        return CTL_USAGE;
    }

    rc = verb->redis ? ctl_connect(&ctl) : CTL_OK;

    if (rc == CTL_OK) {
        rc = verb->run(&ctl, argc - 1, argv + 1);
    }

    if (ctl.redis != NULL) {
        redisFree(ctl.redis);
    }

    if (fflush(stdout) != 0) {
        return ctl_fail(CTL_FAILED, "standard output cannot be written");
    }

    return rc;
}
