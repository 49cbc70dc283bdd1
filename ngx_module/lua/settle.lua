#!lua flags=allow-oom
--[[ SPDX-License-Identifier: BSD-2-Clause
Ends one attempt: keeps its answer, or frees its token, or marks its outcome
unknown; gives back what it did not use, and its slots.  Repeating it changes
nothing more.

It passes at maxmemory ("allow-oom"): what was created must be stored, and
what is freed makes room.

KEYS  RECORD        record of the token, or of the attempt where there is none
      LIMITS...     one key per limit, in the order of admit.lua; of "created"
                    only those of a concurrency need be there

ARGV  OWNER         owner of the attempt
      IS_TOKEN      "1" if the record is a token's, "0" otherwise
      OUTCOME       created       the service answered 2xx
                    rejected      it refused: nothing was made
                    unauthorized  it refused with 401
                    unsent        it never got a byte
                    unknown       nobody knows
      FINGERPRINT   fingerprint of the request
      REQUEST_ID    opc-request-id of the attempt
      LIFE          of the record in ms, should it have to be made again
      ANSWER        the answer to store, or "" if it is not to be stored
      LOCATION      location of the run, or ""
      RUN_KEY       key of the run, or ""
      LEASE         in ms, by which the attempt's slots are named
      DEADLINE      0, or of an admission whose reply was lost: by when it was
                    to be carried out, in ms of this server's clock

Reply: an array
      "early"    the time in ms: the deadline has not passed, so that the
                 admission may still come behind this; nothing was done
      "kept"     the token is done by this attempt
      "settled"  the state left behind: "freed" or "unknown"
      "done"     another attempt was first: its kept answer or "", location,
                 run key, request id of that attempt
      "fenced"   another attempt owns the token: its state
      "foreign"  the token now belongs to another request
      "gone"     nothing to settle: settled before, or the key has ended

The first "created" wins, whoever owns the token by then: a known creation
is never forgotten.  Anything else counts only from the owner.  The record's
fields stand in admit.lua, and why this is straight code.
]]

local call, match, format = redis.call, string.match, string.format

local record, owner = KEYS[JR_SETTLE_KEY_RECORD], ARGV[JR_SETTLE_OWNER]
local slot = owner .. ":" .. ARGV[JR_SETTLE_LEASE]
local is_token = ARGV[JR_SETTLE_IS_TOKEN] == "1"
local outcome, fingerprint = ARGV[JR_SETTLE_OUTCOME],
                             ARGV[JR_SETTLE_FINGERPRINT]
local request_id, answer = ARGV[JR_SETTLE_REQUEST_ID], ARGV[JR_SETTLE_ANSWER]
local location, run_key = ARGV[JR_SETTLE_LOCATION], ARGV[JR_SETTLE_RUN_KEY]

-- a done answer stays at least this long, in ms: not shorter than two leases
-- of the longest kind (5 minutes, says jobruns_retry_lease)
local DONE_LEAST = 600000

local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]
local now = (now_us - now_us % 1000) / 1000

if now <= ARGV[JR_SETTLE_DEADLINE] + 0 then
  return { "early", now }
end

local kept = redis.pcall("HMGET", record, "s", "o", "x")

if kept.err then
  -- none of ours: it neither stops a creation from being kept nor tells of
  -- an attempt to be settled
  if outcome == "created" then
    call("DEL", record)
  end

  kept = {}
end

local state, expires = kept[1], kept[3]
local mine = state == "c" and kept[2] == owner

-- a time in ms that one of us wrote
expires = expires and #expires <= 15 and match(expires, "^%d+$")
          and expires + 0 or nil


-- The common end: a creation of the attempt that has the token.  The record
-- is as its admission wrote it, and ends at x: that is also when the key does,
-- since two leases from the last renewal are not further away than DONE_LEAST.
-- What it holds in limits are slots, under its own name.

