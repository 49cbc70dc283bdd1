--[[ SPDX-License-Identifier: BSD-2-Clause
KEYS  1 record   2 slots
ARGV  1 owner   2 lease, ms
Reply: 1, or 0 where another attempt owns the token
]]

if redis.call("HGET", KEYS[1], "o") ~= ARGV[1] then
  return 0
end

local time = redis.call("TIME")
local ends = string.format("%d", time[1] * 1000 + time[2] / 1000 + ARGV[2])

redis.call("HSET", KEYS[1], "l", ends)
redis.call("ZADD", KEYS[2], "XX", ends, ARGV[1])
redis.call("PEXPIRE", KEYS[2], 2 * ARGV[2])

return 1
