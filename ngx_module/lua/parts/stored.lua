-- SPDX-License-Identifier: BSD-2-Clause
--
-- Records that are there, by attempt.  Most calls find none, and no overrides.

local texts
local there = call("EXISTS", KEYS[JR_ADMIT_KEY_OVERRIDES],
                   spread(KEYS, records + 1))

for i = 1, there > 0 and attempts or 0 do
  local text = try("GET", KEYS[records + i])

  if text then
    texts = texts or {}
    texts[i] = text
  end
end
