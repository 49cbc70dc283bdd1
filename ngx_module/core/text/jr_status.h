/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Result codes of the core.
 *
 * Every fallible function of core/ returns one of these and puts what it
 * produces into out-parameters that come last; on anything but JR_OK the
 * out-parameters are left untouched unless the function says otherwise.
 */

#ifndef JR_STATUS_H_INCLUDED
#define JR_STATUS_H_INCLUDED


typedef enum {
    JR_OK = 0,
    JR_INVALID,                 /* the input breaks a rule; its sender's
                                   fault */
    JR_NO_MEMORY                /* an allocation failed; nothing was leaked */
} jr_status_e;


#endif /* JR_STATUS_H_INCLUDED */
