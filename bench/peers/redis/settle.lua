--[[ SPDX-License-Identifier: BSD-2-Clause
The end of an attempt, for the peers: keeps the answer, or frees the token.

KEYS  1 token   2 slots
ARGV  1 owner   2 the answer, or "" where nothing was created

Reply: 1, or 0 where another attempt owns the token
]]

redis.call("ZREM", KEYS[2], ARGV[1])

if redis.call("HGET", KEYS[1], "o") ~= ARGV[1] then
  return 0
end

if ARGV[2] == "" then
  redis.call("DEL", KEYS[1])
  return 1
end

redis.call("HSET", KEYS[1], "s", "d", "a", ARGV[2])
redis.call("HDEL", KEYS[1], "l")

return 1
