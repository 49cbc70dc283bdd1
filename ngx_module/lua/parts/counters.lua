-- SPDX-License-Identifier: BSD-2-Clause
--
-- Counters: all of one key in one string.

-- Where the numbers of a counter stand, and where the next one begins; nothing
-- from the place on where the gateway cannot have written it.
local function counter_at(text, at)
  local name = byte(text, at + 2)

  if name and at + 2 + name + JR_COUNTER_SIZE <= #text then
    return at + 3 + name, at + 3 + name + JR_COUNTER_SIZE
  end
end


-- the same of a tag's counter, or nothing

local function counter_find(text, tag)
  local at, place, after = 2, nil, nil

  if sub(text, 1, 1) ~= JR_SCRIPT_FORMAT then
    return nil
  end

  while true do
    place, after = counter_at(text, at)

    if not place or sub(text, at, place - 1) == tag then
      return place, after
    end

    at = after
  end
end
