--[[
Admits one attempt to create a job run, in one atomic step: the token's
record and every limit are read, then all is decided, then all is written.
A refusal writes nothing.

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
      "forward"   state before ("absent", "unknown", "damaged"), bad override
                  or "", limits...
      "limited"   index of the limit from 1, wait in ms, bad override or "",
                  limits...
      "replay"    kept answer, request id of the attempt that made it
      "unkept"    location, run key, request id of the attempt
      "running"   ms until the lease ends, request id of the attempt
      "mismatch"  request id of the first attempt
      "refused"   request id of the first attempt, "damaged" or ""

A record that none of us can have written, or whose answer is damaged, counts
as unknown, and is written anew.

limits... are five integers for each: state (0 passes, 1 refuses, 2 would
refuse but is dry_run, 3 lifted or not counted), the limit in force, its
window in seconds, what remains, ms until it is whole again.

The record is a hash:
      v  format, "1"                  s  "c" claimed, "d" done, "u" unknown
      o  owner                        l  end of the lease, ms
      f  fingerprint                  r  request id of the first attempt
      x  end of the record, ms        k  what the attempt consumed
      w  "u": claimed over an unknown outcome
      i  request id of the owner      a  the kept answer
      n  location of the run          j  key of the run

Numbers are doubles: everything stays an integer below 2^53 and is printed
with %.0f.  The clock is this server's own.
]]

local record, overrides = KEYS[1], KEYS[2]
local owner, fingerprint, request_id = ARGV[1], ARGV[2], ARGV[3]
local lease, ttl = tonumber(ARGV[4]), tonumber(ARGV[5])
local on_unknown, bad_answer = string.match(ARGV[6], "^(%a+):?(%x*)$")

local time = redis.call("TIME")
local now_s = tonumber(time[1])
local now_us = now_s * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)

local MAX = 9007199254740992

local function int(value)
  return string.format("%.0f", value)
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


-- Days since 1970-01-01 of the first of a month and back: the civil
-- calendar counted in 400-year eras that begin in March.
local function days_from_civil(y, m)
  if m <= 2 then y = y - 1 end
  local era = math.floor(y / 400)
  local yoe = y - era * 400
  local doy = math.floor((153 * ((m + 9) % 12) + 2) / 5)
  local doe = yoe * 365 + math.floor(yoe / 4) - math.floor(yoe / 100) + doy

  return era * 146097 + doe - 719468
end

local function month_of(days)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460)
                          + math.floor(doe / 36524)
                          - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local m = mp < 10 and mp + 3 or mp - 9

  return yoe + era * 400 + (m <= 2 and 1 or 0), m
end

-- first second of the current UTC window and of the next one
local function window_of(name)
  if name == "hour" then
    local from = now_s - now_s % 3600
    return from, from + 3600
  end

  if name == "day" then
    local from = now_s - now_s % 86400
    return from, from + 86400
  end

  local y, m = month_of(math.floor(now_s / 86400))
  local from = days_from_civil(y, m)
  local to = m == 12 and days_from_civil(y + 1, 1) or days_from_civil(y, m + 1)

  return from * 86400, to * 86400
end


local UNITS = { s = 1000000, m = 60000000, h = 3600000000 }

local bad_override = ""

-- A number that overrides the configured one: the number itself, or a
-- string for what is no number but allowed.  Nonsense is left out and told.
local function override(fields, name, what, most)
  local field = name .. "." .. what
  local text = fields[field]

  if text == nil then
    return nil
  end

  if text == "none" and what ~= "burst" then
    return "none"
  end

  if #text <= 16 and string.match(text, "^%d+$") then
    local value = tonumber(text)

    if value <= most then
      return value
    end
  end

  if what == "rate" and #text <= 16 then
    local count, unit = string.match(text, "^(%d+)r/([smh])$")

    if count and tonumber(count) <= most then
      return tonumber(count), UNITS[unit]
    end
  end

  bad_override = field

  return nil
end


--[[
The limits.  Each decide_*() reads its key and returns a table:
  state, limit, window (s), remaining, reset (ms), wait (ms), and consume(),
  which writes and returns what settle.lua needs to give it back.
]]

local BLOCKED_WAIT = 60000

local function lifted()
  return { state = 3, limit = 0, window = 0, remaining = 0, reset = 0,
           wait = 0, consume = function() return "-" end }
end


--[[
GCRA.  The theoretical arrival time is kept as whole microseconds and a
fraction in 1/count of one, so that any rate is exact over any time:
  "<us> <fraction> <count>"
]]
local function decide_rate(key, fields, name, count, period, burst)
  local value, unit = override(fields, name, "rate", 1000000)

  if value == "none" then
    return lifted()
  end

  count = value or count
  period = unit or period
  burst = override(fields, name, "burst", 1000000) or burst

  if count == 0 then
    return { state = 1, limit = 0, window = 60, remaining = 0,
             reset = BLOCKED_WAIT, wait = BLOCKED_WAIT }
  end

  burst = math.min(burst, math.floor(MAX / period) - 2)

  local tat, frac = now_us, 0
  local text = redis.call("GET", key)

  if text then
    local us, fraction, of = string.match(text, "^(%d+) (%d+) (%d+)$")
    us, fraction, of = tonumber(us), tonumber(fraction), tonumber(of)

    if us and of > 0 and us >= now_us then
      tat, frac = us, math.floor(fraction * count / of)
    end
  end

  -- a stored time further ahead than a full burst came from another clock
  -- or from a slower rate
  local ahead_most = math.floor((burst + 1) * period / count) + 1

  if tat - now_us > ahead_most then
    tat, frac = now_us + ahead_most, 0
  end

  -- how far ahead we are and may be, in 1/count of a microsecond
  local ahead = (tat - now_us) * count + frac
  local allowed = burst * period
  local d = { state = ahead <= allowed and 0 or 1, limit = burst + 1,
              window = math.ceil((burst + 1) * period / count / 1000000),
              reset = math.ceil(ahead / count / 1000) }

  if d.state == 1 then
    d.wait = math.ceil((ahead - allowed) / count / 1000)
    d.remaining = 0
    return d
  end

  local next_ahead = ahead + period

  d.wait = 0
  d.remaining = next_ahead > allowed and 0
                or math.floor((allowed - next_ahead) / period) + 1

  d.consume = function()
    tat = tat + math.floor(period / count)
    frac = frac + period % count

    if frac >= count then
      tat, frac = tat + 1, frac - count
    end

    d.reset = math.ceil(next_ahead / count / 1000)
    redis.call("SET", key, int(tat) .. " " .. int(frac) .. " " .. int(count),
               "PX", int(d.reset + 1))

    return "r:" .. int(count) .. ":" .. int(period)
  end

  return d
