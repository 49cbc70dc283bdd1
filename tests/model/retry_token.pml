/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The protocol of retry tokens: attempts with one token, the record that
 * admit.lua, renew.lua and settle.lua move, and a service.
 *
 * Each script is one atomic step, as it is in Redis.  Time is not modelled: a
 * lease may end whenever it runs.  Anybody may crash at any step; a call may
 * be carried out and its reply be lost, or not be carried out, or be carried
 * out later than what was sent after it (another connection).  The service
 * may create or refuse, when it likes, also when nobody waits any more, and
 * its answer may be anything.
 *
 * Whoever is not scheduled any more has crashed, as far as safety goes; for
 * "ends", and to see it happen, CRASHES lets one crash at any step.
 *
 * tests/model/check.pl says how it is run.  The properties are the assertions
 * below, and "ends".
 */

/* 2 or 3, all at once, with one token */
#ifndef ATTEMPTS
#define ATTEMPTS  2
#endif

/* 1: the service makes one job run of a token */
#ifndef HONOURS
#define HONOURS   1
#endif

/* 1: jobruns_retry_unknown refuse */
#ifndef REFUSE
#define REFUSE    0
#endif

/* one job run per token */
#ifndef PROMISED
#define PROMISED  (HONOURS || REFUSE)
#endif

/* 1: calls may be carried out behind later ones */
#ifndef LATE
#define LATE      1
#endif

#ifndef CRASHES
#define CRASHES   0
#endif

/*
 * Mistakes to be found, when they are 0: anybody may end a claim; a refusal
 * of the retry of an unknown token frees it; leases do not end; an answer
 * that is not kept leaves no location; an admission is carried out however
 * late it comes.
 */

#ifndef DEADLINES
#define DEADLINES 1
#endif

#ifndef FENCING
#define FENCING   1
#endif

#ifndef WAITED
#define WAITED    1
#endif

#ifndef LEASES
#define LEASES    1
#endif

#ifndef LOCATED
#define LOCATED   1
#endif

#define NOBODY    ATTEMPTS


/* what an attempt knows, what is answered, how it ended */

mtype = { nothing, forward, replay, running, refused };
mtype = { created, rejected, unsent, unknown };

/* the state of the record: absent and unknown are words of their own here */

mtype = { r_absent, r_claimed, r_done, r_unknown };


/* the record of the token, as docs/redis.md has it */

mtype  state = r_absent;
byte   owner = NOBODY;
bit    leased;              /* l: the lease runs */
bit    paid;                /* k: the owner has paid the quota */
bit    over_unknown;        /* w */
bit    has_answer;          /* a */
bit    has_location;        /* n */

/* what is on its way to Redis behind other calls */

bit    late_admit[ATTEMPTS];
mtype  late_settle[ATTEMPTS] = nothing;

/* the deadline of its admissions has passed: no settlement but that of a
   creation acts before */

bit    expired[ATTEMPTS];

/* the service: what it was sent, what it said, what it made */

bit    asked[ATTEMPTS];
bit    waiting[ATTEMPTS];
mtype  said[ATTEMPTS] = nothing;
bit    made_by[ATTEMPTS];
byte   runs;

/* paid for the quota, and not given back */

byte   spent[ATTEMPTS];

/* the end of a gateway, or of its machine */

bit    crashed[ATTEMPTS];


/*
 * The promises.
 */

inline check()
{
    /* never two job runs */
    assert(runs <= 1 || !PROMISED);

    /* what is done names its run */
    assert(state != r_done || has_answer || has_location);

    /* a token that is free to be used made nothing */
    assert(state != r_absent || runs == 0);
}


/*
 * The scripts, each to be used in one step.
 */

inline claim(me)
{
    state = r_claimed;
    owner = me;
    leased = 1;
}


inline admit(me, verdict)
{
    if
    :: state == r_claimed && owner == me ->
        /* whoever is told to forward has a lease from then on */
        leased = 1;
        verdict = forward
    :: state == r_done ->
        verdict = replay
    :: state == r_claimed && owner != me && leased ->
        verdict = running
    :: state == r_unknown || (state == r_claimed && owner != me && !leased) ->
        if
        :: REFUSE ->
            verdict = refused
        :: else ->
            claim(me);
            over_unknown = 1;
            paid = 0;
            verdict = forward
        fi
    :: state == r_absent ->
        claim(me);
        over_unknown = 0;
        paid = 1;
        spent[me]++;
        verdict = forward
    fi;

    check()
}


inline renew(me, verdict)
{
    if
    :: state == r_claimed && owner == me ->
        leased = 1;
        verdict = forward
    :: else ->
        verdict = refused
    fi
}


inline refund()
{
    if
    :: paid ->
        paid = 0;

        /* once, and only for what was not made */
        assert(spent[owner] > 0);
        assert(!made_by[owner]);

        spent[owner]--
    :: else
    fi
}


