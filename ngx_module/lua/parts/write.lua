-- SPDX-License-Identifier: BSD-2-Clause
--
-- Slots and counters are written.

  local lease_text = format("%d", lease_end)
  local becomes, last_of = { nil, nil, nil }, { nil, nil, nil }
  local is_changed = { nil, nil, nil }

  for n = 1, held and #held or 0 do
    -- what is no set of slots by now must not cost the claim its lease
    if type(try("ZADD", held[n][1], lease_text, held[n][2])) == "number" then
      slots_last(held[n][1], lease_end, lease)
    end
  end

  for k = 1, decided and count or 0 do
    local at = JR_LIMIT_FIELDS * (k - 1)
    local kind, key = limits[at + JR_LIMIT_KIND], limits[at + JR_LIMIT_KEY]

    if kind == "c" then
      key = KEYS[JR_ADMIT_KEY_OVERRIDES + key]

      if changed[k] then
        local added, n = { nil, nil, nil, nil }, 0

        for i = 1, attempts do
          if slot_of[i] and not (without[k] and without[k][i]) then
            added[n + 1], added[n + 2] = lease_text, slot_of[i]
            n = n + 2
          end
        end

        if sweep[k] then
          call("ZREMRANGEBYSCORE", key, "-inf", now)
        end

        call("ZADD", key, spread(added, 1, n))

        if fresh[k] then
          call("PEXPIREAT", key, format("%d", lease_end + SLOTS_LONGER))
        else
          slots_last(key, lease_end, lease)
        end

      elseif refuses[k] then
--include shorten
      end

    elseif adds[k] > 0 then
      local n, is_new = used[k], changed[k] or ahead[k]

      if kind == "r" and n > 0 then
        -- when nothing is left of it; also of one that was lowered meanwhile,
        -- which takes longer, and one that is ahead of the clock
        local stop = (now_us + n / units[k]) / 1000 + 1

        stop = stop - stop % 1

        if is_new or stop > (ends[k] or 0) + 1 then
          ends[k], is_new = stop, true
        end

      elseif kind == "r" then
        is_new = changed[k]
      end

      is_changed[key] = is_changed[key] or is_new

      if n > 0 then
        becomes[key] = (becomes[key] or JR_SCRIPT_FORMAT) .. tags[k]
                       .. pack(JR_COUNTER, ends[k], since[k], n)
        last_of[key] = math.max(last_of[key] or 0, ends[k])
      end
    end
  end

  -- write is call where something was written: it must not fail then

  for key = slots + 1, decided and records - JR_ADMIT_KEY_OVERRIDES or 0 do
    local text, last = becomes[key] or JR_SCRIPT_FORMAT, last_of[key] or 0

    if is_changed[key] then
      if own_of[key] < #counters[key] then
--include others
      end

      if last > 0 then
        write("SET", KEYS[JR_ADMIT_KEY_OVERRIDES + key], text, "PXAT",
              format("%d", last))
      end
    end
  end
