/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the scripts in ngx_module/lua/ and C share: positions in KEYS and ARGV,
 * and the layout of all that is packed, which is defined here alone.
 *
 * The scripts use the same names, and util/embed puts values in their place:
 * a position counts from 0 in C, and from 1 in Lua; a string and a ..._LAST
 * are the same in both.
 *
 * A layout is a format of struct.pack() in Lua and of jr_pack.h in C: numbers
 * are big-endian, I7 holds all below 2^53, c<n> are so many bytes, and a
 * number right before c0 is the length of that text.  The enum beside it names
 * its values in their order, for C.
 */

#ifndef JR_SCRIPT_H_INCLUDED
#define JR_SCRIPT_H_INCLUDED


/* the first byte of every value, argument and reply that is packed */
#define JR_SCRIPT_FORMAT  "1"


/* ------------------------------------------------------------- a record */


/*
 * The head: format, state, flags, end and length of the lease in ms, end of
 * the record and when it was claimed in ms, owner, version of the fingerprint
 * and the fingerprint, bytes of the whole head, bytes of the first attempt's
 * request id; then the ids of the first attempt and of the owner, the second
 * one empty where they are the same.
 *
 *   +--------------------------+----------+-------+---------------------+
 *   | JR_RECORD_HEAD, 81 bytes | first id |  id   | tail                |
 *   +--------------------------+----------+-------+---------------------+
 *   |<------------- bytes of the head ----------->|
 *
 * The tail of a claim is what was consumed: a word for each limit, in order,
 * with a blank between: "r", "r:<ms of its turn>" where that was to come,
 * "q:<first second of the window>", "c", or "-".
 * That of a done token is JR_DONE, then the stored response (jr_answer.h), or
 * nothing where none is stored.  An unknown token has no tail.
 */
#define JR_RECORD_HEAD      ">c1c1BI7I4I7I7c16Bc32I2I2"
#define JR_RECORD_SIZE      81
#define JR_RECORD_FRONT     ">c1c1BI7I4I7I7"    /* what is before the owner */

/* places, from 1: flags, the end, the owner and where that ends */
#define JR_RECORD_FLAGS_AT   3
#define JR_RECORD_END_AT     15
#define JR_RECORD_OWNER_AT   29
#define JR_RECORD_OWNER_END  44

typedef enum {
    JR_RECORD_FORMAT = 0,
    JR_RECORD_STATE,                /* one of JR_STATE_... */
    JR_RECORD_FLAGS,
    JR_RECORD_LEASE_END,
    JR_RECORD_LEASE,
    JR_RECORD_END,
    JR_RECORD_BEGIN,
    JR_RECORD_OWNER,
    JR_RECORD_VERSION,
    JR_RECORD_FINGERPRINT,
    JR_RECORD_HEAD_LEN,
    JR_RECORD_FIRST_LEN,
    JR_RECORD_LAST
} jr_record_e;

#define JR_STATE_CLAIMED  "c"
#define JR_STATE_DONE     "d"
#define JR_STATE_UNKNOWN  "u"

/* the only flag: claimed while the outcome was unknown */
#define JR_RECORD_RETRY   1

/* the first bytes of the SHA-256 of all that is behind them; location, "" where
   the response has it, and key of the run */
#define JR_DONE      ">c8I2c0I2c0"
#define JR_DONE_SUM_LEN  8

typedef enum {
    JR_DONE_SUM = 0,
    JR_DONE_LOCATION,
    JR_DONE_RUN_KEY,
    JR_DONE_LAST
} jr_done_e;


/* ----------------------------------------------------------- counters */


/*
 * All counters of a tenant by one key: JR_SCRIPT_FORMAT, then for each a tag
 * and three numbers.  The tag is the kind of limit ("r" a rate, "q" a quota),
 * the first letter of its window ("-" without one), a byte with the length of
 * its name, the name.  The numbers: when there is nothing left of it, in ms;
 * and
 *   rate   when it was last added to, in us; the backlog then, a request
 *          being JR_RATE_REQUEST
 *   quota  first second of the window; how many are used
 */
#define JR_COUNTER       ">I7I7I7"
#define JR_COUNTER_SIZE  21

typedef enum {
    JR_COUNTER_END = 0,
    JR_COUNTER_SINCE,
    JR_COUNTER_COUNT,
    JR_COUNTER_LAST
} jr_counter_e;


/* ------------------------------------------------------------- a limit */


