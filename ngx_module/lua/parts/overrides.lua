-- SPDX-License-Identifier: BSD-2-Clause
--
-- Overrides: fields of a tenant's hash, put in force.

    local names, n = { nil, nil, nil, nil, nil, nil, nil, nil }, 0

    for at = 0, last_limit, JR_LIMIT_FIELDS do
      local name = limits[at + JR_LIMIT_NAME]

      n = n + 1

      if limits[at + JR_LIMIT_KIND] == "r" then
        names[n] = name .. ".rate"
        n = n + 1
        names[n] = name .. ".burst"

      else
        names[n] = name .. ".limit"
      end
    end

    -- only what is needed, however much somebody has put there
    local fields = try("HMGET", KEYS[JR_ADMIT_KEY_OVERRIDES],
                       spread(names, 1, n))

    if fields.err then
      if string.find(fields.err, "WRONGTYPE", 1, true) then
        bad = "*"
      else
        unreadable = fields
      end

      n = 0
    end

    local overridden = false

    for j = 1, n do
      overridden = overridden or fields[j]
    end

    if overridden then
--include override

      n = 0

      for at = 0, last_limit, JR_LIMIT_FIELDS do
        local is_rate = limits[at + JR_LIMIT_KIND] == "r"

        for part = 1, is_rate and 2 or 1 do
          n = n + 1

          local text = fields[n]

          if text and override(at, text, is_rate, part == 2) == false then
            bad = bad == "" and names[n] or bad .. " " .. names[n]
          end
        end
      end
    end
