/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What was signed: a line for each name of headers="...", "name: value", in
 * its order (draft-cavage-http-signatures-08, 2.3).
 */

#ifndef JR_SIGNING_H_INCLUDED
#define JR_SIGNING_H_INCLUDED

#include "jr_signature.h"


/*
 * The SHA-256 of what was signed.  length is that of the body, for
 * s->waits; else it is not looked at.
 */
jr_status_e jr_signing_digest(const jr_signature_t *s,
    const jr_signature_request_t *rq, int64_t length, jr_digest_t *md);

/*
 * Writes the line i (below s->nlines) of what was signed, without the line end
 * between lines, piece by piece.  Stops at what put() returns but JR_OK.
 */
typedef jr_status_e (*jr_signing_put_pt)(void *data, const char *text,
    size_t len);

jr_status_e jr_signing_line(const jr_signature_t *s,
    const jr_signature_request_t *rq, unsigned i, int64_t length,
    jr_signing_put_pt put, void *data);


#endif /* JR_SIGNING_H_INCLUDED */