/*
 * As all scripts are given it: its key, from 1, among those of limits; one of
 * JR_MODE_...; requests per period, or the limit; period in us and burst of a
 * rate; for how many ms a request over the rate may be delayed; and the tag:
 * kind ("r", "q", "c"), window ("h", "d", "m", "-"), name.  Keys of slots come
 * first among those of limits.
 */
#define JR_LIMIT       ">BBI7I7I7I2c1c1Bc0"

/* ms: no turn is further away than that */
#define JR_DELAY_MOST  60000

#define JR_MODE_ENFORCE  0
#define JR_MODE_DRY_RUN  1          /* it refuses nothing */
#define JR_MODE_AWAITED  2          /* others wait for it: taken for full */

typedef enum {
    JR_LIMIT_KEY = 0,
    JR_LIMIT_MODE,
    JR_LIMIT_COUNT,
    JR_LIMIT_PERIOD,
    JR_LIMIT_BURST,
    JR_LIMIT_DELAY,
    JR_LIMIT_KIND,
    JR_LIMIT_WINDOW,
    JR_LIMIT_NAME,
    JR_LIMIT_FIELDS
} jr_limit_field_e;

/* As a reply tells it to all attempts: the count, period and burst in force (of
   a quota the period is its window in s); of a quota ms until its window
   ends. */
#define JR_IN_FORCE  ">I7I7I7I7"

typedef enum {
    JR_IN_FORCE_COUNT = 0,
    JR_IN_FORCE_PERIOD,
    JR_IN_FORCE_BURST,
    JR_IN_FORCE_END,
    JR_IN_FORCE_LAST
} jr_in_force_e;

/* and to each: jr_limit_state_e; what there is of it, the admitted attempt
   included: backlog, used, slots held */
#define JR_MEASURE   ">BI7"

typedef enum {
    JR_MEASURE_STATE = 0,
    JR_MEASURE_USED,
    JR_MEASURE_LAST
} jr_measure_e;


/* ------------------------------------------------------------ admit.lua */


typedef enum {
    JR_ADMIT_KEY_OVERRIDES = 0,
    JR_ADMIT_KEY_LIMITS         /* those of limits, then a record for each
                                   attempt */
} jr_admit_key_e;


typedef enum {
    JR_ADMIT_DEADLINE = 0,
    JR_ADMIT_SHARED,
    JR_ADMIT_ATTEMPTS           /* one for each from here on */
} jr_admit_arg_e;


/* format, 1 if the retry of an unknown token is refused, lease in ms, keys of
   slots, number of limits; then those limits */
#define JR_SHARED       ">c1BI4BB"
#define JR_SHARED_SIZE  8

typedef enum {
    JR_SHARED_FORMAT = 0,
    JR_SHARED_REFUSE,
    JR_SHARED_LEASE,
    JR_SHARED_SLOTS,
    JR_SHARED_LIMITS,
    JR_SHARED_LAST
} jr_shared_e;


/*
 * Life of the record in ms from its first use, the sum of a done record that
 * was found corrupt or "".  Then, as a new record has it from
 * JR_RECORD_OWNER_AT to the end of its head: owner, fingerprint with its
 * version, bytes of the head, request id.
 */
#define JR_ADMIT           ">I7Bc0c16Bc32I2I2c0"
#define JR_ADMIT_LIFE_SUM  ">I7Bc0"

/* bytes in front of the owner where no record was found corrupt */
#define JR_ADMIT_OWN_AT    8

typedef enum {
    JR_ADMIT_LIFE = 0,
    JR_ADMIT_CORRUPT,
    JR_ADMIT_OWNER,
    JR_ADMIT_VERSION,
    JR_ADMIT_FINGERPRINT,
    JR_ADMIT_HEAD_LEN,
    JR_ADMIT_REQUEST_ID,
    JR_ADMIT_LAST
} jr_admit_e;


/*
 * A reply has a string for all attempts, JR_SHARED_REPLY, and one for each:
 * JR_SCRIPT_FORMAT, a letter, and what the letter has behind it.  "replay" is
 * the record of a done token as it stands, which begins likewise.
 */
typedef enum {
    JR_REPLY_SHARED = 0,
    JR_REPLY_ATTEMPTS               /* one for each from here on */
} jr_reply_e;

/* format; what Redis' clock says in ms, which is when those that are forwarded
   begin; fields of overrides that hold nonsense, with a blank between; then
   JR_IN_FORCE of each limit, or nothing where no attempt is told of limits */
#define JR_SHARED_REPLY  ">c1I7I2c0"

