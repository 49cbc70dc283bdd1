#!lua flags=allow-oom
--[[ SPDX-License-Identifier: BSD-2-Clause
Renews the lease of an attempt that is still alive, and its slots with it.

KEYS  LIMITS...   in the order of admit.lua
      record      of the token, or of the attempt where there is none

ARGV  SHARED      as admit.lua has it
      OWNER       owner of the attempt

It passes at maxmemory ("allow-oom"): a lease must not end under an attempt
for want of memory that it has already.

Reply: "renewed", or "lost" where another attempt owns the record by now, or
it is settled, or gone.  A lease that has ended but was not taken over is
renewed: nobody has acted on its end.  core/api/jr_script.h has the layout of
what is packed.
]]

local call, try = redis.call, redis.pcall
local pack, unpack = struct.pack, struct.unpack
local sub, format = string.sub, string.format

--include record
--include limits
--include slots

local record, shared, owner = KEYS[#KEYS], ARGV[JR_RENEW_SHARED],
                              ARGV[JR_RENEW_OWNER]
local _, _, lease, slots, count = unpack(JR_SHARED, shared)

local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]
local now = (now_us - now_us % 1000) / 1000
local lease_end = now + lease

local text = try("GET", record)
local state, _, _, _, ends, _, kept_owner, _, _, head =
      record_read(type(text) == "string" and text)

if state ~= JR_STATE_CLAIMED or kept_owner ~= owner then
  return "lost"
end

call("SET", record, record_renewed(text, lease_end), "PXAT",
     format("%d", math.max(ends, now + 2 * lease)))

local limits, at = limits_read(shared, count), -JR_LIMIT_FIELDS

for kind in string.gmatch(sub(text, head + 1), "(%S)%S*") do
  at = at + JR_LIMIT_FIELDS

  local key = limits[at + JR_LIMIT_KEY]

  -- what is no set of slots by now must not cost the claim its renewal
  if kind == "c" and key and key <= slots
     and type(try("ZADD", KEYS[key], format("%d", lease_end),
                  owner .. ":" .. format("%d", lease))) == "number"
  then
    slots_last(KEYS[key], lease_end, lease)
  end
end

return "renewed"
