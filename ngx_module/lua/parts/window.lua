-- SPDX-License-Identifier: BSD-2-Clause
--
-- Windows of quotas.

-- First second of the UTC window around a second, and of the next one.

local function window_of(name, at)
  local day = at - at % 86400

  if name == "d" then
    return day, day + 86400
  end

  if name == "h" then
    return at - at % 3600, at - at % 3600 + 3600
  end

  -- The civil calendar, counted in 400-year eras that begin in March: day and
  -- year of the era, day of the year, month, the day that begins it.
  local doe = (day / 86400 + 719468) % 146097
  local yoe = (doe - (doe - doe % 1460) / 1460 + (doe - doe % 36524) / 36524
               - (doe - doe % 146096) / 146096) / 365

  yoe = yoe - yoe % 1

  local doy = doe - 365 * yoe - (yoe - yoe % 4) / 4 + (yoe - yoe % 100) / 100
  local month = (5 * doy + 2 - (5 * doy + 2) % 153) / 153
  local first = (153 * month + 2 - (153 * month + 2) % 5) / 5
  local days = (153 * month + 155 - (153 * month + 155) % 5) / 5 - first

  if month == 11 then
    -- February, whose year is that of the next March
    local year = yoe + 1

    days = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) and 29 or 28
  end

  local from = day - (doy - first) * 86400

  return from, from + days * 86400
end
