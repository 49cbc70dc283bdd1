--[[ SPDX-License-Identifier: BSD-2-Clause
Admission with what the gateway's has: overrides of an operator, what was
consumed written into the record, unknown tokens, and what is left of each
limit for the headers of the response.

KEYS  1 record   2 overrides   3, 4 rates   5 quota   6 slots
ARGV  1 owner   2 fingerprint   3 lease, ms   4 life of the token, ms
      5 request id   6, 7 first rate: per second, burst   8, 9 second rate
      10 quota   11 slots

Reply: {"forward", remaining...}, {"replay", answer, request id}, {"running"},
       {"mismatch"} or {"limited", number, wait in ms, remaining...}
]]

local call, format = redis.call, string.format
local floor, ceil, max = math.floor, math.ceil, math.max

local time = call("TIME")
local now_us = time[1] * 1000000 + time[2]
local now = floor(now_us / 1000)

local kept = call("HMGET", KEYS[1], "s", "f", "l", "a", "o", "i")
local state = kept[1]

if state then
  if kept[2] ~= ARGV[2] then
    return { "mismatch" }
  end

  if state == "d" then
    return { "replay", kept[4], kept[6] }
  end

  -- an owner that asks again is told again
  if state == "c" and kept[5] ~= ARGV[1] and tonumber(kept[3]) > now then
    return { "running" }
  end
end

local own = call("HMGET", KEYS[2], "rate1.rate", "rate1.burst", "rate2.rate",
                 "rate2.burst", "quota.limit", "slots.limit")
local number = {}

for i = 1, 6 do
  number[i] = tonumber(own[i] or ARGV[5 + i])
end

local tats, left, refused, wait = {}, {}, nil, 0

local function refuse(limit, ms)
  if ms > wait then
    refused, wait = limit, ms
  end
end

for i = 1, 2 do
  local each, burst = 1000000 / number[2 * i - 1], number[2 * i]
  local tat = max(tonumber(call("GET", KEYS[2 + i]) or 0), now_us)

  if tat - now_us > burst * each then
    refuse(i, ceil((tat - now_us - burst * each) / 1000))
  end

  tats[i] = floor(tat + each)
  left[i] = max(floor(burst - (tat - now_us) / each), 0)
end

local used = tonumber(call("GET", KEYS[5]) or 0)
left[3] = max(number[5] - used - 1, 0)

if used >= number[5] then
  refuse(3, (86400 - time[1] % 86400) * 1000)
end

call("ZREMRANGEBYSCORE", KEYS[6], "-inf", format("%d", now))

local busy = call("ZCARD", KEYS[6])
left[4] = max(number[6] - busy - 1, 0)

if busy >= number[6] then
  refuse(4, 1000)
end

-- an attempt whose end nobody knows has consumed already
local again = state ~= false and state ~= nil

if refused and not again then
  return { "limited", refused, wait, unpack(left) }
end

if not again then
  for i = 1, 2 do
    call("SET", KEYS[2 + i], format("%d", tats[i]), "PX",
         format("%d", ceil((tats[i] - now_us) / 1000) + 1))
  end

  call("INCR", KEYS[5])

  if used == 0 then
    call("EXPIRE", KEYS[5], 172800)
  end
end

local ends = format("%d", now + ARGV[3])

call("ZADD", KEYS[6], ends, ARGV[1])
call("PEXPIRE", KEYS[6], 2 * ARGV[3])
call("HSET", KEYS[1], "s", "c", "o", ARGV[1], "f", ARGV[2], "l", ends,
     "i", ARGV[5], "q", KEYS[5], "u", again and "1" or "0")

if not again then
  call("PEXPIRE", KEYS[1], ARGV[4])
end

return { "forward", unpack(left) }
