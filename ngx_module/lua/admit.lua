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

Reply: an array, a string for each attempt: its form, the letter of a verdict,
and what that has behind it; or an error, where that is all there is to say.
An owner whose
claim stands is told to forward again; every "forward" writes the lease, and
the slots that the record lists.  A record that the gateway cannot have
written, or whose response is corrupt, counts as unknown and is written again.

Times ahead of the clock mean that it has gone back.  A lease that ends further
ahead than it is long is set to end one such length from now: its owner may be
alive, and renews it before that.

Numbers are doubles: everything stays an integer below 2^53, and is printed
with %d.  The clock is this server's own.
]]

local call, try, spread = redis.call, redis.pcall, unpack
local pack, unpack = struct.pack, struct.unpack
local sub, byte, match, format = string.sub, string.byte, string.match,
                                 string.format
local KEYS, ARGV = KEYS, ARGV

--include record
--include counters
--include limits
--include slots

local RATE_MOST, COUNT_MOST = 1000000, 1000000000000

-- a request, in what a rate works off: n an hour are n of these in each us
local REQUEST = 3600000000

-- when to ask again where nothing passes until somebody changes the number
local BLOCKED_WAIT = 60000

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

local replies = {}

local function reply(i, letter, text)
  replies[i] = JR_SCRIPT_FORMAT .. letter .. text
end

-- attempts that an error of Redis has ended, and that error
local failed, failure = 0, nil

local function fail(i, err)
  failed, failure = failed + 1, err
  reply(i, JR_VERDICT_ERROR, err.err)
end

local deadline = ARGV[JR_ADMIT_DEADLINE] + 0

if deadline > 0 and now > deadline then
  for i = 1, attempts do
    reply(i, JR_VERDICT_LATE, pack(JR_LATE, now))
  end

  return replies
end


--[[
Limits.  Each kind has four functions: load() reads what there is of it, wait()
says for how many ms it refuses the next attempt (0: it passes), take() counts
one, and save() writes what was changed.

A rate is a backlog that is worked off, as it was when it was last added to.  A
request adds REQUEST; the rate in force takes off as many as it has units in
each microsecond.  A time of the future means that the clock has gone back:
nothing has been worked off since, and the backlog counts from now.
]]

local rate, quota, concurrency = {}, {}, {}
local kinds = { r = rate, q = quota, c = concurrency }

function rate.load(l, text, place)
  l.unit = l.count * (REQUEST / l.period)
  l.since = now_us

  -- what is not worked off at this moment stays as it is
  l.counts = l.count > 0 and not l.lifted

  if not place or not l.counts then
    return
  end

  local ends, since, backlog = unpack(JR_COUNTER, text, place)

  -- more was left by a larger burst
  local most = (l.burst + 1) * REQUEST
               + math.min(l.delay * 1000 * l.unit, RATE_MOST * REQUEST)

  if backlog > most then
    backlog = most
  end

  if since > now_us then
    l.ahead = true
  else
    backlog = backlog - (now_us - since) * l.unit
    backlog = backlog > 0 and backlog or 0
  end

  l.used, l.ends = backlog, ends
end

function rate.wait(l)
  if l.count == 0 then
    return BLOCKED_WAIT
  end

  local over = l.used - l.burst * REQUEST

  if over <= 0 then
    return 0
  end

  over = (over + l.unit * 1000 - 1) / (l.unit * 1000)

  return over - over % 1
end

function rate.take(l, _, turn)
  l.used = l.used + REQUEST
  l.changed = true

  return turn > 0 and "r:" .. format("%d", now + turn) or "r"
end

-- when nothing is left of it; also of one that was lowered meanwhile, which
-- takes longer, and one that is ahead of the clock

function rate.save(l)
  if l.counts and l.used > 0 then
    local ends = (now_us + l.used / l.unit) / 1000 + 1

    ends = ends - ends % 1

    if l.changed or l.ahead or ends > l.ends + 1 then
      l.ends, l.changed = ends, true
    end
  end
