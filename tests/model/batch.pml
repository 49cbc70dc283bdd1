/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Batches: the admissions of two attempts leave as one call, each of a token
 * of its own, or both of one.
 *
 * The script is one step for others, but not in itself: it reads all records,
 * then decides, then writes.  It may be refused before its first write (memory
 * is full), or break behind any, and its reply may be lost.  Whom an error has
 * kept from being decided, or a lost reply from being told, asks alone, once;
 * that may be lost as well, and is taken back.  Leases, late calls and what a
 * service may do are in retry_token.pml.
 *
 * tests/model/check.pl says how it is run.  The properties are the assertions
 * below.
 */

#define ATTEMPTS  2

/* 1: both attempts have the same token */
#ifndef SAME
#define SAME      0
#endif

/*
 * Mistakes to be found, when they are 0: a token is twice in a call; what an
 * error has left undecided is refused, and not asked alone; an attempt whose
 * record could not be written is told what was decided before.
 */

#ifndef APART
#define APART     1
#endif

#ifndef ALONE
#define ALONE     1
#endif

#ifndef REFUSED
#define REFUSED   1
#endif

#define NOBODY    ATTEMPTS


/* what an attempt is told, and the state of a record */

mtype = { nothing, forward, replay, running, refused };
mtype = { r_absent, r_claimed, r_done };


/* the record of each token: both attempts have the first where it is one */

#define token(who)  (SAME -> 0 : who)

mtype  state[ATTEMPTS] = r_absent;
byte   owner[ATTEMPTS] = NOBODY;
byte   runs[ATTEMPTS];

mtype  told[ATTEMPTS] = nothing;
bit    over[ATTEMPTS];

/* the script's own: what it has read, what it has decided */

hidden mtype  seen[ATTEMPTS];
hidden mtype  said[ATTEMPTS];
hidden byte   by[ATTEMPTS];
hidden byte   n;


inline decide(who)
{
    if
    :: seen[who] == r_done -> said[who] = replay
    :: seen[who] == r_claimed && by[who] == who -> said[who] = forward
    :: seen[who] == r_claimed && by[who] != who -> said[who] = running
    :: seen[who] == r_absent -> said[who] = forward
    fi
}


inline write(who)
{
    if
    :: said[who] == forward ->
        state[token(who)] = r_claimed;
        owner[token(who)] = who
    :: else
    fi
}


/* one of them is left without a verdict by an error */

inline undecide(who)
{
    if
    :: said[who] == forward && REFUSED -> said[who] = nothing
    :: else
    fi
}


/* admit.lua for attempts from first to last */

inline call(first, last)
{
    n = first;
    do
    :: n <= last ->
        seen[n] = state[token(n)];
        by[n] = owner[token(n)];
        n++
    :: else -> break
    od;

    n = first;
    do
    :: n <= last ->
        decide(n);
        n++
    :: else -> break
    od;

    if
    :: n = first;
        do
        :: n <= last ->
            write(n);
            n++
        :: else -> break
        od
    :: n = first;                   /* no memory */
        do
        :: n <= last ->
            undecide(n);
            n++
        :: else -> break
        od
    :: last > first ->              /* it breaks behind its first write */
        write(first);
        said[first] = nothing;
        said[last] = nothing
    fi
}


/* what an attempt hears: its part of the reply, or nothing where that is lost
   or an error */

inline hear(who)
{
    if
    :: told[who] = said[who]
    :: told[who] = nothing
    fi
}


inline settle(who)
{
    if
    :: state[token(who)] == r_claimed && owner[token(who)] == who ->
        if
        :: runs[token(who)] > 0 -> state[token(who)] = r_done
        :: else ->
            state[token(who)] = r_absent;
            owner[token(who)] = NOBODY
        fi
    :: else
    fi
}


proctype Attempt(byte me)
{
    bit  lost;

    if
    :: atomic {
        told[me] == nothing && ALONE ->
            call(me, me);
            hear(me);
            lost = (told[me] == nothing)
        }
    :: told[me] != nothing || !ALONE
    fi;

    if
    :: atomic {
        told[me] == forward ->
            /* whoever is forwarded has the claim */
            assert(state[token(me)] == r_claimed && owner[token(me)] == me);

            if
            :: runs[token(me)]++;

                /* never two job runs of a token */
                assert(runs[token(me)] <= 1)
            :: skip                 /* nothing was made */
            fi
        }
    :: told[me] != forward
    fi;

    /* whoever was forwarded settles; what is lost is taken back */

    atomic {
        if
        :: told[me] == forward || lost -> settle(me)
        :: else
        fi;

        over[me] = 1
    }
}


/* the turn: one that is in no batch with the first is in the next */

init {
    if
    :: SAME && APART ->
        atomic { call(0, 0); hear(0) }
        run Attempt(0);
        atomic { call(1, 1); hear(1) }
        run Attempt(1)
    :: else ->
        atomic { call(0, 1); hear(0); hear(1) }
        run Attempt(0);
        run Attempt(1)
    fi;

    over[0] && over[1];

    /* no claim is left behind */
    assert(state[0] != r_claimed && state[1] != r_claimed)
}
