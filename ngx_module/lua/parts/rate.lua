-- SPDX-License-Identifier: BSD-2-Clause
--
-- A rate is a backlog that is worked off, as it was when it was last added to.
-- A request adds REQUEST; the rate in force takes off as many as it has units
-- in each microsecond.  A time of the future means that the clock has gone
-- back: nothing has been worked off since, and the backlog counts from now.

      local rate, backlog = limits[at + JR_LIMIT_COUNT], 0
      local room = limits[at + JR_LIMIT_BURST] * REQUEST

      units[k] = rate * (REQUEST / limits[at + JR_LIMIT_PERIOD])

      if place then
        -- more was left by a larger burst
        local limit = room + REQUEST
                      + math.min(limits[at + JR_LIMIT_DELAY] * 1000 * units[k],
                                 RATE_MOST * REQUEST)

        backlog = n < limit and n or limit

        if since[k] > now_us then
          ahead[k] = true
        else
          backlog = backlog - (now_us - since[k]) * units[k]
          backlog = backlog > 0 and backlog or 0
        end
      end

      since[k], used[k] = now_us, backlog

      if rate > 0 and not lifted[at] then
        most[k], adds[k], words[k] = room, REQUEST, "r"
      else
        most[k], adds[k], words[k] = -1, 0, "-"
      end
