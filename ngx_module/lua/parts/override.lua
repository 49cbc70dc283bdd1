-- SPDX-License-Identifier: BSD-2-Clause
--
-- Puts one field in force: says false where it holds nonsense.

      -- "<value> until <second>" is none from that second on

      local function override_now(text)
        if not string.find(text, " until ", 1, true) then
          return text
        end

        local value, ends = match(text, "^(.-) until (%d+)$")

        if value and #ends <= 11 then
          return ends + 0 > now_s and value
        end

        return text
      end


      local function override(at, text, is_rate, is_burst)
        local most, unit = is_rate and RATE_MOST or COUNT_MOST, nil
        local digits = match(text, "^%d+$")

        if not digits then
          text = override_now(text)

          if not text or lifted[at] then
            return
          end

          if text == "none" and not is_burst then
            lifted[at] = true
            return
          end

          digits = match(text, "^%d+$")

          if not digits and is_rate and not is_burst then
            digits, unit = match(text, "^(%d+)r/([smh])$")
          end
        end

        if lifted[at] then
          return
        end

        -- as many digits as jr_decimal_read() takes
        if not digits or #digits > 18 or digits + 0 > most then
          return false
        end

        if is_burst then
          limits[at + JR_LIMIT_BURST] = digits + 0
          return
        end

        limits[at + JR_LIMIT_COUNT] = digits + 0

        if unit then
          limits[at + JR_LIMIT_PERIOD] = unit == "s" and 1000000
                                         or unit == "m" and 60000000
                                         or 3600000000
        end
      end