end


-- First second of the UTC window around a second, and of the next one.

local function window_of(name, at)
  local day = at - at % 86400

  if name == "d" then
    return day, day + 86400
  end

  if name == "h" then
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


-- In a window of the future, the next one stays the one that counts, or else
-- its edge would be passed twice, each time with a full quota; what was counted
-- in one further away counts in the present one.

function quota.load(l, text, place)
  local from, to = window_of(l.window, now_s)

  l.counts = not l.lifted

  if place and l.counts then
    local _, since, used = unpack(JR_COUNTER, text, place)

    if since >= from then
      l.used = used < COUNT_MOST and used or COUNT_MOST

      if since == to then
        from, to = window_of(l.window, to)
      elseif since > to then
        l.ahead = true
      end
    end
  end

  l.since, l.period, l.ends = from, to - from, to * 1000
  l.left = l.ends - now
  l.word = "q:" .. format("%d", from)
end

function quota.wait(l)
  if l.used < l.count then
    return 0
  end

  return l.count == 0 and BLOCKED_WAIT or l.left
end

function quota.take(l)
  l.used = l.used + 1
  l.changed = true

  return l.word
end

function quota.save(l)
  l.changed = l.changed or l.ahead
end


-- Slots are taken also while the limit is lifted, so that they are all counted
-- when it is not.  Those whose lease has ended are swept when they are in the
-- way.

function concurrency.load(l)
  local key = KEYS[JR_ADMIT_KEY_OVERRIDES + l.key]
  local held = try("ZCARD", key)

  if type(held) == "table" then
    return held
  end

  l.used = held

  if held >= l.count and not l.lifted then
    l.used = call("ZCOUNT", key, format("(%d", now), "+inf")
    l.sweep = l.used < held
  end
end

function concurrency.wait(l)
  if l.used < l.count and not l.awaited then
    return 0
  end

  return l.count == 0 and BLOCKED_WAIT or 1000
end

