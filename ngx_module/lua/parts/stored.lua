-- SPDX-License-Identifier: BSD-2-Clause
--
-- Records that are there, by attempt.  Most calls of several find none.

local texts

if attempts == 1 or call("EXISTS", spread(KEYS, records + 1)) > 0 then
  for i = 1, attempts do
    local text = try("GET", KEYS[records + i])

    if text then
      texts = texts or {}
      texts[i] = text
    end
  end
end