inline settle(me, outcome)
{
    if
    :: outcome == created && state != r_done ->
        state = r_done;
        owner = me;
        leased = 0;
        paid = 0;

        /* an answer that is too large leaves its location */
        has_location = LOCATED;
        if
        :: has_answer = 1
        :: skip
        fi

    :: outcome != created && state == r_claimed && (owner == me || !FENCING) ->
        leased = 0;

        if
        :: outcome == unknown ->
            paid = 0;
            state = r_unknown
        :: else ->
            refund();

            if
            :: over_unknown && WAITED -> state = r_unknown
            :: else -> state = r_absent
            fi
        fi;

        owner = NOBODY

    :: else
        /* done, fenced, gone: nothing changes */
    fi;

    check()
}


/*
 * One attempt, by one owner.
 */

proctype Attempt(byte me)
{
    byte   tries;
    mtype  verdict = nothing;
    mtype  outcome = unsent;

    {
    /* admission, asked twice at most */

    do
    :: atomic {
        tries < 2 ->
            tries++;

            if
            :: admit(me, verdict);
                if
                :: break
                :: verdict = nothing    /* the reply is lost */
                fi
            :: LATE -> late_admit[me] = 1   /* carried out some time */
            :: skip                     /* never carried out */
            fi
        }
    :: tries == 2 ->
        goto settling                   /* nobody knows: taken back */
    od;

    /* a retry of a running one waits, and asks again when it has ended */

    if
    :: atomic {
        verdict == running && !(state == r_claimed && leased) ->
            admit(me, verdict)
        }
    :: verdict == running -> goto over
    :: verdict != running
    fi;

    if
    :: verdict == forward
    :: verdict != forward -> goto over
    fi;

    /* held up: it renews first.  One that is not has its lease. */

    if
    :: state == r_claimed && owner == me && leased
    :: atomic {
        renew(me, verdict);
        if
        :: verdict == refused -> goto over
        :: verdict == forward
        :: goto settling                /* the reply is lost */
        fi
        }
    fi;

    /* the exchange */

    if
    :: goto settling                    /* not one byte could be sent */
    :: d_step { asked[me] = 1; waiting[me] = 1 }
    fi;

    do
    :: d_step { said[me] != nothing -> outcome = said[me]; said[me] = nothing }
        break
    :: d_step { said[me] == nothing -> outcome = unknown; waiting[me] = 0 }
        break                           /* a timeout, a reset */
    :: d_step { state == r_claimed && owner == me && !leased -> leased = 1 }
    od;

settling:
    atomic { tries = 0; expired[me] = 1 }

    do
    :: atomic {
        tries < 2 ->
            tries++;

            if
            :: settle(me, outcome);
                if
                :: break
                :: skip                 /* the reply is lost */
                fi
            :: LATE -> late_settle[me] = outcome
            fi
        }
    :: break                            /* given up */
    od;

over:
    atomic { tries = 0; verdict = nothing; outcome = unsent }

    } unless {
        crashed[me]
    }
}


/* a crash of each, at any step or at none */

proctype Crash(byte me)
{
    if
    :: crashed[me] = 1
    :: skip
    fi
}


inline answer(who)
{
    asked[who] = 0;

    if
    :: if                           /* it makes the run, or made it before */
        :: runs == 0 || !HONOURS ->
            runs++;
            made_by[who] = 1
        :: else
        fi;

        check();

        if
        :: said[who] = created
        :: said[who] = unknown      /* a 5xx all the same */
        fi

    :: said[who] = rejected         /* also where it made one before */
    :: said[who] = unknown
    fi;

    if
    :: waiting[who]
    :: !waiting[who] -> said[who] = nothing
    fi;

    waiting[who] = 0
}


active proctype Service()
{
end:
    do
    :: atomic { asked[0] -> answer(0) }
    :: atomic { asked[1] -> answer(1) }
#if ATTEMPTS > 2
    :: atomic { asked[2] -> answer(2) }
#endif
    od
}


/* calls that come late: whoever sent them does not hear of it */

inline carry_out(who)
{
    if
    :: late_admit[who] ->
        late_admit[who] = 0;

        if
        :: expired[who] && DEADLINES    /* late: nothing is written */
        :: else -> admit(who, dropped)
        fi;

        /* nobody is admitted who is over */
        assert(dropped != forward || !expired[who])
    :: late_settle[who] != nothing ->
        settle(who, late_settle[who]);
        late_settle[who] = nothing
    fi;

    dropped = nothing
}


active proctype Late()
{
    mtype  dropped = nothing;

end:
    do
    :: atomic { late_admit[0] || late_settle[0] != nothing -> carry_out(0) }
    :: atomic { late_admit[1] || late_settle[1] != nothing -> carry_out(1) }
#if ATTEMPTS > 2
    :: atomic { late_admit[2] || late_settle[2] != nothing -> carry_out(2) }
#endif
    od
}


active proctype Lease()
{
end:
    do
    :: leased && LEASES -> leased = 0
    od
}


init {
    byte  i;

    atomic {
        do
        :: i < ATTEMPTS ->
            run Attempt(i);
#if CRASHES
            if
            :: i == 0 -> run Crash(0)
            :: else
            fi;
#endif
            i++
        :: else -> break
        od
    }
}


/* every claim ends */

ltl ends { [] ((state == r_claimed && leased)
               -> <> !(state == r_claimed && leased)) }
