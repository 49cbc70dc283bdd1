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

--[[
A script is run anew for each call, which makes each function and each table
that it comes by.  So the way of most calls, new tokens of a tenant without
overrides, is straight, and what only others need is made in their branches.
"{ nil, nil }" has room for two, and need not grow.
]]

--include counters

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

local replies = { nil }

local function reply(i, letter, text)
  replies[i] = JR_SCRIPT_FORMAT .. letter .. text
end

local deadline = ARGV[JR_ADMIT_DEADLINE] + 0

if deadline > 0 and now > deadline then
  for i = 1, attempts do
    reply(i, JR_VERDICT_LATE, pack(JR_LATE, now))
  end

  return replies
end


--[[
Records.  Those that are there may decide by themselves; limits decide about
"open" attempts.  found has, of an attempt whose record is there, false where
that has decided, or what it says.
]]

local there = call("EXISTS", KEYS[JR_ADMIT_KEY_OVERRIDES],
                   spread(KEYS, records + 1))
local open, texts, found, repairs = attempts, nil, nil, nil

for i = 1, there > 0 and attempts or 0 do
  local text = try("GET", KEYS[records + i])

  if text then
    texts = texts or {}
    texts[i] = text
  end
end

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


-- Limits as they are configured, for what few calls need; fields of overrides
-- that hold nonsense; why limits cannot be read.
local configured, bad, unreadable = nil, "", nil

if there > 0 and open > 0 and count > 0 then
--include limits

--include overrides

  local names, n = { nil, nil, nil, nil, nil, nil, nil, nil }, 0

  configured = limits_read(shared, count)

  for k = 1, count do
    local l = configured[k]
    local is_rate = l.kind == "r"

    n = n + 1
    names[n] = l.name .. (is_rate and ".rate" or ".limit")

    if is_rate then
      n = n + 1
      names[n] = l.name .. ".burst"
    end
  end

  -- only what is needed, however much somebody has put there
  local fields = try("HMGET", KEYS[JR_ADMIT_KEY_OVERRIDES], spread(names, 1, n))

  if not fields.err then
    n = 0

    for k = 1, count do
      for j = 1, configured[k].kind == "r" and 2 or 1 do
        local i = n + j

        if fields[i] and override(configured[k], fields[i], j == 2) == false
        then
          bad = bad == "" and names[i] or bad .. " " .. names[i]
        end
      end

      n = n + (configured[k].kind == "r" and 2 or 1)
    end

  elseif string.find(fields.err, "WRONGTYPE", 1, true) then
    bad = "*"

  else
    unreadable = fields
  end
end


-- Counters by the place of their key: the text that is there, where the next
-- one is expected; what it becomes, when that ends; how long the old ones are
-- that this replaces.

local counters = { nil, nil, nil, nil }

for i = slots + 1, (unreadable or open == 0) and 0
                   or records - JR_ADMIT_KEY_OVERRIDES