end


-- "<first second of the window> <used>"
local function decide_quota(key, fields, name, limit, window)
  local value = override(fields, name, "limit", 1000000000000)

  if value == "none" then
    return lifted()
  end

  limit = value or limit

  local from, to = window_of(window)
  local used = 0
  local text = redis.call("GET", key)

  if text then
    local of, count = string.match(text, "^(%d+) (%d+)$")

    if tonumber(of) == from then
      used = tonumber(count)
    end
  end

  local reset = to * 1000 - now
  local d = { limit = limit, window = to - from, reset = reset, wait = 0,
              state = 0, remaining = limit - used - 1 }

  if used >= limit then
    d.state, d.wait, d.remaining = 1, reset, 0
    return d
  end

  d.consume = function()
    redis.call("SET", key, int(from) .. " " .. int(used + 1),
               "PXAT", int(to * 1000))

    return "q:" .. int(from)
  end

  return d
end


-- a sorted set of owners by the end of their leases
local function decide_slots(key, fields, name, limit)
  local value = override(fields, name, "limit", 1000000000000)

  if value == "none" then
    return lifted()
  end

  limit = value or limit

  local used = redis.call("ZCOUNT", key, "(" .. int(now), "+inf")
  local d = { limit = limit, window = 0, reset = 1000, wait = 0, state = 0,
              remaining = limit - used - 1 }

  if used >= limit then
    d.state, d.remaining = 1, 0
    d.wait = limit == 0 and BLOCKED_WAIT or 1000
    return d
  end

  d.consume = function()
    redis.call("ZREMRANGEBYSCORE", key, "-inf", int(now))
    redis.call("ZADD", key, int(now + lease), owner)

    if redis.call("PTTL", key) < lease then
      redis.call("PEXPIRE", key, int(lease))
    end

    return "c"
  end

  return d
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
    return { "forward", kept[7] == "u" and "unknown" or "absent", "" }
  end

  if not same_request(kept[4]) then
    return { "mismatch", first_id or "" }
  end

  if state == "d" then
    local done = redis.call("HMGET", record, "a", "n", "j", "i")

    if not done[1] then
      return { "unkept", done[2] or "", done[3] or "", done[4] or "" }
    end

    if bad_answer == "" or redis.sha1hex(done[1]) ~= bad_answer then
      return { "replay", done[1], done[4] or "" }
    end

    damaged = true
  end

  if state == "c" and lease_end > now then
    return { "running", lease_end - now, redis.call("HGET", record, "i") or "" }
  end
end

if state or damaged then
  -- unknown, or claimed by an attempt that did not live to settle
  before = "unknown"

  if on_unknown == "refuse" then
    return { "refused", first_id or "", damaged and "damaged" or "" }
  end
end


-- the limits

local limits, fields = {}, {}
local count = (#ARGV - 6) / 6

if count > 0 then
  local all = redis.call("HGETALL", overrides)

  for i = 1, #all, 2 do
    fields[all[i]] = all[i + 1]
  end
end

local refusing, wait = 0, 0

for i = 1, count do
  local at = 6 + (i - 1) * 6
  local kind, name, key = ARGV[at + 1], ARGV[at + 2], KEYS[2 + i]
  local d

  if kind == "rate" then
    d = decide_rate(key, fields, name, tonumber(ARGV[at + 3]),
                    tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]))

  elseif kind == "slots" then
    d = decide_slots(key, fields, name, tonumber(ARGV[at + 3]))

  elseif before == "unknown" then
    -- the first attempt has paid for the run it may have made
    d = lifted()

  else
    d = decide_quota(key, fields, name, tonumber(ARGV[at + 3]), ARGV[at + 4])
  end

  if d.state == 1 then
    if ARGV[at + 6] == "dry_run" then
      d.state = 2

    elseif d.wait > wait then
      -- the one that holds longest is the one to name
      refusing, wait = i, d.wait
    end
  end

  limits[i] = d
end

-- unspent: what a limit that passes would have taken, had we admitted
local function told(reply, unspent)
  for i = 1, count do
    local d = limits[i]

    reply[#reply + 1] = d.state
    reply[#reply + 1] = d.limit
    reply[#reply + 1] = d.window
    reply[#reply + 1] = d.remaining + (d.state == 0 and unspent or 0)
    reply[#reply + 1] = d.reset
  end

  return reply
end

if refusing > 0 then
  return told({ "limited", refusing, wait, bad_override }, 1)
end


-- all passes: from here on only writes

local consumed = {}

for i = 1, count do
  local d = limits[i]

  consumed[i] = d.state == 0 and d.consume() or "-"
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

return told({ "forward", damaged and "damaged" or before, bad_override }, 0)