typedef enum {
    JR_SHARED_REPLY_FORMAT = 0,
    JR_SHARED_REPLY_NOW,
    JR_SHARED_REPLY_OVERRIDES,
    JR_SHARED_REPLY_LAST
} jr_shared_reply_e;

#define JR_VERDICT_FORWARD   "f"    /* JR_FORWARD, then JR_MEASURE of each */
#define JR_VERDICT_LIMITED   "l"    /* JR_LIMITED, then JR_MEASURE of each */
#define JR_VERDICT_DONE      JR_STATE_DONE
#define JR_VERDICT_RUNNING   "r"    /* JR_RUNNING */
#define JR_VERDICT_MISMATCH  "m"    /* request id of the first attempt */
#define JR_VERDICT_REFUSED   "x"    /* JR_REFUSED */
#define JR_VERDICT_LATE      "t"    /* JR_LATE */
#define JR_VERDICT_ERROR     "e"    /* words of Redis */

/* bytes of done records that a call of several attempts tells, at most; those
   behind get JR_VERDICT_ERROR, and ask alone */
#define JR_TOLD_MOST  4194304

/* state before ("a" absent, "u" unknown, "d" corrupt); limits may be left out
   where they cannot be read and the token has decided */
#define JR_FORWARD  ">c1"

#define JR_BEFORE_ABSENT   "a"
#define JR_BEFORE_UNKNOWN  "u"
#define JR_BEFORE_CORRUPT  "d"

/* the limit that refuses, from 1; how long it does, in ms */
#define JR_LIMITED  ">BI7"

typedef enum {
    JR_LIMITED_INDEX = 0,
    JR_LIMITED_WAIT,
    JR_LIMITED_LAST
} jr_limited_e;

/* ms until the lease ends; then the request id of its owner */
#define JR_RUNNING  ">I7"

/* state before; then the request id of the first attempt */
#define JR_REFUSED  ">c1"

/* what Redis' clock says, in ms */
#define JR_LATE  ">I7"


/* ------------------------------------------------------------ renew.lua */


typedef enum {
    JR_RENEW_SHARED = 0,        /* JR_SHARED and the limits */
    JR_RENEW_OWNER,
    JR_RENEW_LAST
} jr_renew_arg_e;


/* ----------------------------------------------------------- settle.lua */


typedef enum {
    JR_SETTLE_SHARED = 0,       /* JR_SHARED and the limits */
    JR_SETTLE_ATTEMPTS          /* one for each from here on */
} jr_settle_arg_e;


/*
 * In the form of a record, JR_RECORD_HEAD, so that what is created can be
 * stored as it was sent: the outcome for its state; flags; by when an admission
 * without a reply was to be carried out, in ms, for the end of the lease, which
 * has no length; end and begin as the reply to the admission has them, or where
 * there was none, 0 for the begin, and how long the record lives for the end;
 * the request id of this attempt; then, of what was created under a token, the
 * tail of a record that is done.
 */
#define JR_SETTLE  JR_RECORD_HEAD

#define JR_SETTLE_CREATED       JR_STATE_DONE
#define JR_SETTLE_REJECTED      "r"
#define JR_SETTLE_UNAUTHORIZED  "a"
#define JR_SETTLE_UNSENT        "s"
#define JR_SETTLE_WITHDRAWN     "w"
#define JR_SETTLE_UNKNOWN       JR_STATE_UNKNOWN

#define JR_SETTLE_ALONE  2      /* a flag: the record is not a token's */
#define JR_SETTLE_LOST   4      /* and: the admission had no reply */

/* where that time stands, from 0 */
#define JR_SETTLE_LOST_AT   3
#define JR_SETTLE_LOST_LEN  7

/* likewise: JR_SCRIPT_FORMAT, a letter, and what it has behind it; or
   JR_VERDICT_ERROR */
#define JR_SETTLED_KEPT     "k"
#define JR_SETTLED_FREED    "s"
#define JR_SETTLED_UNKNOWN  "u"
#define JR_SETTLED_DONE     JR_STATE_DONE   /* another's record, as it stands */
#define JR_SETTLED_FENCED   "x"             /* the state */
#define JR_SETTLED_FOREIGN  "o"
#define JR_SETTLED_GONE     "g"
#define JR_SETTLED_EARLY    "t"             /* JR_LATE */


/*
 * A time by Redis' clock, in ms: so many digits, with zeroes in front, so that
 * it can be written where it stands.  Nothing but zeroes is none.
 */
#define JR_SCRIPT_TIME_LEN  16
#define JR_SCRIPT_TIME_NONE "0000000000000000"


#endif /* JR_SCRIPT_H_INCLUDED */
