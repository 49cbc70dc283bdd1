-- SPDX-License-Identifier: BSD-2-Clause
--
-- Each attempt is decided, in the order in which they stand.
--
-- Those that no limit holds up have everything in common but what their
-- argument says, which stands in the record as it came.  Those that are refused
-- behind each other are all told the same.

  local usual = not unreadable and table.concat(words, " ", 1, count)
  local measures_form = unreadable and "" or string.rep(JR_MEASURE, count)
  local forward_form = ">c1c1" .. JR_FORWARD .. measures_form
  local again, decide, refusal, life, life_ms, front, own

  for i = 1, attempts do
    local f = found and found[i]

    if f == false then
      -- its record has decided

    elseif f and f.again then
      if not again then
--include again
      end

      again(i, f)

    elseif unreadable then
      fail(i, unreadable)

    elseif refusal and not f then
      replies[JR_REPLY_SHARED + i] = refusal

    else
      local passes = not f

      for k = 1, count do
        passes = passes and used[k] <= most[k]
      end

      decided = true

      if not passes then
        if not decide then
--include weigh
        end

        refusal = decide(i, f)

      else
        local arg = ARGV[JR_ADMIT_SHARED + i]

        for k = 1, count do
          used[k] = used[k] + adds[k]
          measures[2 * k] = used[k]
        end

        replies[JR_REPLY_SHARED + i] =
            pack(forward_form, JR_SCRIPT_FORMAT, JR_VERDICT_FORWARD,
                 JR_BEFORE_ABSENT, spread(measures, 1, 2 * count))

        if sub(arg, 1, JR_ADMIT_OWN_AT) ~= life then
          life = sub(arg, 1, JR_ADMIT_OWN_AT)
          life_ms, _, own = unpack(JR_ADMIT_LIFE_SUM, arg)
          front = pack(JR_RECORD_FRONT, JR_SCRIPT_FORMAT, JR_STATE_CLAIMED, 0,
                       lease_end, lease, now + life_ms, now)
        end

        forward(i, front .. sub(arg, own) .. usual, now + life_ms)

        if slots > 0 then
          slot_of[i] = sub(arg, own, own + 15) .. slot_end
        end

        plain = true
      end
    end
  end

  for k = 1, plain and count or 0 do
    changed[k] = changed[k] or adds[k] > 0
  end
