-- SPDX-License-Identifier: BSD-2-Clause
--
-- Slots are taken also while the limit is lifted, so that they are all counted
-- when it is not.  Those whose lease has ended are swept when they are in the
-- way.

      local slots_key = KEYS[JR_ADMIT_KEY_OVERRIDES + key]

      n = try("ZCARD", slots_key)

      if type(n) == "table" then
        unreadable, n = n, 0
      end

      fresh[k], most[k] = n == 0, limits[at + JR_LIMIT_COUNT] - 1

      if n > most[k] and not lifted[at] then
        local held = n

        n = call("ZCOUNT", slots_key, format("(%d", now), "+inf")
        sweep[k] = n < held
      end

      if limits[at + JR_LIMIT_MODE] == JR_MODE_AWAITED then
        most[k] = -1
      end

      limits[at + JR_LIMIT_BURST], limits[at + JR_LIMIT_PERIOD] = 0, 0
      used[k], adds[k], words[k] = n, 1, "c"
