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
      ATTEMPTS...  JR_SETTLE for each: the record as it is to be, if it is done

      Outcomes: the service answered 2xx (created); it refused, nothing was made
      (rejected), with 401 (unauthorized); it never got a byte (unsent), nor was
      it its turn yet (withdrawn); nobody knows (unknown).  Rates are given back
      of "unauthorized" and "withdrawn".

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

-- a done answer stays at least this long, in ms: not shorter than two leases
-- of the longest kind (5 minutes, says jobruns_retry_lease)
local DONE_LEAST = 600000

local shared, attempts = ARGV[JR_SETTLE_SHARED], #ARGV - JR_SETTLE_SHARED
local records = #KEYS - attempts
local _, _, lease, slots, count = unpack(JR_SHARED, shared)

local replies, released, others, clock = { nil }, { nil }, nil, nil
local slot_end = ":" .. format("%d", lease)


-- the time in ms

local function now()
  if not clock then
    local time = redis.call("TIME")
    local now_us = time[1] * 1000000 + time[2]

    clock = (now_us - now_us % 1000) / 1000
  end

  return clock
end


-- The rule: a creation whose claim is as its admission wrote it.  What was sent
-- is the whole record then, to be stored as it stands, and where the key has
-- time left, it keeps that.  (KEEPTTL on a key that has ended makes one without
-- end.)

local claimed = JR_SCRIPT_FORMAT .. JR_STATE_CLAIMED

for i = 1, attempts do
  local arg, key = ARGV[JR_SETTLE_SHARED + i], KEYS[records + i]
  local flags, text = byte(arg, JR_RECORD_FLAGS_AT), nil

  if flags < JR_SETTLE_LOST then
    released[#released + 1] = sub(arg, JR_RECORD_OWNER_AT, JR_RECORD_OWNER_END)
                              .. slot_end
  end

  if flags == 0 and sub(arg, 2, 2) == JR_SETTLE_CREATED then
    text = try("GET", key)
  end

  -- of several, one look at the clock costs less than one at each key

  if type(text) == "string"
     and sub(text, 1, 2) == claimed and byte(text, JR_RECORD_FLAGS_AT) == 0
     and sub(text, JR_RECORD_END_AT, JR_RECORD_OWNER_END)
         == sub(arg, JR_RECORD_END_AT, JR_RECORD_OWNER_END)
     and (attempts == 1 and call("PTTL", key)
          or unpack(">I7", arg, JR_RECORD_END_AT) - now()) >= DONE_LEAST
  then
    call("SET", key, arg, "KEEPTTL")
    replies[i] = JR_SCRIPT_FORMAT .. JR_SETTLED_KEPT

  else
    others = others or {}
    others[#others + 1] = i
  end
end


-- A script is run anew for each call, which makes each function that it comes
-- by: what the rule has no need of is made here.

if others then
--include record
--include record_write
--include counters
--include limits
--include refund

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


  -- The end of a creation whose record is not as its admission wrote it.

  local function created(i, key, text, sent)
    local _, _, flags, _, _, sent_end, sent_begin, owner, version, print,
          sent_head = unpack(JR_RECORD_HEAD, sent)
    local state, _, _, _, ends, begin, kept_owner, kept_version, kept_print,
          head, first = record_read(type(text) == "string" and text)

    if flags % JR_SETTLE_LOST == JR_SETTLE_ALONE then
      call("DEL", key)
      return reply(i, JR_SETTLED_FREED)
    end

    local id = sub(sent, JR_RECORD_SIZE + 1, sent_head)
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

    ends = math.max(ends or now() + sent_end - sent_begin, now() + DONE_LEAST)

    call("SET", key,
         record_write(JR_STATE_DONE, 0, 0, lease, ends, begin or now(), owner,
                      version, print, first_id, id, sub(sent, sent_head + 1)),
         "PXAT", format("%d", ends))
    reply(i, JR_SETTLED_KEPT)
  end


  -- The end of an attempt that has made nothing, as far as it knows.

  local function ended(i, key, text, sent)
    local _, outcome, sent_flags, _, _, _, _, owner, version, print =
          unpack(JR_RECORD_HEAD, sent)
    local state, flags, _, _, ends, _, kept_owner, kept_version, kept_print,
          head = record_read(type(text) == "string" and text)
    local is_token = sent_flags % JR_SETTLE_LOST ~= JR_SETTLE_ALONE

    if is_token and state == JR_STATE_DONE and kept_owner ~= owner
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

    if outcome ~= JR_SETTLE_UNKNOWN then
      refund(sub(text, head + 1), outcome)
    end

    if not is_token
       or outcome ~= JR_SETTLE_UNKNOWN and flags ~= JR_RECORD_RETRY
    then
      call("DEL", key)
      return reply(i, outcome == JR_SETTLE_UNKNOWN and JR_SETTLED_UNKNOWN
                      or JR_SETTLED_FREED)
    end

    -- the claim may have outlived the record's own end
    call("SET", key, sub(text, 1, 1) .. JR_STATE_UNKNOWN .. sub(text, 3, head),
         "PXAT", format("%d", math.max(ends, now() + DONE_LEAST)))
    reply(i, JR_SETTLED_UNKNOWN)
  end


  local function settle(i, key, sent)
    local _, outcome, flags, lost = unpack(JR_RECORD_HEAD, sent)

    if flags >= JR_SETTLE_LOST then
      if now() <= lost then
        return reply(i, JR_SETTLED_EARLY, pack(JR_LATE, now()))
      end

      released[#released + 1] = sub(sent, JR_RECORD_OWNER_AT,
                                    JR_RECORD_OWNER_END) .. slot_end
    end

    local text = try("GET", key)

    return (outcome == JR_SETTLE_CREATED and created or ended)(i, key, text,
                                                               sent)
  end


  for n = 1, #others do
    local i = others[n]

    settle(i, KEYS[records + i], ARGV[JR_SETTLE_SHARED + i])
  end
end


-- slots go whoever owns the token now; what is no set by now has none

if #released > 0 then
  for i = 1, slots do
    try("ZREM", KEYS[i], spread(released))
  end
end

return replies
