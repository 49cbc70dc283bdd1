-- SPDX-License-Identifier: BSD-2-Clause
--
-- Records.

-- What the head of a record says, in the order of JR_RECORD_HEAD; nothing where
-- the gateway cannot have written it.
local function record_read(text)
  if not text or #text < JR_RECORD_SIZE then
    return nil
  end

  local form, state, flags, lease_end, lease, ends, begin, owner, version,
        print, head, first = unpack(JR_RECORD_HEAD, text)

  if form == JR_SCRIPT_FORMAT
     and (state == JR_STATE_CLAIMED or state == JR_STATE_DONE
          or state == JR_STATE_UNKNOWN)
     and head >= JR_RECORD_SIZE + first
     and head + (state == JR_STATE_DONE and 8 or 0) <= #text
     and ends > 0 and ends < 2^53 and lease_end < 2^53
  then
    return state, flags, lease_end, lease, ends, begin, owner, version, print,
           head, first
  end
end


-- request ids of the first attempt and of the owner

local function record_ids(text, head, first)
  local id = sub(text, JR_RECORD_SIZE + 1, JR_RECORD_SIZE + first)

  if head == JR_RECORD_SIZE + first then
    return id, id
  end

  return id, sub(text, JR_RECORD_SIZE + first + 1, head)
end


-- the same record with a lease that ends then

local function record_renewed(text, lease_end)
  return sub(text, 1, 3) .. pack(">I7", lease_end) .. sub(text, 11)
end
