--[[
Admits one attempt to create a job run, in one atomic step: the token's
record and every limit are read, then all is decided, then all is written.
A refusal writes nothing, but to set right a counter that is ahead of the
clock.

KEYS  1      record of the token, or of the attempt where there is no token
      2      hash of the tenant's overrides
      3...   one key per limit, in the order of the limits in ARGV

ARGV  1      owner of this attempt: 32 hex digits
      2      fingerprint of the request, "<version>:<hex>"
      3      opc-request-id of this attempt
      4      lease in ms
      5      life of the record in ms, from its first use
      6      "forward" or "refuse": the retry of an unknown token; behind it
             ":" and the SHA-1 of a kept answer that was found damaged
      7...   six per limit: kind ("rate", "quota", "slots"), name, three
             numbers, "enforce" or "dry_run"
               rate    count, period in us, burst
               quota   limit, window ("hour", "day", "month"), 0
               slots   limit, 0, 0

Reply: an array, the verdict first
      "forward"   state before ("absent", "unknown", "damaged"), bad
                  overrides, limits...
      "limited"   index of the limit from 1, wait in ms, bad overrides,
                  limits...
      "replay"    kept answer, request id of the attempt that made it,
                  limits...
      "unkept"    location, run key, request id of the attempt, limits...
      "running"   ms until the lease ends, request id of the attempt,
                  limits...
      "mismatch"  request id of the first attempt, limits...
      "refused"   request id of the first attempt, "damaged" or "", limits...

A record that none of us can have written, or whose answer is damaged, counts
as unknown, and is written anew.

bad overrides are the fields that hold nonsense, with a blank between them.

limits... are six integers for each, or nothing at all where they cannot be
read and the token alone has decided: state (0 passes, 1 refuses, 2 would
refuse but is dry_run, 3 lifted), the three numbers in force (of a quota the
second is its window in seconds), what remains, ms until there is more.

The record is a hash:
      v  format, "1"                  s  "c" claimed, "d" done, "u" unknown
      o  owner                        l  end of the lease, ms
      f  fingerprint                  r  request id of the first attempt
      x  end of the record, ms        k  what the attempt consumed
      w  "u": claimed over an unknown outcome
      i  request id of the owner      a  the kept answer
      n  location of the run          j  key of the run

Numbers are doubles: everything stays an integer below 2^52, where floor() of
a quotient is exact, and is printed with %d: a long in C, at half the cost of
what .. makes of a number.  The clock is this server's own.

All of this runs for each request, and Lua makes the functions and tables of
a script anew each time.  So it is straight code: x - x % 1 is floor(x), what
few requests need is inside their branch, and the reply is also the notebook.
]]

local call, match, format = redis.call, string.match, string.format
local KEYS, ARGV = KEYS, ARGV

local record, overrides = KEYS[1], KEYS[2]
local owner, fingerprint, request_id = ARGV[1], ARGV[2], ARGV[3]
local on_unknown, count = ARGV[6], #KEYS - 2

local RATE_MOST, COUNT_MOST = 1000000, 1000000000000

-- when to ask again where nothing passes until somebody changes the number
local BLOCKED_WAIT = 60000

local time = redis.call("TIME")
local now_s = time[1] + 0
local now_us = now_s * 1000000 + time[2]
local now = (now_us - now_us % 1000) / 1000

-- most tokens are new, and most tenants have no overrides
local there = call("EXISTS", record, overrides)


-- the token

local before, damaged, first_id, expires = "absent", false, nil, nil

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


-- Overrides: their numbers take the place of those in ARGV, and "none" lifts
-- a limit.  Nonsense is left out and told.

local read, lifted, bad = verdict and redis.pcall or call, {}, ""

