--[[
Ends one attempt: keeps its answer, or frees its token, or marks its outcome
unknown; gives back what it did not use, and its slots.  Repeating it changes
nothing more.

KEYS  1      record of the token, or of the attempt where there is no token
      2...   one key per limit, in the order of admit.lua

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
fields stand in admit.lua.
]]

local record = KEYS[1]
local owner, is_token, outcome = ARGV[1], ARGV[2] == "1", ARGV[3]
local fingerprint, request_id = ARGV[4], ARGV[5]
local ttl, answer = tonumber(ARGV[6]), ARGV[7]
local location, run_key = ARGV[8], ARGV[9]

-- a done answer stays at least this long, in ms
local DONE_LEAST = 600000

local time = redis.call("TIME")
local now_s = tonumber(time[1])
local now_us = now_s * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)

local function int(value)
  return string.format("%d", value)
end

-- a time in ms that one of us wrote
local function ms(text)
  return text and #text <= 15 and string.match(text, "^%d+$")
         and tonumber(text) or nil
end

local kept = redis.pcall("HMGET", record, "s", "o", "f", "x", "k", "w", "r")

if kept.err then
  -- none of ours: it neither stops a creation from being kept nor tells of
  -- an attempt to be settled
  if outcome == "created" then
    redis.call("DEL", record)
  end

  kept = {}
end

local state, kept_owner, kept_fingerprint = kept[1], kept[2], kept[3]
local mine = state == "c" and kept_owner == owner

local function same_request()
  local version = string.match(fingerprint, "^(%d+):")

  return kept_fingerprint == fingerprint
         or version ~= string.match(kept_fingerprint or "", "^(%d+):")
end


-- Slots go whoever owns the token now: they are under this owner's own name.
-- The record tells which keys are slots, if it is still ours.

local i = 1

for item in string.gmatch(mine and kept[5] or "", "%S+") do
  i = i + 1

  if item == "c" and KEYS[i] then
    redis.pcall("ZREM", KEYS[i], owner)
  end
end

for k = i + 1, #KEYS do
  if redis.call("TYPE", KEYS[k]).ok == "zset" then
    redis.call("ZREM", KEYS[k], owner)
  end
end


local function done_by_another()
  local done = redis.call("HMGET", record, "a", "n", "j", "i")

  return { "done", done[1] or "", done[2] or "", done[3] or "",
           done[4] or "" }
end


if outcome == "created" then

  if not is_token then
    redis.call("DEL", record)
    return { "settled", "freed" }
  end

  if state and not same_request() then
    return { "foreign" }
  end

  if state == "d" then
    if kept_owner == owner then
      return { "kept" }
    end

    return done_by_another()
  end

  local expires = math.max(ms(kept[4]) or now + ttl, now + DONE_LEAST)

  local done = { "v", "1", "s", "d", "o", owner,
                 "f", kept_fingerprint or fingerprint, "x", int(expires),
                 "r", kept[7] or request_id, "i", request_id,
                 "n", location, "j", run_key }

  if answer ~= "" then
    done[#done + 1], done[#done + 2] = "a", answer
  end

  redis.call("HSET", record, unpack(done))
  redis.call("HDEL", record, "l", "k", "w")
  redis.call("PEXPIREAT", record, int(expires))

  return { "kept" }
end


-- What is no counter by now has nothing to give back, and must not keep the
-- attempt from being settled.
local function counter(key)
  local text = redis.pcall("GET", key)

  return type(text) == "string" and text or ""
end

local function refund_rate(key, count, period)
  local us, fraction, of = string.match(counter(key), "^(%d+) (%d+) (%d+)$")

  us, fraction, of = tonumber(us), tonumber(fraction), tonumber(of)

  if us == nil or fraction >= of or of > 1000000 then
    return
  end

  -- the rate may have been overridden since: its fractions are 1/of now
  us = us - math.floor(period / count)
  fraction = fraction - math.floor(period % count * of / count)

  if fraction < 0 then
    us, fraction = us - 1, fraction + of
  end

  if us <= now_us then
    redis.call("DEL", key)
    return
  end

  redis.call("SET", key, int(us) .. " " .. int(fraction) .. " " .. int(of),
             "PXAT", int(math.floor(us / 1000) + 1))
end

local function refund_quota(key, window)
  local of, used = string.match(counter(key), "^(%d+) (%d+)$")

  used = tonumber(used)

  -- a window that has ended needs nothing back
  if of == window and used > 0 and used <= 1000000000000 then
    redis.call("SET", key, of .. " " .. int(used - 1), "KEEPTTL")
  end
end

-- gives back what the record says this attempt consumed
local function refund()
  local i = 1

  for item in string.gmatch(kept[5] or "", "%S+") do
    i = i + 1

    local count, period = string.match(item, "^r:(%d+):(%d+)$")
    local window = string.match(item, "^q:(%d+)$")

    if KEYS[i] == nil then
      break
    end

    if count and outcome == "unauthorized" then
      refund_rate(KEYS[i], tonumber(count), tonumber(period))

    elseif window then
      refund_quota(KEYS[i], window)
    end
  end
end


if not mine then
  if not state or state == "u" then
    return { "gone" }
  end

  if is_token and state == "d" and kept_owner ~= owner and same_request() then
    return done_by_another()
  end

  return { "fenced", state }
end

if outcome ~= "unknown" then
  refund()
end

if not is_token or (outcome ~= "unknown" and kept[6] ~= "u") then
  redis.call("DEL", record)
  return { "settled", outcome == "unknown" and "unknown" or "freed" }
end

redis.call("HSET", record, "s", "u")
redis.call("HDEL", record, "l", "k")

-- the claim may have outlived the record's own end
redis.call("PEXPIREAT", record,
           int(math.max(ms(kept[4]) or now, now + DONE_LEAST)))

return { "settled", "unknown" }
