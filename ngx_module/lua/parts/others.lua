-- SPDX-License-Identifier: BSD-2-Clause
--
-- Counters that other locations count by are left as they are, until they have
-- ended.

--include counters

        local own, from = {}, 2
        local place, after = counter_at(counters[key], from)

        for k = 1, count do
          if adds[k] > 0 and tags[k]
             and limits[JR_LIMIT_FIELDS * (k - 1) + JR_LIMIT_KEY] == key
          then
            own[tags[k]] = true
          end
        end

        while place do
          local stop = unpack(JR_COUNTER, counters[key], place)

          if stop > now and not own[sub(counters[key], from, place - 1)] then
            text = text .. sub(counters[key], from, after - 1)
            last = math.max(last, stop)
          end

          from = after
          place, after = counter_at(counters[key], from)
        end
