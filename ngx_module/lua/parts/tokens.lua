-- SPDX-License-Identifier: BSD-2-Clause
--
-- What the token of an attempt decides, by the record that is there.

  -- A claim of another attempt, whose lease runs; one that is ahead of the
  -- clock is repaired.

  local function running(i, text, kept_end, kept_lease, ends, id)
    if kept_lease == 0 or kept_lease > 999999 then
      kept_lease = lease
    end

    if kept_end - now > kept_lease then
      kept_end = now + kept_lease
      repairs = repairs or {}
      repairs[#repairs + 1] = { KEYS[records + i],
                                record_renewed(text, kept_end),
                                math.max(ends, now + 2 * kept_lease) }
    end

    reply(i, JR_VERDICT_RUNNING, pack(JR_RUNNING, kept_end - now) .. id)

    return false
  end


  local told = 0

  local function read(i, text)
    local _, corrupt, owner, version, print =
          unpack(JR_ADMIT, ARGV[JR_ADMIT_SHARED + i])
    local state, flags, kept_end, kept_lease, ends, _, kept_owner,
          kept_version, kept_print, head, first =
          record_read(type(text) == "string" and text)
    local before, first_id, last_id = JR_BEFORE_CORRUPT, nil, nil

    if state then
      before = JR_BEFORE_UNKNOWN
      first_id, last_id = record_ids(text, head, first)

      if state == JR_STATE_CLAIMED and kept_owner == owner then
        return { before = flags == JR_RECORD_RETRY and JR_BEFORE_UNKNOWN
                          or JR_BEFORE_ABSENT,
                 again = record_renewed(text, lease_end), ends = ends,
                 owner = owner, consumed = sub(text, head + 1) }
      end

      if kept_print ~= print and kept_version == version then
        -- one of another version says nothing about sameness
        reply(i, JR_VERDICT_MISMATCH, first_id)
        return false
      end

      if state == JR_STATE_DONE then
        if corrupt == "" or sub(text, head + 1, head + 8) ~= corrupt then
          told = told + #text

          if attempts > 1 and told > JR_TOLD_MOST then
            reply(i, JR_VERDICT_ERROR, "too much for one reply")
          else
            replies[JR_REPLY_SHARED + i] = text
          end

          return false
        end

        before, ends = JR_BEFORE_CORRUPT, nil

      elseif state == JR_STATE_CLAIMED and kept_end > now then
        return running(i, text, kept_end, kept_lease, ends, last_id)
      end
    end

    -- unknown, or claimed by an attempt that did not live to settle

    if refuse == 1 then
      reply(i, JR_VERDICT_REFUSED, pack(JR_REFUSED, before)
                                   .. (first_id or ""))
      return false
    end

    return { before = before, first = first_id, ends = ends }
  end
