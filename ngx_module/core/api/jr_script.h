/*
 * Positions in ARGV of the scripts, from 0: one place for those who write the
 * arguments and those who look at them.  ngx_module/lua/ says what each is.
 */

#ifndef JR_SCRIPT_H_INCLUDED
#define JR_SCRIPT_H_INCLUDED


/* admit.lua; six for each limit follow */
typedef enum {
    JR_ADMIT_OWNER = 0,
    JR_ADMIT_FINGERPRINT,
    JR_ADMIT_REQUEST_ID,
    JR_ADMIT_LEASE,
    JR_ADMIT_LIFE,
    JR_ADMIT_UNKNOWN,
    JR_ADMIT_DEADLINE,
    JR_ADMIT_LIMITS
} jr_admit_arg_e;

#define JR_ADMIT_PER_LIMIT  6


/* settle.lua */
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
    JR_SETTLE_ARGS
} jr_settle_arg_e;


/*
 * A time by Redis' clock, in ms: so many digits, with zeroes in front, so that
 * it can be written where it stands.  Nothing but zeroes is none.
 */
#define JR_SCRIPT_TIME_LEN  16
#define JR_SCRIPT_TIME_NONE "0000000000000000"


#endif /* JR_SCRIPT_H_INCLUDED */
