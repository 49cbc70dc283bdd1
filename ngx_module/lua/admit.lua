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
a quotient is exact, and is printed with %d: a long in C, at a tenth of the
cost of %.0f.  The clock is this server's own.
]]

local record, overrides = KEYS[1], KEYS[2]
local owner, fingerprint, request_id = ARGV[1], ARGV[2], ARGV[3]
local lease, ttl = tonumber(ARGV[4]), tonumber(ARGV[5])
local on_unknown, bad_answer = string.match(ARGV[6], "^(%a+):?(%x*)$")

local time = redis.call("TIME")
local now_s = tonumber(time[1])
local now_us = now_s * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)

local function int(value)
  return string.format("%d", value)
end

-- a time in ms that one of us wrote; what is none would fail us behind the
-- first write
local function ms(text)
  return text and #text <= 15 and string.match(text, "^%d+$")
         and tonumber(text) or nil
end

-- a fingerprint of another version says nothing about sameness
local function same_request(kept)
  local kept_version = string.match(kept, "^(%d+):")

  return kept == fingerprint
         or kept_version ~= string.match(fingerprint, "^(%d+):")
end


-- first second of the UTC window around a second, and of the next one
local function window_of(name, at)
  if name == "hour" then
    local from = at - at % 3600
    return from, from + 3600
  end

  if name == "day" then
    local from = at - at % 86400
    return from, from + 86400
  end

  -- The civil calendar, counted in 400-year eras that begin in March: the
  -- year and month of a day since 1970-01-01, and the day a month begins.
  local z = math.floor(at / 86400) + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460)
                          + math.floor(doe / 36524)
                          - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local month = era * 4800 + yoe * 12 + math.floor((5 * doy + 2) / 153)

  local function first_of(n)
    local m, y = n % 12, math.floor(n / 12)
    local e = math.floor(y / 400)
    local of = y - e * 400

    return (e * 146097 + of * 365 + math.floor(of / 4) - math.floor(of / 100)
            + math.floor((153 * m + 2) / 5) - 719468) * 86400
  end

  return first_of(month), first_of(month + 1)
end


--[[
The limits.  Each decide_*() reads its key and returns a table: state, the
numbers in force, remaining, reset and wait (ms), and where they apply
      consume()   takes one, tells what remains, and returns what settle.lua
                  needs to give it back
      mend()      writes a counter that is ahead of the clock where it can be
]]

local RATE_MOST, COUNT_MOST = 1000000, 1000000000000
local UNITS = { s = 1000000, m = 60000000, h = 3600000000 }

-- when to ask again where nothing passes until somebody changes the number
local BLOCKED_WAIT = 60000

local fields, bad_overrides = {}, {}