function concurrency.take(l, slot)
  local added = l.added or {}

  added[#added + 1] = format("%d", lease_end)
  added[#added + 1] = slot
  l.added = added
  l.used = l.used + 1

  return "c"
end

-- of those that refuse, some may end further ahead than they are long

local function slots_shorten(key)
  local ahead = try("ZRANGEBYSCORE", key, format("(%d", lease_end), "+inf",
                    "WITHSCORES", "LIMIT", "0", "100")

  for i = 1, #ahead, 2 do
    local length = match(ahead[i], ":(%d%d?%d?%d?%d?%d?)$")

    length = length and length + 0 or lease

    if ahead[i + 1] - now > length then
      try("ZADD", key, "XX", format("%d", now + length), ahead[i])
    end
  end
end

function concurrency.save(l)
  local key = KEYS[JR_ADMIT_KEY_OVERRIDES + l.key]

  if l.added then
    if l.sweep then
      call("ZREMRANGEBYSCORE", key, "-inf", format("%d", now))
    end

    slots_add(key, lease_end, lease, l.added)

  elseif l.refuses then
    slots_shorten(key)
  end
end


--[[
Overrides: their numbers take the place of the configured ones, and "none"
lifts a limit.  Nonsense is left out and told.
]]

local UNITS = { s = 1000000, m = 60000000, h = 3600000000 }

-- "<value> until <second>" is none from that second on

local function override_now(text)
  local value, ends = match(text or "", "^(.-) until (%d+)$")

  if value and #ends <= 11 then
    return ends + 0 > now_s and value
  end

  return text
end


-- the number that an override is, and the period that comes with a rate; or
-- nothing

local function override_read(text, most, is_rate)
  if #text > 16 then
    return nil
  end

  local digits, unit = match(text, "^%d+$"), nil

  if not digits and is_rate then
    digits, unit = match(text, "^(%d+)r/([smh])$")
  end

  if digits and digits + 0 <= most then
    return digits + 0, UNITS[unit]
  end
end


-- fields of limits that are overridden; those of nonsense, or an error

local function overrides_load(limits)
  local names, of, bad = {}, {}, {}

  for i = 1, count do
    local l = limits[i]

    for _, field in ipairs(l.kind == "r" and { "rate", "burst" }
                           or { "limit" })
    do
      names[#names + 1] = l.name .. "." .. field
      of[#of + 1] = { l, field }
    end
  end

  -- only what is needed, however much somebody has put there
  local fields = try("HMGET", KEYS[JR_ADMIT_KEY_OVERRIDES], spread(names))

  if fields.err then
    return string.find(fields.err, "WRONGTYPE", 1, true) and "*" or fields
  end

  for i = 1, #of do
    local l, field, text = of[i][1], of[i][2], override_now(fields[i])
    local value, unit

    if text == "none" and field ~= "burst" then
      l.lifted = true

    elseif text and not l.lifted then
      value, unit = override_read(text, l.kind == "r" and RATE_MOST
                                        or COUNT_MOST, field == "rate")

      if not value then
        bad[#bad + 1] = names[i]
      elseif field == "burst" then
        l.burst = value
      else
        l.count, l.period = value, unit or l.period
      end
    end
  end

  return table.concat(bad, " ")
end


-- most tokens are new, and most tenants have no overrides
local there = call("EXISTS", KEYS[JR_ADMIT_KEY_OVERRIDES],
                   spread(KEYS, records + 1))

-- the limits, once they are needed; fields of overrides that hold nonsense;
-- counters by the place of their key; why they cannot be read
local limits, bad, counters, unreadable = nil, "", {}, nil

local function limits_load()
  limits = limits or limits_read(shared, count)

  if there > 0 and count > 0 then
    bad = overrides_load(limits)

    if type(bad) == "table" then
      return bad
    end
  end

  for i = slots + 1, records - JR_ADMIT_KEY_OVERRIDES do
    counters[i] = try("GET", KEYS[JR_ADMIT_KEY_OVERRIDES + i]) or ""

    if type(counters[i]) == "table" then
      return counters[i]
    end
  end

  for i = 1, count do
    local l = limits[i]
    local text = counters[l.key]
    local failed = kinds[l.kind].load(l, text, text
                                               and counter_find(text, l.tag))

    if failed then
      return failed
    end
  end

  return false
end


-- An attempt that is to be forwarded: what its record becomes.  repairs are
-- records whose lease is ahead of the clock; held are slots of claims that
-- stand.
local forwards, repairs, held, decided = {}, {}, {}, false

local function forward(i, text, ends)
  if ends < now + 2 * lease then
    -- never ends under a running attempt; what its lease leaves behind stays
    -- long enough to be seen as unknown
    ends = now + 2 * lease
  end

  forwards[#forwards + 1] = { i, KEYS[records + i], text, format("%d", ends) }
end


-- used: of those limits that are not told as they are

local function measures(states, used)
  local parts = {}

  for i = 1, count do
    local l = limits[i]

    parts[i] = pack(JR_MEASURE, l.lifted and LIFTED or states[i] or PASSES,
                    l.count, l.kind == "c" and 0 or l.period,
                    l.kind == "r" and l.burst or 0,
                    used and used[i] or l.used, l.left or 0)
  end

  return table.concat(parts)
end


-- An owner whose claim stands asks again: the reply to its first admission was
-- lost.  Limits are told as they are now, where they can be read.

local function again(i, owner, text, flags, ends, head)
  forward(i, record_renewed(text, lease_end), ends)
  limits = limits or limits_read(shared, count)

  local k, states, used, turns = 0, {}, {}, {}

  for kind, turn in string.gmatch(sub(text, head + 1), "(%S):?(%S*)") do
    k = k + 1
    turns[k] = kind == "r" and match(turn, "^%d+$") and turn - now

    if kind == "c" and limits[k] and limits[k].key <= slots then
      held[#held + 1] = { KEYS[JR_ADMIT_KEY_OVERRIDES + limits[k].key],
                          owner .. ":" .. format("%d", lease) }
    end
  end

  if unreadable == nil then
    unreadable = limits_load()
  end

  -- its turn is the one that it was given

  for j = 1, unreadable and 0 or math.min(k, count) do
    local l, turn = limits[j], turns[j]

    if l.kind == "r" and l.counts and turn and turn > 0
       and turn <= JR_DELAY_MOST
    then
      states[j] = DELAYED
      used[j] = (l.burst + 1) * REQUEST + turn * 1000 * l.unit
    end
  end

  reply(i, JR_VERDICT_FORWARD,
        pack(JR_FORWARD, flags == JR_RECORD_RETRY and JR_BEFORE_UNKNOWN
                         or JR_BEFORE_ABSENT, 0, "")
        .. (unreadable and "" or measures(states, used)))
end


-- All limits decide together, all or nothing.  The retry of an unknown token
-- pays no quota: the first attempt has, for the run that it may have made.

local function admit(i, before, record, first, ends)
  if unreadable == nil then
    unreadable = limits_load()
  end

  if unreadable then
    return fail(i, unreadable)
  end

  local owner, version, print, life, id = spread(record)
  local pays = before == JR_BEFORE_ABSENT
  local states, turns, refusing, longest = {}, {}, 0, 0

  for k = 1, count do
    local l = limits[k]
    local wait = not l.lifted and (pays or l.kind ~= "q")
                 and kinds[l.kind].wait(l) or 0

    states[k] = wait == 0 and PASSES or l.dry and WOULD_REFUSE
                or l.kind == "r" and l.count > 0 and wait <= l.delay and DELAYED
                or REFUSES
    turns[k] = states[k] == DELAYED and wait or 0
    l.refuses = l.refuses or wait > 0 and l.count > 0

    if states[k] == REFUSES then
      -- less what it may be delayed for
      wait = l.kind == "r" and l.count > 0 and wait - l.delay or wait

      if wait > longest then
        refusing, longest = k, wait
      end
    end
  end

  decided = true

  if refusing > 0 then
    return reply(i, JR_VERDICT_LIMITED,
                 pack(JR_LIMITED, refusing, longest, #bad, bad)
                 .. measures(states))
  end

  local consumed = {}

  for k = 1, count do
    local l = limits[k]

    if states[k] % DELAYED == PASSES and (l.kind == "c"
                                or l.counts and (pays or l.kind == "r"))
    then
      consumed[k] = kinds[l.kind].take(l, owner .. ":"
                                          .. format("%d", lease), turns[k])
    else
      consumed[k] = "-"
    end
  end

  ends = ends or now + life

  forward(i, record_write(JR_STATE_CLAIMED, pays and 0 or JR_RECORD_RETRY,
                          lease_end, lease, ends, now, owner, version, print,
                          first or id, id, table.concat(consumed, " ")), ends)
  reply(i, JR_VERDICT_FORWARD, pack(JR_FORWARD, before, #bad, bad)
                               .. measures(states))
end


-- A claim of another attempt, whose lease runs.

local function running(i, text, kept_end, kept_lease, ends, id)
  if kept_lease == 0 or kept_lease > 999999 then
    kept_lease = lease
  end

  if kept_end - now > kept_lease then
    kept_end = now + kept_lease
    repairs[#repairs + 1] = { KEYS[records + i],
                              record_renewed(text, kept_end),
                              format("%d", math.max(ends,
                                                    now + 2 * kept_lease)) }
  end

  reply(i, JR_VERDICT_RUNNING, pack(JR_RUNNING, kept_end - now) .. id)
end


local function decide(i, text)
  local owner, version, print, life, id, corrupt =
        unpack(JR_ADMIT, ARGV[JR_ADMIT_SHARED + i])
  local record = { owner, version, print, life, id }

  if not text then
    return admit(i, JR_BEFORE_ABSENT, record)
  end

  local state, flags, kept_end, kept_lease, ends, _, kept_owner, kept_version,
        kept_print, head, first = record_read(type(text) == "string" and text)
  local before, first_id, last_id = JR_BEFORE_CORRUPT, nil, nil

  if state then
    before = JR_BEFORE_UNKNOWN
    first_id, last_id = record_ids(text, head, first)

    if state == JR_STATE_CLAIMED and kept_owner == owner then
      return again(i, owner, text, flags, ends, head)
    end

    if kept_print ~= print and kept_version == version then
      -- one of another version says nothing about sameness
      return reply(i, JR_VERDICT_MISMATCH, first_id)
    end

    if state == JR_STATE_DONE then
      if corrupt == "" or sub(text, head + 1, head + 8) ~= corrupt then
        replies[i] = text
        return
      end

      before, ends = JR_BEFORE_CORRUPT, nil

    elseif state == JR_STATE_CLAIMED and kept_end > now then
      return running(i, text, kept_end, kept_lease, ends, last_id)
    end
  end

  -- unknown, or claimed by an attempt that did not live to settle

  if refuse == 1 then
    return reply(i, JR_VERDICT_REFUSED, pack(JR_REFUSED, before)
                                        .. (first_id or ""))
  end

  admit(i, before, record, first_id, ends)
end


for i = 1, attempts do
  decide(i, there > 0 and try("GET", KEYS[records + i]))
end


-- All is decided.  The records are written first; where Redis refuses the first
-- of them, nothing is.

for n = 1, #forwards do
  local f = forwards[n]
  local done = (n == 1 and try or call)("SET", f[2], f[3], "PXAT", f[4])

  if done.err then
    for k = 1, #forwards do
      fail(forwards[k][1], done)
    end

    return failed == attempts and failure or replies
  end
end

for n = 1, #repairs do
  -- where there is no memory for it, the next reader does it
  try("SET", repairs[n][1], repairs[n][2], "PXAT", repairs[n][3])
end

for n = 1, #held do
  -- what is no set of slots by now must not cost the claim its lease
  if type(try("ZADD", held[n][1], format("%d", lease_end), held[n][2]))
     == "number"
  then
    slots_last(held[n][1], lease_end, lease)
  end
end


-- The counters of one key: those that other locations count by are left as they
-- are, until they have ended.

local function counters_save(i, text)
  local parts, own, last, at = { JR_SCRIPT_FORMAT }, {}, 0, 2

  for k = 1, count do
    local l = limits[k]

    if l.key == i and l.counts then
      own[l.tag] = true

      if l.used > 0 then
        parts[#parts + 1] = l.tag .. pack(JR_COUNTER, l.ends, l.since, l.used)
        last = l.ends > last and l.ends or last
      end
    end
  end

  local place, after = counter_at(text, at)

  while place do
    local ends = unpack(JR_COUNTER, text, place)

    if ends > now and not own[sub(text, at, place - 1)] then
      parts[#parts + 1] = sub(text, at, after - 1)
      last = ends > last and ends or last
    end

    at = after
    place, after = counter_at(text, at)
  end

  if last > 0 then
    (#forwards > 0 and call or try)("SET", KEYS[JR_ADMIT_KEY_OVERRIDES + i],
                                    table.concat(parts), "PXAT",
                                    format("%d", last))
  end
end

if decided then
  local changed = {}

  for k = 1, count do
    local l = limits[k]

    kinds[l.kind].save(l)
    changed[l.key] = changed[l.key] or l.changed
  end

  for i = slots + 1, records - JR_ADMIT_KEY_OVERRIDES do
    if changed[i] then
      counters_save(i, counters[i])
    end
  end
end

return failed == attempts and failure or replies
