-- SPDX-License-Identifier: BSD-2-Clause
--
-- A quota counts in a window.  In one of the future, the next one stays the one
-- that counts, or else its edge would be passed twice, each time with a full
-- quota; what was counted in one further away counts in the present one.

      local from, to = window_of(limits[at + JR_LIMIT_WINDOW], now_s)

      if place then
        if since[k] < from then
          n = 0
        else
          n = n < COUNT_MOST and n or COUNT_MOST

          if since[k] == to then
            from, to = window_of(limits[at + JR_LIMIT_WINDOW], to)
          elseif since[k] > to then
            ahead[k] = true
          end
        end
      end

      limits[at + JR_LIMIT_BURST], limits[at + JR_LIMIT_PERIOD] = 0, to - from
      since[k], ends[k] = from, to * 1000
      used[k], most[k] = n or 0, limits[at + JR_LIMIT_COUNT] - 1

      if lifted[at] then
        adds[k], words[k] = 0, "-"
      else
        adds[k], words[k] = 1, "q:" .. format("%d", from)
      end
