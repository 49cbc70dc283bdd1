/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One member of a JSON object, found without building the object: for
 * answers of the service, which are passed on as they are and from which
 * only a name is wanted.
 */

#ifndef JR_JSON_SKIM_H_INCLUDED
#define JR_JSON_SKIM_H_INCLUDED

#include "jr_str.h"


/*
 * The characters of the first member called name of the object that text is,
 * where its value is a string without escapes; they stay where they are in
 * text.  Members of nested objects do not count.  An empty string where there
 * is no such member, or text is no object.  The text is not validated: what
 * is no JSON yields an empty string or some piece of the text.  Time is
 * linear in text.len.
 */
jr_str_t jr_json_skim_string(jr_str_t text, jr_str_t name);

/* The same, but with escapes, as they are written: "a\u0041" is 7 bytes. */
jr_str_t jr_json_skim_spelled(jr_str_t text, jr_str_t name);


/*
 * Is text one object or array up to its last bracket, with nothing but blanks
 * behind it?  A text that was cut off anywhere before it is not.  Not
 * validated otherwise.  Time is linear in text.len.
 */
int jr_json_skim_ends(jr_str_t text);


#endif /* JR_JSON_SKIM_H_INCLUDED */
