/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Positions in KEYS, ARGV and replies of the scripts in ngx_module/lua/, which
 * say what each is: the one list of them.
 *
 * C counts from 0.  The scripts use the same names, and util/embed puts the
 * numbers in their place, from 1 as Lua counts; but what is counted within
 * the values of one limit (jr_limit_..._e), and how many there are (..._LAST),
 * are the same numbers in both.
 */

#ifndef JR_SCRIPT_H_INCLUDED
#define JR_SCRIPT_H_INCLUDED


/* ------------------------------------------------------------ admit.lua */


typedef enum {
    JR_ADMIT_KEY_RECORD = 0,
    JR_ADMIT_KEY_OVERRIDES,
    JR_ADMIT_KEY_LIMITS         /* one for each limit from here on */
} jr_admit_key_e;


typedef enum {
    JR_ADMIT_OWNER = 0,
    JR_ADMIT_FINGERPRINT,
    JR_ADMIT_REQUEST_ID,
    JR_ADMIT_LEASE,
    JR_ADMIT_LIFE,
    JR_ADMIT_UNKNOWN,
    JR_ADMIT_DEADLINE,
    JR_ADMIT_LIMITS             /* jr_limit_arg_e for each from here on */
} jr_admit_arg_e;


typedef enum {
    JR_LIMIT_ARG_KIND = 0,
    JR_LIMIT_ARG_NAME,
    JR_LIMIT_ARG_COUNT,
    JR_LIMIT_ARG_PERIOD,        /* of a quota its window */
    JR_LIMIT_ARG_BURST,
    JR_LIMIT_ARG_MODE,
    JR_LIMIT_ARG_LAST
} jr_limit_arg_e;


/* behind the verdict; limits are the last of each, and may be left out */
typedef enum {
    JR_REPLY_VERDICT = 0,

    JR_FORWARD_BEFORE = 1,
    JR_FORWARD_OVERRIDES,
    JR_FORWARD_LIMITS,          /* jr_limit_reply_e for each from here on */

    JR_LIMITED_INDEX = 1,
    JR_LIMITED_WAIT,
    JR_LIMITED_OVERRIDES,
    JR_LIMITED_LIMITS,

    JR_REPLAY_ANSWER = 1,
    JR_REPLAY_REQUEST_ID,
    JR_REPLAY_LIMITS,

    JR_UNKEPT_LOCATION = 1,
    JR_UNKEPT_RUN_KEY,
    JR_UNKEPT_REQUEST_ID,
    JR_UNKEPT_LIMITS,

    JR_RUNNING_WAIT = 1,
    JR_RUNNING_REQUEST_ID,
    JR_RUNNING_LIMITS,

    JR_MISMATCH_REQUEST_ID = 1,
    JR_MISMATCH_LIMITS,

    JR_REFUSED_REQUEST_ID = 1,
    JR_REFUSED_DAMAGE,
    JR_REFUSED_LIMITS,

    JR_LATE_TIME = 1,
    JR_LATE_LIMITS              /* never there */
} jr_admit_reply_e;


typedef enum {
    JR_LIMIT_REPLY_STATE = 0,
    JR_LIMIT_REPLY_COUNT,
    JR_LIMIT_REPLY_PERIOD,
    JR_LIMIT_REPLY_BURST,
    JR_LIMIT_REPLY_REMAINING,
    JR_LIMIT_REPLY_RESET,
    JR_LIMIT_REPLY_LAST
} jr_limit_reply_e;


/* ------------------------------------------------------------ renew.lua */


typedef enum {
    JR_RENEW_KEY_RECORD = 0,
    JR_RENEW_KEY_LIMITS         /* one for each limit from here on */
} jr_renew_key_e;


typedef enum {
    JR_RENEW_OWNER = 0,
    JR_RENEW_LEASE,
    JR_RENEW_LAST
} jr_renew_arg_e;


/* ----------------------------------------------------------- settle.lua */


typedef enum {
    JR_SETTLE_KEY_RECORD = 0,
    JR_SETTLE_KEY_LIMITS        /* one for each limit from here on */
} jr_settle_key_e;


typedef enum {
    JR_SETTLE_OWNER = 0,
    JR_SETTLE_IS_TOKEN,
    JR_SETTLE_OUTCOME,
    JR_SETTLE_FINGERPRINT,
    JR_SETTLE_REQUEST_ID,
    JR_SETTLE_LIFE,
    JR_SETTLE_ANSWER,
    JR_SETTLE_LOCATION,
    JR_SETTLE_RUN_KEY,
    JR_SETTLE_LEASE,
    JR_SETTLE_DEADLINE,
    JR_SETTLE_LAST
} jr_settle_arg_e;


/* behind the word */
typedef enum {
    JR_REPLY_SETTLED = 0,

    JR_SETTLED_STATE = 1,
    JR_FENCED_STATE = 1,
    JR_EARLY_TIME = 1,

    JR_DONE_ANSWER = 1,
    JR_DONE_LOCATION,
    JR_DONE_RUN_KEY,
    JR_DONE_REQUEST_ID,
    JR_DONE_LAST
} jr_settle_reply_e;


/*
 * A time by Redis' clock, in ms: so many digits, with zeroes in front, so that
 * it can be written where it stands.  Nothing but zeroes is none.
 */
#define JR_SCRIPT_TIME_LEN  16
#define JR_SCRIPT_TIME_NONE "0000000000000000"


#endif /* JR_SCRIPT_H_INCLUDED */
