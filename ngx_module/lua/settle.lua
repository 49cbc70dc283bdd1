#!lua flags=allow-oom
--[[ SPDX-License-Identifier: BSD-2-Clause
Ends attempts, one after the other in one atomic step.  Of each it stores the
response, or frees its token, or marks its outcome unknown; it gives back what
the attempt did not use, and its slots.  Repeating it changes nothing more.

It passes at maxmemory ("allow-oom"): what was created must be stored, and
what is freed makes room.

KEYS  LIMITS...    those of slots, then those of counters, in the order of
                   admit.lua
      records...   for each attempt: of its token, or of its owner without one;
                   no two of one call are the same

ARGV  SHARED       as admit.lua has it
      ATTEMPTS...  JR_SETTLE for each, and what is behind it

      The outcome: "created" (the service answered 2xx), "rejected" (it refused:
      nothing was made), "unauthorized" (it refused with 401), "unsent" (it
      never got a byte), "withdrawn" (nor was it its turn yet), "unknown"
      (nobody knows).  Rates are given back of "unauthorized" and "withdrawn".

Reply: an array, a string for each attempt
      JR_SETTLED_KEPT     the token is done by this attempt
      JR_SETTLED_FREED    the record is gone
      JR_SETTLED_UNKNOWN  the record is left as unknown
      JR_SETTLED_DONE     another attempt was first: its record
      JR_SETTLED_FENCED   another attempt owns the token: its state
      JR_SETTLED_FOREIGN  the token now belongs to another request
      JR_SETTLED_GONE     nothing to settle: settled before, or the key has
                          ended
      JR_SETTLED_EARLY    the time in ms: the deadline has not passed, so that
                          the admission may still come behind this; nothing was
                          done
      JR_VERDICT_ERROR    words: this one is to be asked alone

The first "created" wins, whoever owns the token by then: a known creation
is never forgotten.  Anything else counts only from the owner.
core/api/jr_script.h has the layout of what is packed.
]]

local call, try, spread = redis.call, redis.pcall, unpack
local pack, unpack = struct.pack, struct.unpack
local sub, byte, match, format = string.sub, string.byte, string.match,
                                 string.format
local KEYS, ARGV = KEYS, ARGV

--include record

-- a done answer stays at least this long, in ms: not shorter than two leases
-- of the longest kind (5 minutes, says jobruns_retry_lease)
local DONE_LEAST = 600000
local REQUEST = 3600000000

local shared, attempts = ARGV[JR_SETTLE_SHARED], #ARGV - JR_SETTLE_SHARED
local records = #KEYS - attempts
local _, _, lease, slots, count = unpack(JR_SHARED, shared)

local replies, released, others = { nil }, { nil }, nil
local slot_end = ":" .. format("%d", lease)


-- The rule: a creation whose claim is as its admission wrote it, and has time
-- left, which it keeps.  (KEEPTTL on a key that has ended makes one without
-- end.)  Says if that is so.

local function kept(i, key, owner, after)
  local text = try("GET", key)

  if type(text) ~= "string"
     or sub(text, JR_RECORD_OWNER_AT, JR_RECORD_OWNER_END) ~= owner
  then
    return false
  end

  local state, _, _, _, _, _, _, _, _, head = record_read(text)

  if state ~= JR_STATE_CLAIMED or call("PTTL", key) < DONE_LEAST then
    return false
  end

  call("SET", key, sub(text, 1, 1) .. JR_STATE_DONE .. sub(text, 3, head)
                   .. sub(ARGV[JR_SETTLE_SHARED + i], after), "KEEPTTL")
  replies[i] = JR_SCRIPT_FORMAT .. JR_SETTLED_KEPT

  return true
end


