/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The version of the gateway, the one place: of the module, its tools and the
 * packages.  `util/release` compares it with CHANGES and debian/changelog.
 */

#ifndef JR_VERSION_H_INCLUDED
#define JR_VERSION_H_INCLUDED


#define JR_VERSION  "1.0.0"


#endif /* JR_VERSION_H_INCLUDED */
