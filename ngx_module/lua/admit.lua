--[[ SPDX-License-Identifier: BSD-2-Clause
Admits attempts to create a job run, in one atomic step: records and limits are
read, then each attempt is decided in the order in which they stand, then all
is written.  An attempt that is not to be forwarded writes nothing, but to set
right what is ahead of the clock, and when a rate is worked off.

There is no "#!" line: with one, a Redis at maxmemory would refuse replays,
too.  So records are the first thing that is written.  Redis refuses that
there, before anything is consumed, and the attempts that were to be forwarded
are told so.

core/api/jr_script.h has the positions and the layout of all that is packed;
util/embed puts them in place of their names.

KEYS  OVERRIDES    hash of the tenant's overrides
      LIMITS...    those of slots, then those of counters
      records...   for each attempt: of its token, or of its owner without one;
                   no two of one call are the same

ARGV  DEADLINE     by when it is to be carried out, in ms of this server's
                   clock; 0: whenever.  Whoever sent it takes it back then.
      SHARED       JR_SHARED, and the limits of all attempts
      ATTEMPTS...  JR_ADMIT for each

Reply: an array, what all attempts are told, then a string for each: its form,
the letter of a verdict, and what that has behind it; or an error, where that is
all there is to say.  An owner whose claim stands is told to forward again;
every "forward" writes the lease, and the slots that the record lists.  A record
that the gateway cannot have written, or whose response is corrupt, counts as
unknown and is written again.

Times ahead of the clock mean that it has gone back.  A lease that ends further
ahead than it is long is set to end one such length from now: its owner may be
alive, and renews it before that.

Numbers are doubles: everything stays an integer below 2^53, and is printed
with %d.  The clock is this server's own.

A script is run anew for each call, which makes each function and each table
that it comes by, and hashes each byte of each string.  So the way of most
attempts, new tokens that no limit holds up, is straight: what such attempts
have in common is made once, and what only others need is made in the branch
that needs it.  "{ nil, nil }" has room for two, and need not grow.
]]

local call, try, spread = redis.call, redis.pcall, unpack
local pack, unpack = struct.pack, struct.unpack
local sub, byte, match, format = string.sub, string.byte, string.match,
                                 string.format
local KEYS, ARGV = KEYS, ARGV

local RATE_MOST, COUNT_MOST = 1000000, 1000000000000

-- a request, in what a rate works off: n an hour are n of these in each us
local REQUEST = 3600000000

-- when to ask again where nothing passes until somebody changes the number
local BLOCKED_WAIT = 60000

-- the delay of a limit that only runs dry
local DRY_RUN = -1

-- states of a limit in a reply
local PASSES, REFUSES, WOULD_REFUSE, LIFTED, DELAYED = 0, 1, 2, 3, 4

local time = redis.call("TIME")
local now_s = time[1] + 0
local now_us = now_s * 1000000 + time[2]
local now = (now_us - now_us % 1000) / 1000

local shared, attempts = ARGV[JR_ADMIT_SHARED], #ARGV - JR_ADMIT_SHARED
local records = #KEYS - attempts
local _, refuse, lease, slots, count = unpack(JR_SHARED, shared)
local lease_end = now + lease

local replies = { "", nil, nil, nil }

local function reply(i, letter, text)
  replies[JR_REPLY_SHARED + i] = JR_SCRIPT_FORMAT .. letter .. text
end

local deadline = ARGV[JR_ADMIT_DEADLINE] + 0

if deadline > 0 and now > deadline then
  replies[JR_REPLY_SHARED] = pack(JR_SHARED_REPLY, JR_SCRIPT_FORMAT, now, 0, "")

  for i = 1, attempts do
    reply(i, JR_VERDICT_LATE, pack(JR_LATE, now))
  end

  return replies
end


--include stored


-- Records that are there may decide by themselves; limits decide about "open"
-- attempts.  found has, of an attempt whose record is there, false where that
-- has decided, or what it says.

local open, found, repairs = attempts, nil, nil

if texts then
--include record

--include tokens


  found = {}

  for i = 1, attempts do
    if texts[i] then
      found[i] = read(i, texts[i])
      open = found[i] and open or open - 1
    end
  end
