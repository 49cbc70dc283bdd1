/* SPDX-License-Identifier: BSD-2-Clause
 *
 * RSA's SubjectPublicKeyInfo (RFC 3279, 2.3.1) in DER.
 *
 * libcrypto reads one in 0.4 ms, since it looks for whatever might understand
 * it, and a worker reads all of its keys before its first request.  Where it is
 * in the one form that DER has for it, its two numbers are found here.
 */

#ifndef JR_SPKI_H_INCLUDED
#define JR_SPKI_H_INCLUDED

#include "jr_status.h"
#include "jr_str.h"


/*
 * Sets *n and *e to the bytes of both numbers in der, most significant first.
 * JR_INVALID: der is of another form, which may be a good one for a reader
 * that takes more.
 */
jr_status_e jr_spki_read(jr_str_t der, jr_str_t *n, jr_str_t *e);


#endif /* JR_SPKI_H_INCLUDED */
