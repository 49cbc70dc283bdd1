--[[
Ends one attempt: keeps its answer, or frees its token, or marks its outcome
unknown; gives back what it did not use, and its slots.  Repeating it changes
nothing more.

KEYS  1      record of the token, or of the attempt where there is no token
      2...   one key per limit, in the order of admit.lua; of "created" only
             those of slots need be there

ARGV  1      owner of the attempt
      2      "1" if KEYS[1] is a token's record, "0" otherwise
      3      outcome:
               created       the service answered 2xx
               rejected      it refused: nothing was made
               unauthorized  it refused with 401
               unsent        it never got a byte
               unknown       nobody knows
      4      fingerprint of the request
      5      opc-request-id of the attempt
      6      life of the record in ms, should it have to be made anew
      7      the answer to keep, or "" if it is not to be kept
      8      location of the run, or ""
      9      key of the run, or ""

Reply: an array
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

local record = KEYS[1]
local owner, is_token, outcome = ARGV[1], ARGV[2] == "1", ARGV[3]
local fingerprint, request_id = ARGV[4], ARGV[5]
local answer, location, run_key = ARGV[7], ARGV[8], ARGV[9]

-- a done answer stays at least this long, in ms: not shorter than two leases
-- of the longest kind (5 minutes, says jobruns_retry_lease)
local DONE_LEAST = 600000

local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]
local now = (now_us - now_us % 1000) / 1000

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
  for i = 2, #KEYS do
    redis.pcall("ZREM", KEYS[i], owner)
  end

  if mine and is_token and expires and expires >= now + DONE_LEAST then
    if answer ~= "" then
      call("HSET", record, "s", "d", "n", location, "j", run_key,
           "a", answer)
    else
      call("HSET", record, "s", "d", "n", location, "j", run_key)
    end

    call("HDEL", record, "l", "k", "w", "b")

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
  local listed = 1

  for kind in string.gmatch(mine and consumed or "", "(%S)%S*") do
    listed = listed + 1

    if kind == "c" and KEYS[listed] then
      redis.pcall("ZREM", KEYS[listed], owner)
    end
  end

  for i = listed + 1, #KEYS do
    if call("TYPE", KEYS[i]).ok == "zset" then
      call("ZREM", KEYS[i], owner)
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

  expires = math.max(expires or now + ARGV[6], now + DONE_LEAST)

  local text = format("%d", expires)

  call("HSET", record, "v", "1", "s", "d", "o", owner,
       "f", kept_fingerprint or fingerprint, "x", text,
       "r", rest[4] or request_id, "i", request_id,
       "n", location, "j", run_key)

  if answer ~= "" then
    call("HSET", record, "a", answer)
  end

  call("HDEL", record, "l", "k", "w", "b")
  call("PEXPIREAT", record, text)

  return { "kept" }
end


if not mine then
  if not state or state == "u" then
    return { "gone" }
  end

  return { "fenced", state }
end


-- gives back what the record says this attempt consumed

local at = 1

for item in string.gmatch(outcome == "unknown" and "" or consumed, "%S+") do
  at = at + 1

  local key = KEYS[at]
  local count, period = match(item, "^r:(%d+):(%d+)$")
  local window = match(item, "^q:(%d+)$")

  if not key then
    break
  end

  -- What is no counter by now has nothing to give back, and must not keep
  -- the attempt from being settled.
  local text = (window or count) and redis.pcall("GET", key)

  if type(text) ~= "string" then
    text = ""
  end

  if window then
    local of, used = match(text, "^(%d+) (%d+)$")

    used = tonumber(used)

    -- a window that has ended needs nothing back
    if of == window and used > 0 and used <= 1000000000000 then
      call("SET", key, of .. " " .. format("%d", used - 1), "KEEPTTL")
    end

  elseif count and outcome == "unauthorized" then
    local us, fraction, of = match(text, "^(%d+) (%d+) (%d+)$")

    us, fraction, of = tonumber(us), tonumber(fraction), tonumber(of)

    if us and fraction < of and of <= 1000000 then
      -- the rate may have been overridden since: its fractions are 1/of now
      us = us - math.floor(period / count)
      fraction = fraction - math.floor(period % count * of / count)

      if fraction < 0 then
        us, fraction = us - 1, fraction + of
      end

      if us <= now_us then
        call("DEL", key)
      else
        call("SET", key, format("%d %d %d", us, fraction, of),
             "PXAT", format("%d", us / 1000 + 1))
      end
    end
  end
end

if not is_token or outcome ~= "unknown" and rest[3] ~= "u" then
  call("DEL", record)
  return { "settled", outcome == "unknown" and "unknown" or "freed" }
end

call("HSET", record, "s", "u")
call("HDEL", record, "l", "k", "b")

-- the claim may have outlived the record's own end
call("PEXPIREAT", record,
     format("%d", math.max(expires or now, now + DONE_LEAST)))

return { "settled", "unknown" }
