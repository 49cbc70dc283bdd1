#!lua flags=allow-oom
--[[ SPDX-License-Identifier: BSD-2-Clause
Renews the lease of an attempt that is still alive, and its slots with it.

KEYS  RECORD      record of the token, or of the attempt where there is none
      LIMITS...   one key per limit, in the order of admit.lua

ARGV  OWNER       owner of the attempt
      LEASE       in ms

It passes at maxmemory ("allow-oom"): a lease must not end under an attempt
for want of memory that it has already.

Reply: "renewed", or "lost" where another attempt owns the record by now, or
it is settled, or gone.  A lease that has ended but was not taken over is
renewed: nobody has acted on its end.  The record's fields stand in
admit.lua, and why this is straight code.
]]

local call, format = redis.call, string.format
local record = KEYS[JR_RENEW_KEY_RECORD]
local owner, lease = ARGV[JR_RENEW_OWNER], ARGV[JR_RENEW_LEASE] + 0

local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]
local now = (now_us - now_us % 1000) / 1000

local kept = redis.pcall("HMGET", record, "s", "o", "x", "k")

if kept[1] ~= "c" or kept[2] ~= owner then
  return "lost"
end

local lease_end = format("%d", now + lease)
local expires = kept[3]

-- a time in ms that one of us wrote
expires = expires and #expires <= 15 and string.match(expires, "^%d+$")
          and expires + 0 or 0

call("HSET", record, "l", lease_end)

-- otherwise the key ends at x, and nothing has moved that since
if expires < now + 2 * lease then
  call("PEXPIREAT", record, format("%d", now + 2 * lease))
end

local i = JR_RENEW_KEY_LIMITS - 1

for kind in string.gmatch(kept[4] or "", "(%S)%S*") do
  i = i + 1

  -- what is no set of slots by now must not cost the claim its renewal
  if kind == "c" and KEYS[i]
     and type(redis.pcall("ZADD", KEYS[i], lease_end,
                          owner .. ":" .. ARGV[JR_RENEW_LEASE])) == "number"
  then
    -- GT never sets one where there is none yet
    if call("PEXPIREAT", KEYS[i], lease_end, "GT") == 0 then
      call("PEXPIREAT", KEYS[i], lease_end, "NX")
    end
  end
end

return "renewed"
