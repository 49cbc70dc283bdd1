--[[
Renews the lease of an attempt that is still alive, and its slots with it.

KEYS  1      record of the token, or of the attempt where there is no token
      2...   one key per limit, in the order of admit.lua

ARGV  1      owner of the attempt
      2      lease in ms

Reply: "renewed", or "lost" where another attempt owns the record by now, or
it is settled, or gone.  A lease that has ended but was not taken over is
renewed: nobody has acted on its end.  The record's fields stand in
admit.lua.
]]

local record, owner, lease = KEYS[1], ARGV[1], tonumber(ARGV[2])

local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function int(value)
  return string.format("%d", value)
end

local function ms(text)
  return text and #text <= 15 and string.match(text, "^%d+$")
         and tonumber(text) or 0
end

local kept = redis.pcall("HMGET", record, "s", "o", "x", "k")

if kept[1] ~= "c" or kept[2] ~= owner then
  return "lost"
end

redis.call("HSET", record, "l", int(now + lease))
redis.call("PEXPIREAT", record,
           int(math.max(ms(kept[3]), now + 2 * lease)))

-- what is no set of slots by now must not cost the claim its renewal
local function holds_slots(key)
  local kind = redis.call("TYPE", key).ok

  return kind == "zset" or kind == "none"
end

local i = 1

for item in string.gmatch(kept[4] or "", "%S+") do
  i = i + 1

  if item == "c" and KEYS[i] and holds_slots(KEYS[i]) then
    redis.call("ZADD", KEYS[i], int(now + lease), owner)

    if redis.call("PEXPIRETIME", KEYS[i]) < now + lease then
      redis.call("PEXPIREAT", KEYS[i], int(now + lease))
    end
  end
end

return "renewed"