-- A number that overrides the configured one, and the period that comes with
-- a rate; or "none".  Nonsense is left out and told.
local function override(name, what, most)
  local field = name .. "." .. what
  local text = fields[field]

  if not text then
    return nil
  end

  if text == "none" and what ~= "burst" then
    return "none"
  end

  if #text <= 16 then
    local digits, unit = string.match(text, "^(%d+)$"), nil

    if not digits and what == "rate" then
      digits, unit = string.match(text, "^(%d+)r/([smh])$")
    end

    if digits and tonumber(digits) <= most then
      return tonumber(digits), UNITS[unit]
    end
  end

  bad_overrides[#bad_overrides + 1] = field

  return nil
end


local function div_ceil(a, b)
  return math.floor((a + b - 1) / b)
end


--[[
GCRA.  The theoretical arrival time is kept as whole microseconds and a
fraction in 1/count of one, so that any rate is exact over any time:
  "<us> <fraction> <count>"
Below, ahead is how far it is ahead of now, in 1/count of a microsecond: a
request is a period of them.
]]
local function decide_rate(key, name, count, period, burst)
  local value, unit = override(name, "rate", RATE_MOST)
  local d = { state = 0, wait = 0 }

  if value == "none" then
    d.state, d.remaining, d.reset = 3, 0, 0
    d[1], d[2], d[3] = count, period, burst
    return d
  end

  count = value or count
  period = unit or period
  burst = override(name, "burst", RATE_MOST) or burst

  d[1], d[2], d[3] = count, period, burst

  if count == 0 then
    d.state, d.remaining, d.reset, d.wait = 1, 0, BLOCKED_WAIT, BLOCKED_WAIT
    return d
  end

  local ahead, allowed = 0, burst * period
  local text = redis.call("GET", key)

  if text then
    local us, fraction, of = string.match(text, "^(%d+) (%d+) (%d+)$")
    us, fraction, of = tonumber(us), tonumber(fraction), tonumber(of)

    if us and us >= now_us and fraction < of and of <= RATE_MOST then
      local most = allowed + period

      -- beyond a full burst it came from a clock that has gone back, or from
      -- a slower rate or larger burst
      if us - now_us <= most / count then
        ahead = (us - now_us) * count + math.floor(fraction * count / of)
      else
        ahead = most + 1
      end

      if ahead > most then
        ahead, d.mend = most, true
      end
    end
  end

  local function store()
    local us = now_us + math.floor(ahead / count)

    redis.call("SET", key, int(us) .. " " .. int(ahead % count) .. " "
               .. int(count), "PXAT", int(math.floor(us / 1000) + 1))
  end

  local function tell()
    d.remaining = ahead > allowed and 0
                  or math.floor((allowed - ahead) / period) + 1
    d.reset = d.remaining > burst and 0
              or div_ceil(ahead - allowed + d.remaining * period,
                          count * 1000)
  end

  tell()

  if d.mend then
    d.mend = store
  end

  if d.remaining == 0 then
    d.state, d.wait = 1, d.reset
    return d
  end

  d.consume = function()
    ahead = ahead + period
    store()
    tell()

    return "r:" .. int(count) .. ":" .. int(period)
  end

  return d
end


--[[
"<first second of the window> <used>".  A window of the future means that the
clock has gone back.  The next one stays the one that counts, or else its
edge would be passed twice, each time with a full quota; what was counted in
one further away counts in the present one.
]]
local function decide_quota(key, name, limit, window)
  local value = override(name, "limit", COUNT_MOST)
  local from, to = window_of(window, now_s)
  local d = { state = 0, wait = 0 }
  local used = 0

  if value == "none" then
    d.state, d.remaining, d.reset = 3, 0, 0
    d[1], d[2], d[3] = limit, to - from, 0
    return d
  end

  limit = value or limit

  local text = redis.call("GET", key)

  if text then
    local of, count = string.match(text, "^(%d+) (%d+)$")
    of, count = tonumber(of), tonumber(count)

    if of and of >= from then
      used = math.min(count, COUNT_MOST)

      if of == to then
        from, to = window_of(window, to)
      else
        d.mend = of > to
      end
    end
  end

  d[1], d[2], d[3] = limit, to - from, 0
  d.remaining = math.max(limit - used, 0)
  d.reset = to * 1000 - now

  local function store()
    redis.call("SET", key, int(from) .. " " .. int(used),
               "PXAT", int(to * 1000))
  end

  if d.mend then
    d.mend = store
  end

  if d.remaining == 0 then
    d.state = 1
    d.reset = limit == 0 and BLOCKED_WAIT or d.reset
    d.wait = d.reset
    return d
  end

  d.consume = function()
    used = used + 1
    store()
    d.remaining = d.remaining - 1

    return "q:" .. int(from)
  end

  return d
end


-- A sorted set of owners by the end of their leases.  Slots are taken also
-- while the limit is lifted, so that they are all counted when it is not.
local function decide_slots(key, name, limit)
  local value = override(name, "limit", COUNT_MOST)
  local d = { state = 0, wait = 0, reset = 0 }

  if value == "none" then
    d.state, d.remaining = 3, 0

  else
    limit = value or limit
    d.remaining = math.max(limit - redis.call("ZCOUNT", key,
                                              "(" .. int(now), "+inf"), 0)
  end

  d[1], d[2], d[3] = limit, 0, 0

  if d.state == 0 and d.remaining == 0 then
    d.state = 1
    d.wait = limit == 0 and BLOCKED_WAIT or 1000
    return d
  end

  d.consume = function()
    redis.call("ZREMRANGEBYSCORE", key, "-inf", int(now))
    redis.call("ZADD", key, int(now + lease), owner)

    -- GT never sets one where there is none yet
    if redis.call("PEXPIREAT", key, int(now + lease), "GT") == 0 then
      redis.call("PEXPIREAT", key, int(now + lease), "NX")
    end

    d.remaining = math.max(d.remaining - 1, 0)

    return "c"
  end

  return d
end


local limits = {}
local count = (#ARGV - 6) / 6

local function read_overrides()
  local names = {}

  for i = 1, count do
    local at = 6 + (i - 1) * 6
    local name = ARGV[at + 2]

    if ARGV[at + 1] == "rate" then
      names[#names + 1] = name .. ".rate"
      names[#names + 1] = name .. ".burst"
    else
      names[#names + 1] = name .. ".limit"
    end
  end

  -- only what is needed, however much somebody has put there
  local found = redis.pcall("HMGET", overrides, unpack(names))

  if found.err then
    if not string.find(found.err, "WRONGTYPE", 1, true) then
      error(found)
    end

    bad_overrides[1] = "*"
    return
  end

  for i = 1, #names do
    fields[names[i]] = found[i]
  end
end

-- Decides all limits and writes nothing.  Returns the index of the refusing
-- one that holds longest, or 0, and its wait.
local function decide(paid)
  local refusing, wait = 0, 0

  if count > 0 then
    read_overrides()
  end

  for i = 1, count do
    local at = 6 + (i - 1) * 6
    local kind, name, key = ARGV[at + 1], ARGV[at + 2], KEYS[2 + i]
    local d

    if kind == "rate" then
      d = decide_rate(key, name, tonumber(ARGV[at + 3]),
                      tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]))

    elseif kind == "slots" then
      d = decide_slots(key, name, tonumber(ARGV[at + 3]))

    else
      d = decide_quota(key, name, tonumber(ARGV[at + 3]), ARGV[at + 4])

      if paid then
        d.state, d.consume = d.state == 3 and 3 or 0, nil
      end
    end

    if d.state == 1 then
      if ARGV[at + 6] == "dry_run" then
        d.state = 2

      elseif d.wait > wait then
        refusing, wait = i, d.wait
      end
    end

    limits[i] = d
  end

  return refusing, wait
end

local function mend()
  for i = 1, count do
    if limits[i].mend then
      limits[i].mend()
    end
  end
end

local function told(reply)
  for i = 1, count do
    local d, n = limits[i], #reply

    reply[n + 1], reply[n + 2], reply[n + 3] = d.state, d[1], d[2]
    reply[n + 4], reply[n + 5], reply[n + 6] = d[3], d.remaining, d.reset
  end

  return reply
end

-- The token alone has decided: the limits are told as they are, and have no
-- say, not even where they cannot be read.
local function without_limits(reply)
  if not pcall(decide) then
    return reply
  end

  for i = 1, count do
    limits[i].state = limits[i].state == 3 and 3 or 0
  end

  return told(reply)
end


-- the token

local kept = redis.pcall("HMGET", record, "s", "o", "l", "f", "r", "x", "w")
local damaged = kept.err ~= nil

if damaged then
  kept = {}
end

local state, kept_owner, lease_end = kept[1], kept[2], ms(kept[3])
local first_id, expires = kept[5], ms(kept[6])
local before = "absent"

if state then
  damaged = not expires
            or not (state == "d" or state == "u" or state == "c" and lease_end)
            or not string.match(kept[4] or "", "^%d+:%x+$")

elseif not damaged then
  damaged = redis.call("EXISTS", record) == 1
end

if state and not damaged then
  if state == "c" and kept_owner == owner then
    -- asked again: the reply to the first admission was lost
    return without_limits({ "forward",
                            kept[7] == "u" and "unknown" or "absent", "" })
  end

  if not same_request(kept[4]) then
    return without_limits({ "mismatch", first_id or "" })
  end

  if state == "d" then
    local done = redis.call("HMGET", record, "a", "n", "j", "i")

    if not done[1] then
      return without_limits({ "unkept", done[2] or "", done[3] or "",
                              done[4] or "" })
    end

    if bad_answer == "" or redis.sha1hex(done[1]) ~= bad_answer then
      return without_limits({ "replay", done[1], done[4] or "" })
    end

    damaged = true
  end

  if state == "c" and lease_end > now then
    return without_limits({ "running", lease_end - now,
                            redis.call("HGET", record, "i") or "" })
  end
end

if state or damaged then
  -- unknown, or claimed by an attempt that did not live to settle
  before = "unknown"

  if on_unknown == "refuse" then
    return without_limits({ "refused", first_id or "",
                            damaged and "damaged" or "" })
  end
end


-- the limits; the first attempt has paid for the run it may have made

local refusing, wait = decide(before == "unknown")
local bad = table.concat(bad_overrides, " ")

mend()

if refusing > 0 then
  return told({ "limited", refusing, wait, bad })
end


-- all passes: from here on only writes

local consumed = {}

for i = 1, count do
  local d = limits[i]

  consumed[i] = d.state ~= 2 and d.consume and d.consume() or "-"
end

if damaged then
  redis.call("DEL", record)
end

if not first_id then
  first_id = request_id
end

if not expires or damaged then
  expires = now + ttl
end

redis.call("HSET", record, "v", "1", "s", "c", "o", owner,
           "l", int(now + lease), "f", fingerprint, "r", first_id,
           "x", int(expires), "k", table.concat(consumed, " "),
           "w", before == "unknown" and "u" or "", "i", request_id)

-- never ends under a running attempt; what its lease leaves behind stays
-- long enough to be seen as unknown
redis.call("PEXPIREAT", record, int(math.max(expires, now + 2 * lease)))

return told({ "forward", damaged and "damaged" or before, bad })