for i = 1, attempts do
  local lost, outcome, is_token, owner, _, _, _, _, after =
        unpack(JR_SETTLE, ARGV[JR_SETTLE_SHARED + i])

  if lost == 0 then
    released[#released + 1] = owner .. slot_end
  end

  if lost > 0 or outcome ~= "created" or is_token == 0
     or not kept(i, KEYS[records + i], owner, after)
  then
    others = others or {}
    others[#others + 1] = i
  end
end


-- A script is run anew for each call, which makes each function that it comes
-- by: what the rule has no need of is made here.

if others then
--include record_write
--include counters
--include limits

  local clock, limits

  -- the time in ms

  local function now()
    if not clock then
      local time = redis.call("TIME")
      local now_us = time[1] * 1000000 + time[2]

      clock = (now_us - now_us % 1000) / 1000
    end

    return clock
  end


  local function reply(i, letter, text)
    replies[i] = JR_SCRIPT_FORMAT .. letter .. (text or "")
  end


  -- what another attempt has stored

  local told = 0

  local function another(i, text)
    told = told + #text

    if attempts > 1 and told > JR_TOLD_MOST then
      return reply(i, JR_VERDICT_ERROR, "too much for one reply")
    end

    replies[i] = text
  end


  -- Gives back what the record says this attempt consumed.  A counter that is
  -- back at nothing goes, and its key with the last of them.  What is no
  -- counter by now has nothing to give back, and must not keep the attempt from
  -- being settled.

  local function refund(consumed, outcome)
    local i = 0

    limits = limits or limits_read(shared, count)

    for word in string.gmatch(consumed, "%S+") do
      i = i + 1

      local l, window = limits[i], match(word, "^q:(%d+)$")
      local rate = byte(word) == 114      -- "r"
                   and (outcome == "unauthorized" or outcome == "withdrawn")
      local text = l and (window or rate) and try("GET", KEYS[l.key])
      local place, after

      if type(text) == "string" then
        place, after = counter_find(text, l.tag)
      end

      if place then
        local ends, since, used = unpack(JR_COUNTER, text, place)

        used = used - (rate and REQUEST or 1)

        -- a window that has ended needs nothing back
        if rate or since == window + 0 then
          text = sub(text, 1, place - #l.tag - 1)
                 .. (used > 0 and l.tag .. pack(JR_COUNTER, ends, since, used)
                     or "")
                 .. sub(text, after)

          if text == JR_SCRIPT_FORMAT then
            call("DEL", KEYS[l.key])
          else
            call("SET", KEYS[l.key], text, "KEEPTTL")
          end
        end
      end
    end
  end


  -- The end of a creation whose record is not as its admission wrote it.

  local function created(i, key, text, tail, fields)
    local is_token, owner, version, print, life, id = spread(fields)
    local state, _, _, _, ends, begin, kept_owner, kept_version, kept_print,
          head, first = record_read(type(text) == "string" and text)

    if is_token == 0 then
      call("DEL", key)
      return reply(i, JR_SETTLED_FREED)
    end

    local first_id = id

    if state then
      -- a fingerprint of another version says nothing about sameness
      local same = kept_print == print or kept_version ~= version

      if state == JR_STATE_DONE and kept_owner ~= owner and same then
        return another(i, text)
      end

      if not same then
        return reply(i, JR_SETTLED_FOREIGN)
      end

      if state == JR_STATE_DONE then
        return reply(i, JR_SETTLED_KEPT)
      end

      first_id = record_ids(text, head, first)
      version, print = kept_version, kept_print
    end

    ends = math.max(ends or now() + life, now() + DONE_LEAST)

    call("SET", key,
         record_write(JR_STATE_DONE, 0, 0, lease, ends, begin or now(), owner,
                      version, print, first_id, id, tail),
         "PXAT", format("%d", ends))
    reply(i, JR_SETTLED_KEPT)
  end


  -- The end of an attempt that has made nothing, as far as it knows.

  local function ended(i, key, text, outcome, fields)
    local is_token, owner, version, print = spread(fields)
    local state, flags, _, _, ends, _, kept_owner, kept_version, kept_print,
          head = record_read(type(text) == "string" and text)

    if is_token == 1 and state == JR_STATE_DONE and kept_owner ~= owner
       and (kept_print == print or kept_version ~= version)
    then
      return another(i, text)
    end

    if state ~= JR_STATE_CLAIMED or kept_owner ~= owner then
      if not state or state == JR_STATE_UNKNOWN then
        return reply(i, JR_SETTLED_GONE)
      end

      return reply(i, JR_SETTLED_FENCED, state)
    end

    if outcome ~= "unknown" then
      refund(sub(text, head + 1), outcome)
    end

    if is_token == 0
       or outcome ~= "unknown" and flags ~= JR_RECORD_RETRY
    then
      call("DEL", key)
      return reply(i, outcome == "unknown" and JR_SETTLED_UNKNOWN
                      or JR_SETTLED_FREED)
    end

    -- the claim may have outlived the record's own end
    call("SET", key, sub(text, 1, 1) .. JR_STATE_UNKNOWN .. sub(text, 3, head),
         "PXAT", format("%d", math.max(ends, now() + DONE_LEAST)))
    reply(i, JR_SETTLED_UNKNOWN)
  end


  local function settle(i, key)
    local lost, outcome, is_token, owner, version, print, life, id, after =
          unpack(JR_SETTLE, ARGV[JR_SETTLE_SHARED + i])

    if lost > 0 and now() <= lost then
      return reply(i, JR_SETTLED_EARLY, pack(JR_LATE, now()))
    end

    if lost > 0 then
      released[#released + 1] = owner .. slot_end
    end

    if lost > 0 and outcome == "created" and is_token == 1
       and kept(i, key, owner, after)
    then
      return
    end

    local text = try("GET", key)

    if outcome ~= "created" then
      return ended(i, key, text, outcome, { is_token, owner, version, print })
    end

    created(i, key, text, sub(ARGV[JR_SETTLE_SHARED + i], after),
            { is_token, owner, version, print, life, id })
  end


  for n = 1, #others do
    settle(others[n], KEYS[records + others[n]])
  end
end


-- slots go whoever owns the token now; what is no set by now has none

if #released > 0 then
  for i = 1, slots do
    try("ZREM", KEYS[i], spread(released))
  end
end

return replies
