-- SPDX-License-Identifier: BSD-2-Clause
--
-- Gives back what the record of an attempt says that it consumed.  A counter
-- that is back at nothing goes, and its key with the last of them.  What is no
-- counter by now has nothing to give back, and must not keep the attempt from
-- being settled.

local REQUEST = 3600000000
local limits

local function refund(consumed, outcome)
  local at = -JR_LIMIT_FIELDS

  limits = limits or limits_read(shared, count)

  for word in string.gmatch(consumed, "%S+") do
    at = at + JR_LIMIT_FIELDS

    local window = match(word, "^q:(%d+)$")
    local rate = byte(word) == 114      -- "r"
                 and (outcome == JR_SETTLE_UNAUTHORIZED
                      or outcome == JR_SETTLE_WITHDRAWN)
    local key = (window or rate) and limits[at + JR_LIMIT_KEY]
    local text = key and try("GET", KEYS[key])
    local tag, place, after

    if type(text) == "string" then
      tag = limit_tag(limits, at)
      place, after = counter_find(text, tag)
    end

    if place then
      local ends, since, used = unpack(JR_COUNTER, text, place)

      used = used - (rate and REQUEST or 1)

      -- a window that has ended needs nothing back
      if rate or since == window + 0 then
        text = sub(text, 1, place - #tag - 1)
               .. (used > 0 and tag .. pack(JR_COUNTER, ends, since, used)
                   or "")
               .. sub(text, after)

        if text == JR_SCRIPT_FORMAT then
          call("DEL", KEYS[key])
        else
          call("SET", KEYS[key], text, "KEEPTTL")
        end
      end
    end
  end
end
