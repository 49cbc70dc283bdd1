--[[ SPDX-License-Identifier: BSD-2-Clause
Admission as the two peers written for the comparison do it: the token, two
rates (GCRA), a daily quota and the slots in flight, all or nothing, in one
call.  The steps of ngx_module/lua/admit.lua in their plainest form: no
overrides, no records of what to give back, no unknown state.

KEYS  1 token   2, 3 rates   4 quota   5 slots
ARGV  1 owner   2 fingerprint   3 lease, ms   4 life of the token, ms
      5, 6 first rate: us per request, burst   7, 8 second rate
      9 quota a day   10 slots

Reply: {"forward"}, {"replay", answer}, {"running"}, {"mismatch"} or
       {"limited", name, wait in ms}
]]

local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)

local kept = redis.call("HMGET", KEYS[1], "s", "f", "l", "a")

if kept[1] then
  if kept[2] ~= ARGV[2] then
    return { "mismatch" }
  end

  if kept[1] == "d" then
    return { "replay", kept[4] }
  end

  if tonumber(kept[3]) > now then
    return { "running" }
  end
end

local tats = {}

for i = 1, 2 do
  local each, burst = tonumber(ARGV[3 + 2 * i]), tonumber(ARGV[4 + 2 * i])
  local tat = math.max(tonumber(redis.call("GET", KEYS[1 + i]) or 0), now_us)

  if tat - now_us > burst * each then
    return { "limited", "rate" .. i,
             math.ceil((tat - now_us - burst * each) / 1000) }
  end

  tats[i] = tat + each
end

local used = tonumber(redis.call("GET", KEYS[4]) or 0)

if used >= tonumber(ARGV[9]) then
  return { "limited", "quota", (86400 - time[1] % 86400) * 1000 }
end

redis.call("ZREMRANGEBYSCORE", KEYS[5], "-inf", string.format("%d", now))

if redis.call("ZCARD", KEYS[5]) >= tonumber(ARGV[10]) then
  return { "limited", "slots", 1000 }
end

for i = 1, 2 do
  -- %d is a long in C, and cheaper than what becomes of a number by itself
  redis.call("SET", KEYS[1 + i], string.format("%d", tats[i]), "PX",
             string.format("%d", math.ceil((tats[i] - now_us) / 1000) + 1))
end

redis.call("INCR", KEYS[4])

if used == 0 then
  redis.call("EXPIRE", KEYS[4], 86400)
end

local ends = string.format("%d", now + ARGV[3])

redis.call("ZADD", KEYS[5], ends, ARGV[1])
redis.call("PEXPIRE", KEYS[5], ARGV[3])

redis.call("HSET", KEYS[1], "s", "c", "o", ARGV[1], "f", ARGV[2],
           "l", ends)
redis.call("PEXPIRE", KEYS[1], ARGV[4])

return { "forward" }