end


-- Attempts that an error of Redis has ended, and that error; why limits cannot
-- be read; whether they have decided.
local failed, failure, unreadable, decided = 0, nil, nil, false

local function fail(i, err)
  failed, failure = failed + 1, err
  reply(i, JR_VERDICT_ERROR, err.err)
end


-- Records to be written, by attempt, and the ends of their keys; slots that new
-- claims take; slots of claims that stand; whether there is a claim that no
-- limit held up.
local claims, ends_of = { nil, nil, nil, nil }, { nil, nil, nil, nil }
local slot_of, slot_end = { nil, nil, nil, nil }, ":" .. format("%d", lease)
local held, plain = nil, false

local function forward(i, text, ends)
  if ends < now + 2 * lease then
    -- never ends under a running attempt; what its lease leaves behind stays
    -- long enough to be seen as unknown
    ends = now + 2 * lease
  end

  claims[i], ends_of[i] = text, format("%d", ends)
end


-- Limits as they are in force (limits_read), and fields of overrides that hold
-- nonsense.  Of each limit, by its number: how much is used; the most of that
-- with which the next attempt passes; what one that passes adds to it, and
-- notes in its record; what a rate works off in a microsecond; its counter's
-- tag, end and time; its state and what is used, for a reply.
local limits, bad, lifted = nil, "", {}
local used, most = { nil, nil, nil, nil }, { nil, nil, nil, nil }
local adds, words = { nil, nil, nil, nil }, { nil, nil, nil, nil }
local tags, units = { nil, nil, nil, nil }, { nil, nil, nil, nil }
local ends, since = { nil, nil, nil, nil }, { nil, nil, nil, nil }
local measures = { nil, nil, nil, nil, nil, nil, nil, nil }

-- Counters by the place of their key: the text that is there, and how many
-- bytes of it are of limits of this call.
local counters, own_of = { nil, nil, nil }, { nil, nil, nil }

-- Of some limits: it was added to; it is ahead of the clock; it has refused; of
-- slots, there were none, some have ended, attempts that take none
local changed, ahead, refuses = { nil, nil, nil, nil }, {}, {}
local fresh, sweep, without = { nil, nil, nil, nil }, {}, {}

local last_limit = JR_LIMIT_FIELDS * (count - 1)

if open > 0 then
--include limits

--include window

  if count > 0 then
    limits = limits_read(shared, count)

    if there > 0 then
--include overrides
    end

--include measure
  end

--include decide
end


-- All is decided.  The records are written first; where Redis refuses the first
-- of them, nothing is.

local write = try

for i = 1, open > 0 and attempts or 0 do
  if claims[i] then
    local done = write("SET", KEYS[records + i], claims[i], "PXAT", ends_of[i])

    if done.err then
      for k = i, attempts do
        if claims[k] then
          fail(k, done)
        end
      end

      decided, held = false, nil
      break
    end

    write = call
  end
end

for n = 1, repairs and #repairs or 0 do
  -- where there is no memory for it, the next reader does it
  try("SET", repairs[n][1], repairs[n][2], "PXAT", repairs[n][3])
end

if decided or held then
--include slots

--include write
end


-- what all are told

local told, n = { JR_SCRIPT_FORMAT, now, #bad, bad, nil, nil, nil, nil, nil,
                  nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil }, 4
local told_form = JR_SHARED_REPLY

if limits and not unreadable then
  told_form = told_form .. string.rep(JR_IN_FORCE, count)

  for k = 1, count do
    local at = JR_LIMIT_FIELDS * (k - 1)

    told[n + 1], told[n + 2] = limits[at + JR_LIMIT_COUNT],
                               limits[at + JR_LIMIT_PERIOD]
    told[n + 3] = limits[at + JR_LIMIT_BURST]
    told[n + 4] = limits[at + JR_LIMIT_KIND] == "q" and ends[k] - now or 0
    n = n + 4
  end
end

replies[JR_REPLY_SHARED] = pack(told_form, spread(told, 1, n))

return failed == attempts and failure or replies
