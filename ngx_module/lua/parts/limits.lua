-- SPDX-License-Identifier: BSD-2-Clause
--
-- The limits of a call, as JR_SHARED has them; keys of slots are the first.

local function limits_read(shared, count)
  local limits, at = {}, JR_SHARED_SIZE + 1

  for i = 1, count do
    local key, mode, number, period, burst, delay, kind, window, name,
          after = unpack(JR_LIMIT, shared, at)

    limits[i] = { key = key, dry = mode == JR_MODE_DRY_RUN,
                  awaited = mode == JR_MODE_AWAITED, delay = delay,
                  count = number, period = period, burst = burst,
                  kind = kind, window = window, name = name,
                  tag = sub(shared, at + JR_LIMIT_TAG, after - 1),
                  lifted = false, used = 0, wait = 0, ends = 0, since = 0 }
    at = after
  end

  return limits
end
