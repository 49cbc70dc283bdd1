/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What tells one caller from another where no principal can be read.
 *
 * Such a caller's retry tokens are in a scope that others may share: the
 * tenant's, or the platform's.  The seal is a part of the request's
 * fingerprint, so that a token that somebody else has used is refused there,
 * and nobody is given another's stored response.
 */

#ifndef JR_SEAL_H_INCLUDED
#define JR_SEAL_H_INCLUDED

#include "jr_digest.h"
#include "jr_status.h"
#include "jr_str.h"


/*
 * Seals an Authorization header's value (len 0: there is none) by what
 * identifies its sender and is the same at each retry of a call:
 *
 *   Signature         the raw keyId, however broken the rest is; of several
 *                     keyIds all, however many.  Where it is a session token
 *                     (ST$) with the claims iss and sub: these
 *   Bearer <JWT>      its claims iss and sub, which a renewed token has too
 *   Basic, Bearer     otherwise: scheme and credentials
 *   anything else,    scheme and credentials without the parameters that are
 *   or no keyId       made anew at each try (signature, created, nonce ...),
 *                     unless there is nothing else
 *
 * Never the whole of a signed header: its date and signature differ at each
 * try, and a retry would become another request.  A token from which no iss
 * and sub come is sealed as it is: its retries are known as such until it is
 * renewed, and refused as another caller's from then on.
 *
 * Takes any length, in linear time.  JR_NO_MEMORY: *seal is not set.
 */
jr_status_e jr_seal(jr_str_t authorization, jr_digest_t *seal);


#endif /* JR_SEAL_H_INCLUDED */