do
  local text = try("GET", KEYS[JR_ADMIT_KEY_OVERRIDES + i]) or ""

  if type(text) == "table" then
    unreadable = text
    break
  end

  counters[i] = { text = text, becomes = JR_SCRIPT_FORMAT, last = 0,
                  replaced = 1, changed = false,
                  at = sub(text, 1, 1) == JR_SCRIPT_FORMAT and 2
                       or #text + 1 }
end


--include window


--[[
Limits.  Of each: how much is used, and the most of that with which the next
attempt passes; whether it counts now; its state for an attempt that passes;
"word", what a record says where that is not the kind alone.

A rate is a backlog that is worked off, as it was when it was last added to.  A
request adds REQUEST; the rate in force takes off as many as it has units in
each microsecond.  A time of the future means that the clock has gone back:
nothing has been worked off since, and the backlog counts from now.

A quota counts in a window.  In one of the future, the next one stays the one
that counts, or else its edge would be passed twice, each time with a full
quota; what was counted in one further away counts in the present one.

Slots are taken also while the limit is lifted, so that they are all counted
when it is not.  Those whose lease has ended are swept when they are in the
way.
]]

local limits, at = { nil, nil, nil, nil }, JR_SHARED_SIZE + 1

for k = 1, (unreadable or open == 0) and 0 or count do
  local key, mode, number, period, burst, delay, kind, window, _, after =
        unpack(JR_LIMIT, shared, at)
  local tag = sub(shared, at + JR_LIMIT_TAG, after - 1)
  local lifted, used, ends, since, place = false, 0, 0, now_us, nil
  local c, ahead, sweep = counters[key], nil, nil

  at = after

  if configured then
    local l = configured[k]

    number, period, burst, lifted = l.count, l.period, l.burst, l.lifted
  end

  -- what is not worked off at this moment stays as it is
  local counts = not lifted and (kind ~= "r" or number > 0)
  local most = number - 1

  if c and counts and #c.text > 1 then
    place = c.at + #tag

    -- they are written in the order in which they are read
    if sub(c.text, c.at, place - 1) ~= tag
       or place + JR_COUNTER_SIZE > #c.text + 1
    then
      place = counter_find(c.text, tag)
    end

    if place then
      ends, since, used, c.at = unpack(JR_COUNTER, c.text, place)
      c.replaced = c.replaced + #tag + JR_COUNTER_SIZE
    end
  end

  if kind == "r" then
    local unit = number * (REQUEST / period)

    if number > 0 then
      most = burst * REQUEST
    end

    if place then
      -- more was left by a larger burst
      local limit = most + REQUEST + math.min(delay * 1000 * unit,
                                              RATE_MOST * REQUEST)

      if used > limit then
        used = limit
      end

      if since > now_us then
        ahead = true
      else
        used = used - (now_us - since) * unit
        used = used > 0 and used or 0
      end
    end

    since = now_us

  elseif kind == "q" then
    local from, to = window_of(window, now_s)

    if place then
      if since < from then
        used = 0
      else
        used = used < COUNT_MOST and used or COUNT_MOST

        if since == to then
          from, to = window_of(window, to)
        elseif since > to then
          ahead = true
        end
      end
    end

    burst, since, period, ends = 0, from, to - from, to * 1000

  else
    used = try("ZCARD", KEYS[JR_ADMIT_KEY_OVERRIDES + key])

    if type(used) == "table" then
      unreadable = used
      break
    end

    if used > most and not lifted then
      local held = used

      used = call("ZCOUNT", KEYS[JR_ADMIT_KEY_OVERRIDES + key],
                  format("(%d", now), "+inf")
      sweep = used < held
    end

    burst, period, counts = 0, 0, true
    most = mode == JR_MODE_AWAITED and -1 or most
  end

  local l = { kind = kind, tag = tag, counter = c, count = number,
              period = period, burst = burst, used = used,
              most = lifted and 2^53 or most, counts = counts, ends = ends,
              since = since, passes = lifted and LIFTED or PASSES,
              delay = mode == JR_MODE_DRY_RUN and DRY_RUN or delay, state = 0 }

  -- further fields cost more than they do in the constructor

  if kind == "q" then
    l.word = "q:" .. format("%d", since)
  elseif kind == "c" then
    l.key = KEYS[JR_ADMIT_KEY_OVERRIDES + key]
  end

  if ahead then
    l.ahead = true
  end

  if sweep then
    l.sweep = true
  end

  limits[k] = l
end


local function measure(l, state, used)
  return pack(JR_MEASURE, state, l.count, l.period, l.burst, used,
              l.kind == "q" and l.ends - now or 0)
end


-- attempts that an error of Redis has ended, and that error
local failed, failure = 0, nil

local function fail(i, err)
  failed, failure = failed + 1, err
  reply(i, JR_VERDICT_ERROR, err.err)
end


-- Attempts that are to be forwarded: number, key, text and end of the record.
-- held are slots of claims that stand.
local forwards, forwarded, held, decided = { nil }, 0, nil, false

local function forward(i, text, ends)
  if ends < now + 2 * lease then
    -- never ends under a running attempt; what its lease leaves behind stays
    -- long enough to be seen as unknown
    ends = now + 2 * lease
  end

  forwarded = forwarded + 1
  forwards[forwarded] = { i, KEYS[records + i], text, ends }
end


-- An owner whose claim stands asks again: the reply to its first admission was
-- lost.  Limits are told as they are now, where they can be read.

local again

if found and open > 0 then
  function again(i, f)
    local k, turns, text = 0, {}, pack(JR_FORWARD, f.before, 0, "")

    forward(i, f.again, f.ends)

    for kind, turn in string.gmatch(f.consumed, "(%S):?(%S*)") do
      k = k + 1
      turns[k] = kind == "r" and match(turn, "^%d+$") and turn - now

      if kind == "c" and k <= count and configured[k].key <= slots then
        held = held or {}
        held[#held + 1] = { KEYS[JR_ADMIT_KEY_OVERRIDES + configured[k].key],
                            f.owner .. ":" .. format("%d", lease) }
      end
    end

    for j = 1, unreadable and 0 or count do
      local l, turn = limits[j], turns[j]

      -- its turn is the one that it was given
      if l.kind == "r" and l.counts and turn and turn > 0
         and turn <= JR_DELAY_MOST
      then
        local unit = l.count * (REQUEST / l.period)

        text = text .. measure(l, DELAYED, (l.burst + 1) * REQUEST
                                           + turn * 1000 * unit)
      else
        text = text .. measure(l, l.passes, l.used)
      end
    end

    reply(i, JR_VERDICT_FORWARD, text)
  end
end


-- For how many ms a limit refuses an attempt, which its numbers say.

local function wait_of(l)
  if l.count == 0 then
    return BLOCKED_WAIT
  end

  if l.kind == "q" then
    return l.ends - now
  end

  if l.kind == "c" then
    return 1000
  end

  local unit = l.count * (REQUEST / l.period)
  local wait = (l.used - l.most + unit * 1000 - 1) / (unit * 1000)

  return wait - wait % 1
end


-- All limits decide together, all or nothing.  The retry of an unknown token
-- pays no quota: the first attempt has, for the run that it may have made.

for i = 1, attempts do
  local f = found and found[i]

  if f == false then
    -- its record has decided

  elseif f and f.again then
    again(i, f)

  elseif unreadable then
    fail(i, unreadable)

  else
    local owner, version, print, life, id =
          unpack(JR_ADMIT, ARGV[JR_ADMIT_SHARED + i])
    local before = f and f.before or JR_BEFORE_ABSENT
    local pays = before == JR_BEFORE_ABSENT
    local refusing, longest = 0, 0

    for k = 1, count do
      local l = limits[k]

      l.state = l.passes

      if l.used > l.most and (pays or l.kind ~= "q") then
        local wait = wait_of(l)
        local delay = l.kind == "r" and l.count > 0 and l.delay or 0

        l.refuses = l.refuses or l.count > 0

        if l.delay == DRY_RUN then
          l.state = WOULD_REFUSE

        elseif wait <= delay then
          l.state, l.turn = DELAYED, now + wait

        else
          l.state = REFUSES

          -- less what it may be delayed for
          if wait - delay > longest then
            refusing, longest = k, wait - delay
          end
        end
      end
    end

    decided = true

    local consumed = ""
    local text = refusing > 0
                 and JR_SCRIPT_FORMAT .. JR_VERDICT_LIMITED
                     .. pack(JR_LIMITED, refusing, longest, #bad, bad)
                 or JR_SCRIPT_FORMAT .. JR_VERDICT_FORWARD
                    .. pack(JR_FORWARD, before, #bad, bad)

    for k = 1, count do
      local l, word = limits[k], "-"

      if refusing == 0 and l.counts and l.state ~= WOULD_REFUSE
         and (pays or l.kind ~= "q")
      then
        word = l.word or l.kind
        l.used = l.used + (word == "r" and REQUEST or 1)

        if l.kind ~= "c" then
          l.changed = true

          if l.state == DELAYED then
            word = "r:" .. format("%d", l.turn)
          end

        else
          local slot = owner .. ":" .. format("%d", lease)

          if l.added then
            l.added[#l.added + 1] = format("%d", lease_end)
            l.added[#l.added + 1] = slot
          else
            l.added = { format("%d", lease_end), slot }
          end
        end
      end

      consumed = k == 1 and word or consumed .. " " .. word
      text = text .. measure(l, l.state, l.used)
    end

    replies[i] = text

    if refusing == 0 then
      local first = f and f.first or id
      local last = first ~= id and id or ""
      local ends = f and f.ends or now + life

      forward(i, pack(JR_RECORD_HEAD, JR_SCRIPT_FORMAT, JR_STATE_CLAIMED,
                      pays and 0 or JR_RECORD_RETRY, lease_end, lease,
                      ends, now, owner, version, print,
                      JR_RECORD_SIZE + #first + #last, #first)
                 .. first .. last .. consumed, ends)
    end
  end
end


-- All is decided.  The records are written first; where Redis refuses the first
-- of them, nothing is.

for n = 1, forwarded do
  local f = forwards[n]
  local done = (n == 1 and try or call)("SET", f[2], f[3], "PXAT",
                                        format("%d", f[4]))

  if done.err then
    for k = 1, forwarded do
      fail(forwards[k][1], done)
    end

    return failed == attempts and failure or replies
  end
end

for n = 1, repairs and #repairs or 0 do
  -- where there is no memory for it, the next reader does it
  try("SET", repairs[n][1], repairs[n][2], "PXAT", repairs[n][3])
end

--include slots

for n = 1, held and #held or 0 do
  -- what is no set of slots by now must not cost the claim its lease
  if type(try("ZADD", held[n][1], lease_end, held[n][2])) == "number" then
    slots_last(held[n][1], lease_end, lease)
  end
end

for k = 1, decided and count or 0 do
  local l, c = limits[k], limits[k].counter

  if l.kind == "c" then
    local key = l.key

    if l.added then
      if l.sweep then
        call("ZREMRANGEBYSCORE", key, "-inf", now)
      end

      call("ZADD", key, spread(l.added))
      slots_last(key, lease_end, lease)

    elseif l.refuses then
      -- of those that refuse, some may end further ahead than they are long
      local far = try("ZRANGEBYSCORE", key, format("(%d", lease_end), "+inf",
                      "WITHSCORES", "LIMIT", "0", "100")

      for n = 1, #far, 2 do
        local length = match(far[n], ":(%d%d?%d?%d?%d?%d?)$")

        length = length and length + 0 or lease

        if far[n + 1] - now > length then
          try("ZADD", key, "XX", now + length, far[n])
        end
      end
    end

  elseif l.counts then
    if l.kind == "q" then
      l.changed = l.changed or l.ahead

    elseif l.used > 0 then
      -- when nothing is left of it; also of one that was lowered meanwhile,
      -- which takes longer, and one that is ahead of the clock
      local unit = l.count * (REQUEST / l.period)
      local ends = (now_us + l.used / unit) / 1000 + 1

      ends = ends - ends % 1

      if l.changed or l.ahead or ends > l.ends + 1 then
        l.ends, l.changed = ends, true
      end
    end

    c.changed = c.changed or l.changed

    if l.used > 0 then
      c.becomes = c.becomes .. l.tag .. pack(JR_COUNTER, l.ends, l.since,
                                             l.used)
      c.last = l.ends > c.last and l.ends or c.last
    end
  end
end

for i = slots + 1, decided and records - JR_ADMIT_KEY_OVERRIDES or 0 do
  local c = counters[i]

  if c.changed then
    -- Counters that other locations count by are left as they are, until they
    -- have ended.

    if c.replaced < #c.text then
      local own, from = {}, 2
      local place, after = counter_at(c.text, from)

      for k = 1, count do
        local l = limits[k]

        own[l.tag] = own[l.tag] or l.counter == c and l.counts
      end

      while place do
        local ends = unpack(JR_COUNTER, c.text, place)

        if ends > now and not own[sub(c.text, from, place - 1)] then
          c.becomes = c.becomes .. sub(c.text, from, after - 1)
          c.last = ends > c.last and ends or c.last
        end

        from = after
        place, after = counter_at(c.text, from)
      end
    end

    if c.last > 0 then
      (forwarded > 0 and call or try)("SET", KEYS[JR_ADMIT_KEY_OVERRIDES + i],
                                      c.becomes, "PXAT", format("%d", c.last))
    end
  end
end

return failed == attempts and failure or replies
