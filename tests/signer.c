/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Signs for tests that send many requests: an openssl for each would cost more
 * than all else.
 *
 *     signer KEY.pem ...
 *
 * reads lines of the number of a key, from 0, a blank and a text in hex, and
 * writes for each its RSA-SHA256 signature in base64 (PKCS#1 v1.5).  It ends
 * with its input.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>


/* a text that is signed, and an RSA signature, in bytes */
#define TEXT  8192
#define SIGN  1024


static EVP_PKEY *
read_key(const char *path)
{
    FILE      *file;
    EVP_PKEY  *key;

    file = fopen(path, "r");
    key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

    if (key == NULL) {
        fprintf(stderr, "signer: \"%s\" is no private key\n", path);
        exit(1);
    }

    fclose(file);

    return key;
}


static size_t
read_hex(const char *hex, unsigned char *text)
{
    size_t    n;
    unsigned  byte;

    for (n = 0; n < TEXT && sscanf(hex + 2 * n, "%2x", &byte) == 1; n++) {
        text[n] = (unsigned char) byte;
    }

    return n;
}


static int
sign(EVP_PKEY *key, const unsigned char *text, size_t len)
{
    int             ok;
    size_t          size;
    EVP_MD_CTX     *ctx;
    unsigned char   signature[SIGN], base64[SIGN * 2];

    size = sizeof(signature);
    ctx = EVP_MD_CTX_new();

    ok = ctx != NULL
         && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1
         && EVP_DigestSign(ctx, signature, &size, text, len) == 1;

    EVP_MD_CTX_free(ctx);

    if (!ok) {
        return 0;
    }

    EVP_EncodeBlock(base64, signature, (int) size);

    return printf("%s\n", (char *) base64) > 0 && fflush(stdout) == 0;
}


int
main(int argc, char **argv)
{
    char           *hex;
    size_t          len;
    unsigned long   n;
    static char     line[2 * TEXT + 32];
    unsigned char   text[TEXT];
    EVP_PKEY      **keys;

    keys = calloc((size_t) argc, sizeof(EVP_PKEY *));

    if (keys == NULL) {
        return 1;
    }

    for (n = 1; n < (unsigned long) argc; n++) {
        keys[n - 1] = read_key(argv[n]);
    }

    while (fgets(line, sizeof(line), stdin) != NULL) {

        n = strtoul(line, &hex, 10);
        len = *hex == ' ' ? read_hex(hex + 1, text) : 0;

        if (n + 1 >= (unsigned long) argc || len == 0
            || !sign(keys[n], text, len))
        {
            fprintf(stderr, "signer: cannot sign: %s", line);
            return 1;
        }
    }

    return 0;
}