if there > 0 and count > 0 then
  local UNITS = { s = 1000000, m = 60000000, h = 3600000000 }
  local names, nonsense = {}, {}

  for i = 1, count do
    local name = ARGV[6 * i + 2]

    if ARGV[6 * i + 1] == "rate" then
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
    local n, rate = 6 * i, ARGV[6 * i + 1] == "rate"

    if fields[at] == "none" then
      lifted[i] = true

    elseif rate then
      local value, unit = number(at, RATE_MOST, true)
      local burst = number(at + 1, RATE_MOST)

      ARGV[n + 3] = value or ARGV[n + 3]
      ARGV[n + 4] = unit or ARGV[n + 4]
      ARGV[n + 5] = burst or ARGV[n + 5]

    else
      ARGV[n + 3] = number(at, COUNT_MOST) or ARGV[n + 3]
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

A rate is GCRA.  The theoretical arrival time is kept as whole microseconds
and a fraction in 1/count of one, so that any rate is exact over any time:
  "<us> <fraction> <count>"
Below, ahead is how far it is ahead of now, in 1/count of a microsecond: a
request is a period of them.

A quota is "<first second of the window> <used>".  A window of the future
means that the clock has gone back.  The next one stays the one that counts,
or else its edge would be passed twice, each time with a full quota; what was
counted in one further away counts in the present one.

Slots are a sorted set of owners by the end of their leases.  They are taken
also while the limit is lifted, so that they are all counted when it is not.
]]

-- Three words for the verdict, then six numbers of each limit: a copy of ARGV
-- from the lease on has as many.  Until it is told, "remains" of a rate that
-- passes is how far it is ahead, and of slots what ended leases leave as well.
local reply = { unpack(ARGV, 4) }

-- of counters ahead of the clock, to be set right: what is used
local mends = {}

local refusing, wait = 0, 0

for i = 1, count do
  local n, key = 6 * i, KEYS[2 + i]
  local kind, limit = ARGV[n + 1], ARGV[n + 3] + 0
  local state, again = lifted[i] and 3 or 0, 0
  local period, burst, left, reset = 0, 0, 0, 0

  if kind == "rate" then
    period, burst = ARGV[n + 4] + 0, ARGV[n + 5] + 0

    if state == 0 and limit == 0 then
      state, reset, again = 1, BLOCKED_WAIT, BLOCKED_WAIT

    elseif state == 0 then
      local text = read("GET", key)
      local ahead, most = 0, burst * period + period

      if text then
        if text.err then
          return { verdict, second, third, fourth }
        end

        local us, fraction, of = match(text, "^(%d+) (%d+) (%d+)$")

        if us then
          us, fraction, of = us + 0, fraction + 0, of + 0
        end

        if us and us >= now_us and fraction < of and of <= RATE_MOST then

          -- beyond a full burst it came from a clock that has gone back, or
          -- from a slower rate or larger burst
          if us - now_us <= most / limit then
            fraction = fraction * limit / of
            ahead = (us - now_us) * limit + fraction - fraction % 1
          else
            ahead = most + 1
          end

          if ahead > most then
            ahead, mends[i] = most, most
          end
        end
      end

      if ahead > most - period then
        reset = (ahead - most + period + limit * 1000 - 1) / (limit * 1000)
        reset = reset - reset % 1
        state, again = 1, reset
      else
        left = ahead
      end
    end

  elseif kind == "quota" then
    local from, to = window_of(ARGV[n + 4], now_s)

    if state == 0 then
      local text = read("GET", key)
      local used = 0

      if text then
        if text.err then
          return { verdict, second, third, fourth }
        end

        local of, n_used = match(text, "^(%d+) (%d+)$")

        of = of and of + 0

        if of and of >= from then
          used = n_used + 0

          if used > COUNT_MOST then
            used = COUNT_MOST
          end

          if of == to then
            from, to = window_of(ARGV[n + 4], to)

          elseif of > to then
            mends[i] = used
          end
        end
      end

      left, reset = limit > used and limit - used or 0, to * 1000 - now

      -- the first attempt has paid for the run it may have made
      if left == 0 and before ~= "unknown" then
        state, again = 1, limit == 0 and BLOCKED_WAIT or reset
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
  end

  if state == 1 and ARGV[n + 6] == "dry_run" then
    state = 2

  elseif again > wait then
    refusing, wait = i, again
  end

  reply[n - 2], reply[n - 1], reply[n] = state, limit, period
  reply[n + 1], reply[n + 2], reply[n + 3] = burst, left, reset
