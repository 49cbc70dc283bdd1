/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Issuers of session tokens, with their keys.
 */

#ifndef LIB_ISSUERS_H_INCLUDED
#define LIB_ISSUERS_H_INCLUDED

#include "jr_auth_token.h"


#define ISSUERS  2

/* what a good token says at NOW, a minute before its end */
#define NOW     1795750252

#define HEADER  "{\"kid\":\"k1\",\"alg\":\"RS256\"}"

#define CLAIMS  "\"iss\":\"issuer\",\"exp\":1795750312,\"tenant\":\"t1\"," \
                "\"sub\":\"s1\""


/* "another" and "issuer", with the keys k1, weak, old (INACTIVE) and past (its
   end is NOW) */
extern jr_auth_issuer_t  issuers[ISSUERS];


/* for a group of tests */
int issuers_start(void **state);
int issuers_stop(void **state);


#endif /* LIB_ISSUERS_H_INCLUDED */
