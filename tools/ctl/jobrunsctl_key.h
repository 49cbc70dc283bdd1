/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of "jobrunsctl key check" share.
 */

#ifndef JOBRUNSCTL_KEY_H_INCLUDED
#define JOBRUNSCTL_KEY_H_INCLUDED

#include "jobrunsctl.h"

#include "jr_auth.h"
#include "jr_raw_request.h"


/* a request that is looked at, and what there is to say of it */
typedef struct {
    ctl_t                   *ctl;
    jr_raw_request_t         raw;
    jr_signature_t           s;
    jr_signature_request_t   rq;
    jr_auth_policy_t         policy;
    jr_auth_issuer_t         issuer;
    jr_auth_identity_t       who;
    jr_auth_failure_t        failure;
    int64_t                  now;
    char                    *lines[JR_SIGNATURE_NAMES];
    json_t                  *result;
} ctl_check_t;


/* jobrunsctl_key_lines.c: says in check->result which line differs, where one
   by itself explains that the signature is wrong */
void ctl_key_explain(ctl_check_t *check);


#endif /* JOBRUNSCTL_KEY_H_INCLUDED */
