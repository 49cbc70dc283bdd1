--[[ SPDX-License-Identifier: BSD-2-Clause
Admits one attempt to create a job run, in one atomic step: the token's
record and every limit are read, then all is decided, then all is written.
A refusal writes nothing, but to set right what is ahead of the clock, and
when a rate is worked off.

There is no "#!" line: with one, a Redis at maxmemory would refuse replays,
too.  So the record is the first thing that is written.  Redis refuses that
there, and an admission with it, before anything is consumed.

Positions have the names of core/api/jr_script.h; util/embed puts numbers in
their place.

KEYS  RECORD        record of the token, or of the attempt where there is none
      OVERRIDES     hash of the tenant's overrides
      LIMITS...     one key per limit, in the order of the limits in ARGV

ARGV  OWNER         owner of this attempt: 32 hex digits
      FINGERPRINT   fingerprint of the request, "<version>:<hex>"
      REQUEST_ID    opc-request-id of this attempt
      LEASE         in ms
      LIFE          of the record in ms, from its first use
      UNKNOWN       "forward" or "refuse": the retry of an unknown token;
                    behind it ":" and the SHA-1 of a stored answer that was
                    found corrupt
      DEADLINE      by when it is to be carried out, in ms of this server's
                    clock; 0: whenever.  Whoever sent it takes it back then.
      LIMITS...     for each: kind, name, COUNT, PERIOD, BURST, "enforce" or
                    "dry_run"
                      rate         count, period in us, burst
                      quota        limit, window ("hour", "day", "month"), 0
                      concurrency  limit, 0, 0

Reply: an array, the verdict first
      "forward"   state before ("absent", "unknown", "damaged"), bad
                  overrides, limits...
      "limited"   index of the limit from 1, wait in ms, bad overrides,
                  limits...
      "replay"    stored answer, request id of the attempt that made it,
                  limits...
      "unkept"    location, run key, request id of the attempt, limits...
      "running"   ms until the lease ends, request id of the attempt,
                  limits...
      "mismatch"  request id of the first attempt, limits...
      "refused"   request id of the first attempt, "damaged" or "", limits...
      "late"      the time in ms: the deadline has passed, nothing was looked
                  at

An owner whose claim stands is told "forward" again.  Every "forward" writes
the lease, and the slots that the record lists.

A record that none of us can have written, or whose answer is damaged, counts
as unknown, and is written anew.

bad overrides are the fields that hold nonsense, with a blank between them.

limits... are integers for each, or nothing at all where they cannot be
read and the token alone has decided: state (0 passes, 1 refuses, 2 would
refuse but is dry_run, 3 lifted), the three numbers in force (of a quota the
second is its window in seconds), what remains, ms until there is more.

The record is a hash:
      v  format, "1"                  s  "c" claimed, "d" done, "u" unknown
      o  owner                        l  end of the lease, ms
      t  the lease's length, ms
      f  fingerprint                  r  request id of the first attempt
      x  end of the record, ms        k  what the attempt consumed
      w  "u": claimed over an unknown outcome
      i  request id of the owner      a  the kept answer
      n  location of the run          j  key of the run

Times ahead of the clock mean that it has gone back.  A lease that ends
further ahead than it is long is set to end one such length from now: its
owner may be alive, and renews it before that.

Numbers are doubles: everything stays an integer below 2^53, and is printed
with %d: a long in C, at half the cost of what .. makes of a number.  The
clock is this server's own.

All of this runs for each request, and Lua makes the functions and tables of
a script anew each time.  So it is straight code: x - x % 1 is floor(x), what
few requests need is inside their branch, and the reply is also the notebook.
]]

local call, match, format = redis.call, string.match, string.format
local KEYS, ARGV = KEYS, ARGV

local record, overrides = KEYS[JR_ADMIT_KEY_RECORD],
                          KEYS[JR_ADMIT_KEY_OVERRIDES]
local owner, fingerprint = ARGV[JR_ADMIT_OWNER], ARGV[JR_ADMIT_FINGERPRINT]
local lease, on_unknown = ARGV[JR_ADMIT_LEASE] + 0, ARGV[JR_ADMIT_UNKNOWN]
local count = #KEYS - JR_ADMIT_KEY_OVERRIDES

