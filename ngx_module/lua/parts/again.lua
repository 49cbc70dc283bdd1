-- SPDX-License-Identifier: BSD-2-Clause
--
-- An owner whose claim stands asks again: the reply to its first admission was
-- lost.  Limits are told as they are now, where they can be read.

        function again(i, f)
          local k, turns = 0, {}
          local values = unreadable and {} or { spread(measures, 1, 2 * count) }

          forward(i, f.again, f.ends)

          for kind, turn in string.gmatch(f.consumed, "(%S):?(%S*)") do
            k = k + 1
            turns[k] = kind == "r" and match(turn, "^%d+$") and turn - now

            local key = k <= count
                        and limits[JR_LIMIT_FIELDS * (k - 1) + JR_LIMIT_KEY]

            if kind == "c" and key and key <= slots then
              held = held or {}
              held[#held + 1] = { KEYS[JR_ADMIT_KEY_OVERRIDES + key],
                                  f.owner .. slot_end }
            end
          end

          for j = 1, unreadable and 0 or count do
            local at, turn = JR_LIMIT_FIELDS * (j - 1), turns[j]

            -- its turn is the one that it was given
            if limits[at + JR_LIMIT_KIND] == "r" and adds[j] > 0 and turn
               and turn > 0 and turn <= JR_DELAY_MOST
            then
              values[2 * j - 1] = DELAYED
              values[2 * j] = (limits[at + JR_LIMIT_BURST] + 1) * REQUEST
                              + turn * 1000 * units[j]
            end
          end

          reply(i, JR_VERDICT_FORWARD, pack(JR_FORWARD .. measures_form,
                                            f.before, spread(values)))
        end
