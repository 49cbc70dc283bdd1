-- SPDX-License-Identifier: BSD-2-Clause
--
-- Attempts that are not simply forwarded: all limits decide together, all or
-- nothing.

          -- for how many ms a limit refuses an attempt, which its numbers say

          local function wait_of(k, at)
            if limits[at + JR_LIMIT_COUNT] == 0 then
              return BLOCKED_WAIT
            end

            if words[k] == "c" then
              return 1000
            end

            if limits[at + JR_LIMIT_KIND] == "q" then
              return ends[k] - now
            end

            local wait = (used[k] - most[k] + units[k] * 1000 - 1)
                         / (units[k] * 1000)

            return wait - wait % 1
          end


          -- The state of each limit for an attempt, and when it is its turn;
          -- the limit that refuses for longest, and for how long.  The retry of
          -- an unknown token pays no quota: the first attempt has, for the run
          -- that it may have made.

          local function weigh(pays)
            local states, turns, refusing, longest = {}, {}, 0, 0

            for k = 1, count do
              local at = JR_LIMIT_FIELDS * (k - 1)
              local kind = limits[at + JR_LIMIT_KIND]

              states[k] = measures[2 * k - 1]

              if used[k] > most[k] and (pays or kind ~= "q") then
                local wait, delay = wait_of(k, at), 0

                if kind == "r" and limits[at + JR_LIMIT_COUNT] > 0 then
                  delay = limits[at + JR_LIMIT_DELAY]
                end

                refuses[k] = refuses[k] or limits[at + JR_LIMIT_COUNT] > 0

                if limits[at + JR_LIMIT_MODE] == JR_MODE_DRY_RUN then
                  states[k] = WOULD_REFUSE

                elseif wait <= delay then
                  states[k], turns[k] = DELAYED, now + wait

                else
                  states[k] = REFUSES

                  -- less what it may be delayed for
                  if wait - delay > longest then
                    refusing, longest = k, wait - delay
                  end
                end
              end
            end

            return states, turns, refusing, longest
          end


          -- what an attempt consumes, as its record says it

          local function consume(i, pays, states, turns)
            local consumed = { nil, nil, nil, nil }

            for k = 1, count do
              local kind = limits[JR_LIMIT_FIELDS * (k - 1) + JR_LIMIT_KIND]

              if adds[k] > 0 and states[k] ~= WOULD_REFUSE
                 and (pays or kind ~= "q")
              then
                used[k] = used[k] + adds[k]
                measures[2 * k] = used[k]
                changed[k] = true

                consumed[k] = turns[k] and "r:" .. format("%d", turns[k])
                              or words[k]

              else
                consumed[k] = "-"

                if kind == "c" then
                  without[k] = without[k] or {}
                  without[k][i] = true
                end
              end
            end

            return table.concat(consumed, " ")
          end


          -- measures, but with these states

          local function measured(states)
            local values = { spread(measures, 1, 2 * count) }

            for k = 1, count do
              values[2 * k - 1] = states[k]
            end

            return spread(values)
          end


          -- Decides on an attempt, whose record said f.  Returns what others
          -- are told that are refused likewise.

          function decide(i, f)
            local life, _, owner, version, print, _, id =
                  unpack(JR_ADMIT, ARGV[JR_ADMIT_SHARED + i])
            local states, turns, refusing, longest = weigh(not f)

            if refusing > 0 then
              local text = pack(">c1c1" .. JR_LIMITED .. measures_form,
                                JR_SCRIPT_FORMAT, JR_VERDICT_LIMITED, refusing,
                                longest, measured(states))

              replies[JR_REPLY_SHARED + i] = text

              return not f and text
            end

            local consumed = consume(i, not f, states, turns)
            local first = f and f.first or id
            local last = first ~= id and id or ""
            local ends = f and f.ends or now + life

            replies[JR_REPLY_SHARED + i] =
                pack(forward_form, JR_SCRIPT_FORMAT, JR_VERDICT_FORWARD,
                     f and f.before or JR_BEFORE_ABSENT, measured(states))

            forward(i, pack(JR_RECORD_HEAD, JR_SCRIPT_FORMAT, JR_STATE_CLAIMED,
                            f and JR_RECORD_RETRY or 0, lease_end, lease, ends,
                            now, owner, version, print,
                            JR_RECORD_SIZE + #first + #last, #first)
                       .. first .. last .. consumed, ends)
            slot_of[i] = owner .. slot_end
          end
