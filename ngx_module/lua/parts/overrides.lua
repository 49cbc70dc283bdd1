-- SPDX-License-Identifier: BSD-2-Clause
--
-- Overrides: fields of a tenant's hash, put in force.

  local UNITS = { s = 1000000, m = 60000000, h = 3600000000 }

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


  -- the number that an override is, and the period that comes with a rate; or
  -- nothing

  local function override_read(text, most, is_rate)
    if #text > 16 then
      return nil
    end

    local digits, unit = match(text, "^%d+$"), nil

    if not digits and is_rate then
      digits, unit = match(text, "^(%d+)r/([smh])$")
    end

    if digits and digits + 0 <= most then
      return digits + 0, UNITS[unit]
    end
  end


  -- puts a field in force; false where it holds nonsense

  local function override(l, text, is_burst)
    text = override_now(text)

    if text == "none" and not is_burst then
      l.lifted = true

    elseif text and not l.lifted then
      local is_rate = l.kind == "r"
      local value, unit = override_read(text, is_rate and RATE_MOST
                                              or COUNT_MOST,
                                        is_rate and not is_burst)

      if not value then
        return false
      end

      if is_burst then
        l.burst = value
      else
        l.count, l.period = value, unit or l.period
      end
    end
  end