if outcome == "created" then
  for i = JR_SETTLE_KEY_LIMITS, #KEYS do
    redis.pcall("ZREM", KEYS[i], slot)
  end

  if mine and is_token and expires and expires >= now + DONE_LEAST then
    if answer ~= "" then
      call("HSET", record, "s", "d", "n", location, "j", run_key,
           "a", answer)
    else
      call("HSET", record, "s", "d", "n", location, "j", run_key)
    end

    call("HDEL", record, "l", "t", "k", "w", "b")

    return { "kept" }
  end
end


local rest = redis.pcall("HMGET", record, "f", "k", "w", "r")
local kept_fingerprint, consumed = rest[1], rest[2] or ""

-- a fingerprint of another version says nothing about sameness
local same_request = kept_fingerprint == fingerprint
                     or match(kept_fingerprint or "", "^%d+:")
                        ~= match(fingerprint, "^%d+:")

if outcome ~= "created" then
  -- Slots go whoever owns the token now.  The record tells which keys are
  -- slots, if it is still ours.
  local listed = JR_SETTLE_KEY_LIMITS - 1

  for kind in string.gmatch(mine and consumed or "", "(%S)%S*") do
    listed = listed + 1

    if kind == "c" and KEYS[listed] then
      redis.pcall("ZREM", KEYS[listed], slot)
    end
  end

  for i = listed + 1, #KEYS do
    if call("TYPE", KEYS[i]).ok == "zset" then
      call("ZREM", KEYS[i], slot)
    end
  end
end

-- another attempt was first

if is_token and state == "d" and kept[2] ~= owner and same_request then
  local done = call("HMGET", record, "a", "n", "j", "i")

  return { "done", done[1] or "", done[2] or "", done[3] or "",
           done[4] or "" }
end


if outcome == "created" then
  if not is_token then
    call("DEL", record)
    return { "settled", "freed" }
  end

  if state and not same_request then
    return { "foreign" }
  end

  if state == "d" then
    return { "kept" }
  end

  expires = math.max(expires or now + ARGV[JR_SETTLE_LIFE], now + DONE_LEAST)

  local text = format("%d", expires)

  call("HSET", record, "v", "1", "s", "d", "o", owner,
       "f", kept_fingerprint or fingerprint, "x", text,
       "r", rest[4] or request_id, "i", request_id,
       "n", location, "j", run_key)

  if answer ~= "" then
    call("HSET", record, "a", answer)
  end

  call("HDEL", record, "l", "t", "k", "w", "b")
  call("PEXPIREAT", record, text)

  return { "kept" }
end


if not mine then
  if not state or state == "u" then
    return { "gone" }
  end

  return { "fenced", state }
end


-- Gives back what the record says this attempt consumed.  A counter that is
-- back at nothing leaves no key.

local REQUEST = 3600000000
local at = JR_SETTLE_KEY_LIMITS - 1

for item in string.gmatch(outcome == "unknown" and "" or consumed, "%S+") do
  at = at + 1

  local key = KEYS[at]
  local window = match(item, "^q:(%d+)$")
  local rate = item == "r" and outcome == "unauthorized"

  if not key then
    break
  end

  -- What is no counter by now has nothing to give back, and must not keep
  -- the attempt from being settled.
  local text = (window or rate) and redis.pcall("GET", key)
  local of, used = match(type(text) == "string" and text or "",
                         "^(%d+) (%d+)$")

  -- a window that has ended needs nothing back, and no number is larger
  if of and #used <= 16 and (rate or of == window) then
    used = used - (rate and REQUEST or 1)

    if used > 0 then
      call("SET", key, of .. " " .. format("%d", used), "KEEPTTL")
    else
      call("DEL", key)
    end
  end
end

if not is_token or outcome ~= "unknown" and rest[3] ~= "u" then
  call("DEL", record)
  return { "settled", outcome == "unknown" and "unknown" or "freed" }
end

call("HSET", record, "s", "u")
call("HDEL", record, "l", "t", "k", "b")

-- the claim may have outlived the record's own end
call("PEXPIREAT", record,
     format("%d", math.max(expires or now, now + DONE_LEAST)))

return { "settled", "unknown" }