end


-- all is decided: from here on what passes is written, and all is told

local passes, consumed = not verdict and refusing == 0, {}
local lease_end = passes and format("%d", now + ARGV[4])

for i = 1, count do
  local n, key = 6 * i, KEYS[2 + i]
  local kind, state, limit = ARGV[n + 1], reply[n - 2], reply[n - 1]
  local period, left = reply[n], reply[n + 2]
  local takes = passes and state == 0

  consumed[i] = "-"

  if kind == "rate" then
    local ahead = mends[i] or left

    if takes then
      ahead = ahead + period
      consumed[i] = "r:" .. ARGV[n + 3] .. ":" .. ARGV[n + 4]
    end

    if takes or mends[i] and not verdict then
      local us = now_us + (ahead - ahead % limit) / limit

      -- %d cuts a fraction off
      call("SET", key, format("%d %d %d", us, ahead % limit, limit),
           "PXAT", format("%d", us / 1000 + 1))
    end

    if state == 0 then
      -- how many more pass at this moment, and when it is one more
      local burst = reply[n + 1]
      local free = burst * period - ahead
      local more = free < 0 and 0 or (free - free % period) / period + 1
      local reset = 0

      if more <= burst then
        reset = (more * period - free + limit * 1000 - 1) / (limit * 1000)
      end

      reply[n + 2], reply[n + 3] = more, reset - reset % 1
    end

  elseif kind == "quota" then
    local used = mends[i]

    takes = takes and before ~= "unknown"

    if takes then
      used, left = limit - left + 1, left - 1
    end

    if takes or used and not verdict then
      local ends = now + reply[n + 3]
      local from = format("%d", ends / 1000 - period)

      call("SET", key, from .. " " .. format("%d", used),
           "PXAT", format("%d", ends))
      consumed[i] = takes and "q:" .. from or "-"
    end

    reply[n + 2] = left

    if limit == 0 and state ~= 3 then
      reply[n + 3] = BLOCKED_WAIT
    end

  else
    if passes and state ~= 2 then
      local others = left < limit

      if others then
        left = left + call("ZREMRANGEBYSCORE", key, "-inf",
                           format("%d", now))
      end

      call("ZADD", key, lease_end, owner)

      -- GT never sets one where there is none yet
      if not others then
        call("PEXPIREAT", key, lease_end)
      elseif call("PEXPIREAT", key, lease_end, "GT") == 0 then
        call("PEXPIREAT", key, lease_end, "NX")
      end

      consumed[i], left = "c", left - 1

    elseif state == 0 then
      local live = read("ZCOUNT", key, format("(%d", now), "+inf")

      if verdict and type(live) == "table" then
        return { verdict, second, third, fourth }
      end

      left = limit - live
    end

    reply[n + 2] = state == 0 and left > 0 and left or 0
  end

  if verdict and state ~= 3 then
    -- the token alone has decided
    reply[n - 2] = 0
  end
end

if passes then
  if damaged then
    call("DEL", record)
  end

  if damaged or not expires then
    expires = now + ARGV[5]
  end

  local text = format("%d", expires)

  call("HSET", record, "v", "1", "s", "c", "o", owner, "l", lease_end,
       "f", fingerprint, "r", first_id or request_id, "x", text,
       "k", table.concat(consumed, " "),
       "w", before == "unknown" and "u" or "", "i", request_id,
       "b", format("%d", now))

  -- never ends under a running attempt; what its lease leaves behind stays
  -- long enough to be seen as unknown
  if expires < now + 2 * ARGV[4] then
    text = format("%d", now + 2 * ARGV[4])
  end

  call("PEXPIREAT", record, text)

  verdict, second, third = "forward", damaged and "damaged" or before, bad

elseif not verdict then
  verdict, second, third, fourth = "limited", refusing, wait, bad
end

reply[1], reply[2], reply[3] = verdict, second, third

if fourth then
  table.insert(reply, 4, fourth)
elseif not third then
  table.remove(reply, 3)
end

return reply