local RATE_MOST, COUNT_MOST = 1000000, 1000000000000

-- a request, in what a rate works off: n an hour are n of these in each us
local REQUEST = 3600000000

-- when to ask again where nothing passes until somebody changes the number
local BLOCKED_WAIT = 60000

-- ARGS + JR_LIMIT_ARG_LAST * i is where the values of limit i begin in ARGV,
-- and likewise REPLIES in the reply
local ARGS = JR_ADMIT_LIMITS - JR_LIMIT_ARG_LAST
local REPLIES = JR_FORWARD_LIMITS - JR_LIMIT_REPLY_LAST

local time = redis.call("TIME")
local now_s = time[1] + 0
local now_us = now_s * 1000000 + time[2]
local now = (now_us - now_us % 1000) / 1000

local deadline = ARGV[JR_ADMIT_DEADLINE] + 0

if deadline > 0 and now > deadline then
  return { "late", now }
end

-- most tokens are new, and most tenants have no overrides
local there = call("EXISTS", record, overrides)


-- the token

local before, damaged, first_id, expires = "absent", false, nil, nil

-- what this owner's claim, which stands, has consumed
local claimed

-- what it decides alone: up to four words of the reply
local verdict, second, third, fourth

if there > 0 then
  local kept = redis.pcall("HMGET", record, "s", "o", "l", "f", "r", "x", "w",
                           "i", "a")

  if kept.err then
    kept, damaged = {}, true
  end

  local state, lease_end, kept_fingerprint = kept[1], kept[3], kept[4]
  local answer, kept_id = kept[9], kept[8] or ""

  first_id, expires = kept[5] or nil, kept[6]

  -- times in ms that one of us wrote; what is none would fail us behind the
  -- first write
  lease_end = lease_end and #lease_end <= 15 and match(lease_end, "^%d+$")
              and lease_end + 0
  expires = expires and #expires <= 15 and match(expires, "^%d+$")
            and expires + 0

  if state then
    damaged = not expires
              or not (state == "d" or state == "u"
                      or state == "c" and lease_end)
              or kept_fingerprint ~= fingerprint
                 and not match(kept_fingerprint or "", "^%d+:%x+$")

  elseif not damaged then
    damaged = call("EXISTS", record) == 1
  end

  if state and not damaged then

    if state == "c" and kept[2] == owner then
      -- asked again: the reply to the first admission was lost
      verdict, third = "forward", ""
      claimed = call("HGET", record, "k") or ""
      second = kept[7] == "u" and "unknown" or "absent"

    elseif kept_fingerprint ~= fingerprint
           and match(kept_fingerprint, "^%d+") == match(fingerprint, "^%d+")
    then
      -- one of another version says nothing about sameness
      verdict, second = "mismatch", first_id or ""

    elseif state == "d" and not answer then
      local run = call("HMGET", record, "n", "j")

      verdict, second = "unkept", run[1] or ""
      third, fourth = run[2] or "", kept_id

    elseif state == "d" then
      damaged = #on_unknown > 7
                and redis.sha1hex(answer) == match(on_unknown, ":(%x+)$")

      if not damaged then
        verdict, second, third = "replay", answer, kept_id
      end

    elseif state == "c" and lease_end > now then
      local length = call("HGET", record, "t")

      length = length and match(length, "^%d%d?%d?%d?%d?%d?$")
               and length + 0 or lease

      if lease_end - now > length then
        lease_end = now + length

        -- where there is no memory for it, the next reader does it
        redis.pcall("HSET", record, "l", format("%d", lease_end))
      end

      verdict, second, third = "running", lease_end - now, kept_id
    end
  end

  if state or damaged then
    there = there - 1

    if not verdict then
      -- unknown, or claimed by an attempt that did not live to settle
      before = "unknown"

      if match(on_unknown, "^refuse") then
        verdict, second = "refused", first_id or ""
        third = damaged and "damaged" or ""
      end
    end
  end
end


