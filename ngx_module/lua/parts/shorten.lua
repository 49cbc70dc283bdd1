-- SPDX-License-Identifier: BSD-2-Clause
--
-- Of slots that refuse, some may end further ahead than they are long.

        local far = try("ZRANGEBYSCORE", key, "(" .. lease_text, "+inf",
                        "WITHSCORES", "LIMIT", "0", "100")

        for n = 1, #far, 2 do
          local length = match(far[n], ":(%d%d?%d?%d?%d?%d?)$")

          length = length and length + 0 or lease

          if far[n + 1] - now > length then
            try("ZADD", key, "XX", now + length, far[n])
          end
        end
