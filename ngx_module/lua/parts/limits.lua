-- SPDX-License-Identifier: BSD-2-Clause
--
-- The limits of a call, as JR_SHARED has them; keys of slots are the first.

local function limits_read(shared, count)
  local limits, at = {}, JR_SHARED_SIZE + 1

  for i = 1, count do
    local key, _, number, period, burst, _, kind, _, name, after =
          unpack(JR_LIMIT, shared, at)

    limits[i] = { key = key, kind = kind, name = name, count = number,
                  period = period, burst = burst, lifted = false,
                  tag = sub(shared, at + JR_LIMIT_TAG, after - 1) }
    at = after
  end

  return limits
end