if claimed then
  local lease_end, i = format("%d", now + lease), 0
  local slot = owner .. ":" .. ARGV[JR_ADMIT_LEASE]

  call("HSET", record, "l", lease_end)

  if expires < now + 2 * lease then
    call("PEXPIREAT", record, format("%d", now + 2 * lease))
  end

  for kind in string.gmatch(claimed, "(%S)%S*") do
    i = i + 1

    local key = KEYS[JR_ADMIT_KEY_OVERRIDES + i]

    -- what is no set of slots by now must not cost the claim its lease
    if kind == "c" and key
       and type(redis.pcall("ZADD", key, lease_end, slot)) == "number"
    then
      -- GT never sets one where there is none yet
      if call("PEXPIREAT", key, lease_end, "GT") == 0 then
        call("PEXPIREAT", key, lease_end, "NX")
      end
    end
  end
end


-- Overrides: their numbers take the place of those in ARGV, and "none" lifts
-- a limit.  Nonsense is left out and told.

local read, bad = verdict and redis.pcall or call, ""
local lifted, overridden = {}, {}

if there > 0 and count > 0 then
  local UNITS = { s = 1000000, m = 60000000, h = 3600000000 }
  local names, nonsense = {}, {}

  for i = 1, count do
    local n = ARGS + JR_LIMIT_ARG_LAST * i
    local name = ARGV[n + JR_LIMIT_ARG_NAME]

    if ARGV[n + JR_LIMIT_ARG_KIND] == "rate" then
      names[#names + 1] = name .. ".rate"
      names[#names + 1] = name .. ".burst"
    else
      names[#names + 1] = name .. ".limit"
    end
  end

  -- only what is needed, however much somebody has put there
  local fields = redis.pcall("HMGET", overrides, unpack(names))

  if fields.err and string.find(fields.err, "WRONGTYPE", 1, true) then
    fields, nonsense[1] = {}, "*"

  elseif fields.err then
    return verdict and { verdict, second, third, fourth } or fields
  end

  -- "<value> until <second>" is none from that second on
  for i = 1, #names do
    local value, ends = match(fields[i] or "", "^(.-) until (%d+)$")

    if value and #ends <= 11 then
      fields[i] = ends + 0 > now_s and value
    end
  end

  -- the number in a field, and the period that comes with a rate
  local function number(at, most, is_rate)
    local text = fields[at]

    if not text then
      return nil
    end

    if #text <= 16 then
      local digits, unit = match(text, "^%d+$"), nil

      if not digits and is_rate then
        digits, unit = match(text, "^(%d+)r/([smh])$")
      end

      if digits and digits + 0 <= most then
        return digits + 0, UNITS[unit]
      end
    end

    nonsense[#nonsense + 1] = names[at]
  end

  local at = 1

  for i = 1, count do
    local n = ARGS + JR_LIMIT_ARG_LAST * i
    local rate = ARGV[n + JR_LIMIT_ARG_KIND] == "rate"

    if fields[at] == "none" then
      lifted[i] = true

    elseif rate then
      local value, unit = number(at, RATE_MOST, true)
      local burst = number(at + 1, RATE_MOST)

      overridden[i] = value
      ARGV[n + JR_LIMIT_ARG_COUNT] = value or ARGV[n + JR_LIMIT_ARG_COUNT]
      ARGV[n + JR_LIMIT_ARG_PERIOD] = unit or ARGV[n + JR_LIMIT_ARG_PERIOD]
      ARGV[n + JR_LIMIT_ARG_BURST] = burst or ARGV[n + JR_LIMIT_ARG_BURST]

    else
      ARGV[n + JR_LIMIT_ARG_COUNT] = number(at, COUNT_MOST)
                                     or ARGV[n + JR_LIMIT_ARG_COUNT]
    end

    at = at + (rate and 2 or 1)
  end

  bad = table.concat(nonsense, " ")
end


-- first second of the UTC window around a second, and of the next one
local function window_of(name, at)
  local day = at - at % 86400

  if name == "day" then
    return day, day + 86400
  end

  if name == "hour" then
    return at - at % 3600, at - at % 3600 + 3600
  end

  -- The civil calendar, counted in 400-year eras that begin in March: day and
  -- year of the era, day of the year, month, the day that begins it.
  local doe = (day / 86400 + 719468) % 146097
  local yoe = (doe - (doe - doe % 1460) / 1460 + (doe - doe % 36524) / 36524
               - (doe - doe % 146096) / 146096) / 365

  yoe = yoe - yoe % 1

  local doy = doe - 365 * yoe - (yoe - yoe % 4) / 4 + (yoe - yoe % 100) / 100
  local month = (5 * doy + 2 - (5 * doy + 2) % 153) / 153
  local first = (153 * month + 2 - (153 * month + 2) % 5) / 5
  local days = (153 * month + 155 - (153 * month + 155) % 5) / 5 - first

  if month == 11 then
    -- February, whose year is that of the next March
    local year = yoe + 1

    days = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) and 29 or 28
  end

  local from = day - (doy - first) * 86400

  return from, from + days * 86400
end


--[[
The limits: each is read and decided, and nothing is written.

A rate is a backlog that is worked off, as it was when it was last added to:
  "<us> <backlog>"
A request adds REQUEST; the rate in force takes off as many as it has units
in each microsecond.  A time of the future means that the clock has gone
back: nothing has been worked off since, and the backlog counts from now.

A quota is "<first second of the window> <used>".  In a window of the future,
the next one stays the one that counts, or else its edge would be passed
twice, each time with a full quota; what was counted in one further away
counts in the present one.

Slots are a sorted set of "<owner>:<length of the lease>" by the ends of the
leases.  They are taken also while the limit is lifted, so that they are all
counted when it is not.
]]

-- Three words for the verdict, then the numbers of each limit: a copy of ARGV
-- from three in front of its limits on has as many.  Until it is sent,
-- "remains" of a concurrency has what ended leases leave as well.
local reply = { unpack(ARGV, JR_ADMIT_LIMITS - JR_FORWARD_LIMITS + 1) }

-- backlogs, and what is used of quotas; counters ahead of the clock, to be set
-- right; what is consumed should all pass.  Those that are filled have room
-- for four limits from the start: growing costs more.
local used, mends = { false, false, false, false }, {}
local consumed = { "-", "-", "-", "-" }

local refusing, wait = 0, 0

for i = 1, count do
  local n = ARGS + JR_LIMIT_ARG_LAST * i
  local m = REPLIES + JR_LIMIT_REPLY_LAST * i
  local key = KEYS[JR_ADMIT_KEY_OVERRIDES + i]
  local kind, limit = ARGV[n + JR_LIMIT_ARG_KIND],
                      ARGV[n + JR_LIMIT_ARG_COUNT] + 0
  local state, again = lifted[i] and 3 or 0, 0
  local period, burst, left, reset = 0, 0, 0, 0

  consumed[i] = "-"

  if kind == "rate" then
    period = ARGV[n + JR_LIMIT_ARG_PERIOD] + 0
    burst = ARGV[n + JR_LIMIT_ARG_BURST] + 0

    if state == 0 and limit == 0 then
      state, reset, again = 1, BLOCKED_WAIT, BLOCKED_WAIT

    elseif state == 0 then
      local text = read("GET", key)
      local unit, backlog = limit * (REQUEST / period), 0

      if text then
        if text.err then
          return { verdict, second, third, fourth }
        end

        local seen, stored = match(text, "^(%d+) (%d+)$")

        if seen then
          seen, backlog = seen + 0, stored + 0

          -- more was left by a larger burst
          if backlog > (burst + 1) * REQUEST then
            backlog = (burst + 1) * REQUEST
          end

          if seen > now_us then
            mends[i] = true
          else
            backlog = backlog - (now_us - seen) * unit
            backlog = backlog > 0 and backlog or 0
          end
        end
      end

      if backlog > burst * REQUEST then
        reset = (backlog - burst * REQUEST + unit * 1000 - 1) / (unit * 1000)
        reset = reset - reset % 1
        state, again = 1, reset
      else
        consumed[i] = "r"
      end

      used[i] = backlog
    end

  elseif kind == "quota" then
    local from, to = window_of(ARGV[n + JR_LIMIT_ARG_PERIOD], now_s)

    if state == 0 then
      local text = read("GET", key)
      local counted = 0

      if text then
        if text.err then
          return { verdict, second, third, fourth }
        end

        local of, n_used = match(text, "^(%d+) (%d+)$")

        of = of and of + 0

        if of and of >= from then
          counted = n_used + 0

          if counted > COUNT_MOST then
            counted = COUNT_MOST
          end

          if of == to then
            from, to = window_of(ARGV[n + JR_LIMIT_ARG_PERIOD], to)

          elseif of > to then
            mends[i] = true
          end
        end
      end

      left = limit > counted and limit - counted or 0
      reset, used[i] = to * 1000 - now, counted

      -- the first attempt has paid for the run it may have made
      if before ~= "unknown" then
        -- of no use where all do not pass
        if not verdict and refusing == 0 then
          consumed[i] = "q:" .. format("%d", from)
        end

        if left == 0 then
          state, again = 1, limit == 0 and BLOCKED_WAIT or reset
        end
      end
    end

    period = to - from

  elseif not verdict then
    left = limit - call("ZCARD", key)

    -- those whose lease has ended are among them
    if state == 0 and left <= 0
       and call("ZCOUNT", key, format("(%d", now), "+inf") >= limit
    then
      state, again = 1, limit == 0 and BLOCKED_WAIT or 1000
    end

    consumed[i] = "c"
  end

  if state == 1 and ARGV[n + JR_LIMIT_ARG_MODE] == "dry_run" then
    state, consumed[i] = 2, "-"

  elseif again > wait then
    refusing, wait = i, again
  end

  reply[m + JR_LIMIT_REPLY_STATE] = state
  reply[m + JR_LIMIT_REPLY_COUNT] = limit
  reply[m + JR_LIMIT_REPLY_PERIOD] = period
  reply[m + JR_LIMIT_REPLY_BURST] = burst
  reply[m + JR_LIMIT_REPLY_REMAINING] = left
  reply[m + JR_LIMIT_REPLY_RESET] = reset
end


-- all is decided: from here on what passes is written, the record first, and
-- all is told

local passes = not verdict and refusing == 0
local lease_end = passes and format("%d", now + lease)

if passes then
  if damaged then
    -- memory is asked for before anything is lost
    call("SET", record, "")
    call("DEL", record)
  end

  if damaged or not expires then
    expires = now + ARGV[JR_ADMIT_LIFE]
  end

  local text = format("%d", expires)

  call("HSET", record, "v", "1", "s", "c", "o", owner, "l", lease_end,
       "t", ARGV[JR_ADMIT_LEASE], "f", fingerprint,
       "r", first_id or ARGV[JR_ADMIT_REQUEST_ID], "x", text,
       "k", table.concat(consumed, " ", 1, count),
       "w", before == "unknown" and "u" or "", "i", ARGV[JR_ADMIT_REQUEST_ID],
       "b", format("%d", now))

  -- never ends under a running attempt; what its lease leaves behind stays
  -- long enough to be seen as unknown
  if expires < now + 2 * lease then
    text = format("%d", now + 2 * lease)
  end

  call("PEXPIREAT", record, text)

end

for i = 1, count do
  local m = REPLIES + JR_LIMIT_REPLY_LAST * i
  local key = KEYS[JR_ADMIT_KEY_OVERRIDES + i]
  local kind = ARGV[ARGS + JR_LIMIT_ARG_LAST * i + JR_LIMIT_ARG_KIND]
  local state, limit = reply[m + JR_LIMIT_REPLY_STATE],
                       reply[m + JR_LIMIT_REPLY_COUNT]
  local period, left = reply[m + JR_LIMIT_REPLY_PERIOD],
                       reply[m + JR_LIMIT_REPLY_REMAINING]
  local takes = passes and consumed[i] ~= "-"

  if kind == "rate" then
    local backlog = used[i]

    if backlog then
      local unit = limit * (REQUEST / period)

      backlog = takes and backlog + REQUEST or backlog

      -- nothing is left of it then; %d cuts a fraction off
      local ends = backlog > 0
                   and format("%d", (now_us + backlog / unit) / 1000 + 1)

      if takes then
        call("SET", key, format("%d %d", now_us, backlog), "PXAT", ends)

      elseif verdict or not ends then
        -- nothing is to be written

      elseif mends[i] then
        redis.pcall("SET", key, format("%d %d", now_us, backlog), "PXAT",
                    ends)

      elseif state ~= 0 or overridden[i] then
        -- a rate that was lowered meanwhile takes longer
        redis.pcall("PEXPIREAT", key, ends, "GT")
      end

      if state == 0 then
        -- how many more pass at this moment, and when it is one more
        local burst = reply[m + JR_LIMIT_REPLY_BURST]
        local free = burst * REQUEST - backlog
        local more, reset = 0, 0

        if free >= 0 then
          more = (free - free % REQUEST) / REQUEST + 1
        end

        if more <= burst then
          reset = (more * REQUEST - free + unit * 1000 - 1) / (unit * 1000)
        end

        reply[m + JR_LIMIT_REPLY_REMAINING] = more
        reply[m + JR_LIMIT_REPLY_RESET] = reset - reset % 1
      end
    end

  elseif kind == "quota" then
    local ends = now + reply[m + JR_LIMIT_REPLY_RESET]

    if takes then
      left = left - 1
      call("SET", key, format("%d %d", ends / 1000 - period, used[i] + 1),
           "PXAT", format("%d", ends))

    elseif mends[i] and not verdict then
      redis.pcall("SET", key, format("%d %d", ends / 1000 - period, used[i]),
                  "PXAT", format("%d", ends))
    end

    reply[m + JR_LIMIT_REPLY_REMAINING] = left

    if limit == 0 and state ~= 3 then
      reply[m + JR_LIMIT_REPLY_RESET] = BLOCKED_WAIT
    end

  else
    if takes then
      local others = left < limit

      if others then
        left = left + call("ZREMRANGEBYSCORE", key, "-inf",
                           format("%d", now))
      end

      call("ZADD", key, lease_end, owner .. ":" .. ARGV[JR_ADMIT_LEASE])

      -- GT never sets one where there is none yet
      if not others then
        call("PEXPIREAT", key, lease_end)
      elseif call("PEXPIREAT", key, lease_end, "GT") == 0 then
        call("PEXPIREAT", key, lease_end, "NX")
      end

      left = left - 1

    elseif state == 0 then
      -- of what was just seen to be empty nothing needs to be counted
      local live = (verdict or left < limit)
                   and read("ZCOUNT", key, format("(%d", now), "+inf") or 0

      if verdict and type(live) == "table" then
        return { verdict, second, third, fourth }
      end

      left = limit - live

    elseif not verdict and limit > 0 and state ~= 3 then
      -- of those that refuse, some may end further ahead than they are long
      local ahead = redis.pcall("ZRANGEBYSCORE", key,
                                format("(%d", now + lease), "+inf",
                                "WITHSCORES", "LIMIT", "0", "100")

      for j = 1, #ahead, 2 do
        local length = match(ahead[j], ":(%d%d?%d?%d?%d?%d?)$")

        length = length and length + 0 or lease

        if ahead[j + 1] - now > length then
          redis.pcall("ZADD", key, "XX", format("%d", now + length), ahead[j])
        end
      end
    end

    reply[m + JR_LIMIT_REPLY_REMAINING] = state == 0 and left > 0 and left or 0
  end

  if verdict and state ~= 3 then
    -- the token alone has decided
    reply[m + JR_LIMIT_REPLY_STATE] = 0
  end
end

if passes then
  verdict, second, third = "forward", damaged and "damaged" or before, bad

elseif not verdict then
  verdict, second, third, fourth = "limited", refusing, wait, bad
end

reply[JR_REPLY_VERDICT], reply[2], reply[3] = verdict, second, third

if fourth then
  table.insert(reply, 4, fourth)
elseif not third then
  table.remove(reply, 3)
end

return reply
