/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A request that is built, signed, spoiled and verified.
 */

#ifndef LIB_SIGNED_H_INCLUDED
#define LIB_SIGNED_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include "jr_auth.h"


#define LEN(a)  (sizeof(a) / sizeof((a)[0]))

/* Fri, 27 Nov 2026 03:30:52 GMT */
#define NOW   1795750252

/* the 2048 bit key; ":1024" and ":4096" behind it are others */
#define KEY   "ocid1.tenancy.oc1..t/ocid1.user.oc1..u/4b:cc:0e"

#define PATH  "/20260430/aiDataPlatforms/ocid1.a/workspaces/w/jobRuns"

#define MOST  48

/* all that a POST has to have signed */
#define ALL "date (request-target) host content-length content-type " \
            "x-content-sha256"

/* the parameters of the header, for rq.params */
#define H  "headers=\"%2$s\""
#define K  "keyId=\"" KEY "\""
#define A  "algorithm=\"rsa-sha256\""
#define S  "signature=\"%1$s\""


typedef struct {
    const char     *name;
    const char     *value;
} signed_field_t;

typedef struct {
    const char     *method;
    const char     *target;
    signed_field_t  fields[MOST + 64];
    size_t          n;
    const char     *body;
    size_t          body_len;
    const char     *names;      /* headers="..." */
    const char     *params;     /* the header's, with "%s" for a signature */
    int             get;        /* what a GET needs */
    unsigned        bits;
    int64_t         now;
} signed_rq_t;


/* what is signed, its Authorization, and who verifies it by which rules */
extern signed_rq_t         rq;
extern char               *signed_auth;
extern jr_auth_policy_t    signed_policy;

/* what came of it */
extern jr_auth_identity_t  signed_who;
extern char                signed_reason[JR_AUTH_REASON_MAX];
extern char                signed_message[JR_AUTH_MESSAGE_MAX];


/* cmocka's: makes the keys and the policy, and frees all */
int signed_setup(void **state);
int signed_teardown(void **state);

/* rq is a POST that lacks nothing; its fields are changed by name */
void signed_good(void);
void signed_set(const char *name, const char *value);
void signed_add(const char *name, const char *value);
void signed_unset(const char *name);

/* makes signed_auth */
void signed_sign(void);

/* Verifies; the reason, "" where there is none.  The first keeps what it read
   in *s, as it was before. */
const char *signed_verify_with(jr_signature_t *s);
const char *signed_verify(void);

/* fails unless the reason is want: as it stands, or signed anew; of a good
   request with other parameters, or with other names signed */
void signed_is(const char *want);
void signed_now_is(const char *want);
void params_are(const char *params, const char *want);
void names_are(const char *names, const char *want);


#endif /* LIB_SIGNED_H_INCLUDED */
