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
  return string.format("%.0f", value)
end

local kept = redis.call("HMGET", record, "s", "o", "x", "k")

if kept[1] ~= "c" or kept[2] ~= owner then
  return "lost"
end

redis.call("HSET", record, "l", int(now + lease))
redis.call("PEXPIREAT", record,
           int(math.max(tonumber(kept[3]) or 0, now + 2 * lease)))

local i = 1

for item in string.gmatch(kept[4] or "", "%S+") do
  i = i + 1

  if item == "c" and KEYS[i] then
    redis.call("ZADD", KEYS[i], int(now + lease), owner)

    if redis.call("PTTL", KEYS[i]) < lease then
      redis.call("PEXPIRE", KEYS[i], int(lease))
    end
  end
end

return "renewed"
