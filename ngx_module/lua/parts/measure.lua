-- SPDX-License-Identifier: BSD-2-Clause
--
-- How much of each limit is used.
--
-- Counters are written in the order in which they are read: place_of is where
-- the next one of a key is expected.

  local place_of = { nil, nil, nil }

  for key = slots + 1, unreadable and 0 or records - JR_ADMIT_KEY_OVERRIDES do
    local text = try("GET", KEYS[JR_ADMIT_KEY_OVERRIDES + key]) or ""

    if type(text) == "table" then
      unreadable = text
      break
    end

    counters[key], own_of[key] = text, 1
    place_of[key] = sub(text, 1, 1) == JR_SCRIPT_FORMAT and 2 or #text + 1
  end

  for k = 1, unreadable and 0 or count do
    local at = JR_LIMIT_FIELDS * (k - 1)
    local kind, key = limits[at + JR_LIMIT_KIND], limits[at + JR_LIMIT_KEY]
    local text, place, n = counters[key], nil, nil

    if text then
      tags[k] = limit_tag(limits, at)

      -- what is not counted at this moment stays as it is

      if #text > 1 and not lifted[at]
         and (kind == "q" or limits[at + JR_LIMIT_COUNT] > 0)
      then
        local from = place_of[key]

        place = from + #tags[k]

        if sub(text, from, place - 1) ~= tags[k]
           or place + JR_COUNTER_SIZE > #text + 1
        then
--include counters

          place = counter_find(text, tags[k])
        end
      end

      if place then
        ends[k], since[k], n, place_of[key] = unpack(JR_COUNTER, text, place)
        own_of[key] = own_of[key] + #tags[k] + JR_COUNTER_SIZE
      end
    end

    if kind == "r" then
--include rate

    elseif kind == "q" then
--include quota

    else
--include concurrency
    end

    if lifted[at] then
      most[k] = 2^53
    end

    measures[2 * k - 1] = lifted[at] and LIFTED or PASSES
    measures[2 * k] = used[k]
  end
