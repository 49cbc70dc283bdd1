/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who asks: the tenancy and the principal in an Authorization header of
 * OCI's request signing (draft-cavage-http-signatures-08).
 *
 * Nothing here verifies a signature.  What comes out is for counting and
 * scoping only, never for access.
 */

#ifndef JR_IDENTITY_H_INCLUDED
#define JR_IDENTITY_H_INCLUDED

#include "jr_digest.h"
#include "jr_status.h"
#include "jr_str.h"


/* bounds of what is looked at; a longer value is not understood */
#define JR_AUTHORIZATION_MAX  16384
#define JR_IDENTITY_MAX       255

/* longest plain name, and the form that takes the place of any other value:
   "~" and SHA-256 in hex, which no plain name can be */
#define JR_NAME_MAX           255
#define JR_NAME_DIGEST        (1 + JR_DIGEST_HEX)


typedef struct {
    jr_str_t  tenancy;          /* into the arrays below; len 0: not known */
    jr_str_t  principal;
    jr_str_t  auth_type;        /* "key", "resource", "token" or "" */
    jr_str_t  credential;       /* the keyId, without a token's text */
    jr_str_t  signed_headers;   /* into the header: its headers="..." list */
    char      tenancy_buf[JR_IDENTITY_MAX];
    char      principal_buf[JR_IDENTITY_MAX];
} jr_identity_t;


/*
 * Reads the value of an Authorization header.  keyId forms:
 *   <tenancy>/<user>/<fingerprint>                     principal: the user
 *   resource/v2.1.1|v2.1.2/<tenancy>/<resource>        the resource
 *   ST$<jwt>: claims res_tenant, tenant, opc-tenant; sub
 * JR_INVALID: it is something else or broken, or has two keyIds; tenancy is
 * empty then, the rest is set where it could be read.  JR_NO_MEMORY: nobody
 * knows.  *identity is always initialised.
 */
jr_status_e jr_identity_read(jr_str_t authorization, jr_identity_t *identity);

/*
 * Copies a tenancy or a principal into buf, of JR_IDENTITY_MAX bytes, and sets
 * out to it; 0: value is none, which is 1 to 255 bytes without a control
 * character, and out is not set.  A claim of a token may hold any character as
 * an escape, and a line end would make more of a header than one, where an
 * operator passes the name on.
 */
int jr_identity_take(jr_str_t value, char *buf, jr_str_t *out);

/* Does the signature cover a header?  name in lower case. */
int jr_identity_signs(const jr_identity_t *identity, const char *name);

/* The same of the value of an Authorization header that is not read for any
   more: a keyId, which may be a session token of some KB, is not decoded.
   name begins with a letter. */
int jr_identity_header_signs(jr_str_t authorization, const char *name);

/*
 * A tenant, or what a limit counts by, as it may stand in a Redis key: itself
 * if it is 1 to 255 of [A-Za-z0-9._:-], else "~" and its SHA-256 in hex,
 * written to buf.  Two values never have one name: "~" is of no plain name,
 * and a value that is spelled like a digest form gets a digest of its own.
 */
jr_status_e jr_identity_name(jr_str_t value, char buf[JR_NAME_DIGEST],
    jr_str_t *name);


#endif /* JR_IDENTITY_H_INCLUDED */
