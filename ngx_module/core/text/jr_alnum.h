/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sets of bytes as tables, since texts are looked through byte by byte.
 */

#ifndef JR_ALNUM_H_INCLUDED
#define JR_ALNUM_H_INCLUDED


#define JR_ALNUM_10(c)  [c] = 1, [c + 1] = 1, [c + 2] = 1, [c + 3] = 1,      \
                        [c + 4] = 1, [c + 5] = 1, [c + 6] = 1, [c + 7] = 1,  \
                        [c + 8] = 1, [c + 9] = 1

/* ASCII digits and letters, for the initializer of an array of 256 */
#define JR_ALNUM                                                             \
    JR_ALNUM_10('0'),                                                        \
    JR_ALNUM_10('A'), JR_ALNUM_10('K'), ['U'] = 1, ['V'] = 1, ['W'] = 1,     \
    ['X'] = 1, ['Y'] = 1, ['Z'] = 1,                                         \
    JR_ALNUM_10('a'), JR_ALNUM_10('k'), ['u'] = 1, ['v'] = 1, ['w'] = 1,     \
    ['x'] = 1, ['y'] = 1, ['z'] = 1


#endif /* JR_ALNUM_H_INCLUDED */
