--[[ SPDX-License-Identifier: BSD-2-Clause
The end of an attempt, fenced by its owner: the first creation is kept, what a
refusal did not use is given back, and what nobody knows stays unknown.

KEYS  1 record   2 slots   3 quota
ARGV  1 owner   2 "created", "rejected" or "unknown"   3 the answer
      4 fingerprint

Reply: {"kept"}, {"settled"}, {"done", the answer that was first} or {"fenced"}
]]

local call = redis.call

call("ZREM", KEYS[2], ARGV[1])

local kept = call("HMGET", KEYS[1], "s", "o", "f", "a", "q", "u")

if kept[1] == "d" then
  return { "done", kept[4] }
end

if ARGV[2] == "created" and (not kept[1] or kept[3] == ARGV[4]) then
  call("HSET", KEYS[1], "s", "d", "a", ARGV[3])
  call("HDEL", KEYS[1], "l", "q", "u")
  return { "kept" }
end

if kept[2] ~= ARGV[1] then
  return { "fenced" }
end

if ARGV[2] == "rejected" and kept[6] == "0" then
  if kept[5] == KEYS[3] then
    call("DECR", KEYS[3])
  end

  call("DEL", KEYS[1])
  return { "settled" }
end

call("HSET", KEYS[1], "s", "u")
return { "settled" }
