/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What libcrypto takes for one RSA verification, and nothing around it: the
 * least that authenticating a request can cost.
 *
 *   verify PUBLIC.pem TEXT SIGNATURE N     prints CPU nanoseconds of one
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>


static size_t
verify_read(const char *path, unsigned char *buf, size_t size)
{
    FILE    *file;
    size_t   n;

    file = fopen(path, "rb");

    if (file == NULL) {
        perror(path);
        exit(2);
    }

    n = fread(buf, 1, size, file);
    fclose(file);

    return n;
}


int
main(int argc, char **argv)
{
    long             i, n;
    FILE            *file;
    size_t           text_len, len;
    double           ns;
    unsigned         md_len;
    EVP_PKEY        *key;
    EVP_PKEY_CTX    *ctx;
    unsigned char    text[8192], signature[1024], md[EVP_MAX_MD_SIZE];
    struct timespec  from, to;

    if (argc != 5 || (file = fopen(argv[1], "r")) == NULL) {
        fprintf(stderr, "usage: verify PUBLIC.pem TEXT SIGNATURE N\n");
        return 2;
    }

    key = PEM_read_PUBKEY(file, NULL, NULL, NULL);
    fclose(file);

    text_len = verify_read(argv[2], text, sizeof(text));
    len = verify_read(argv[3], signature, sizeof(signature));
    n = atol(argv[4]);
    ctx = EVP_PKEY_CTX_new(key, NULL);

    if (ctx == NULL || n <= 0
        || EVP_Digest(text, text_len, md, &md_len, EVP_sha256(), NULL) != 1
        || EVP_PKEY_verify_init(ctx) != 1
        || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1
        || EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1)
    {
        return 2;
    }

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);

    for (i = 0; i < n; i++) {
        if (EVP_PKEY_verify(ctx, signature, len, md, md_len) != 1) {
            fprintf(stderr, "verify: not a signature of the text\n");
            return 2;
        }
    }

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);

    ns = (double) (to.tv_sec - from.tv_sec) * 1e9
         + (double) (to.tv_nsec - from.tv_nsec);

    printf("%.0f\n", ns / (double) n);

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);

    return 0;
}
