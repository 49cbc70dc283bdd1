-- SPDX-License-Identifier: BSD-2-Clause
--
-- The limits of a call, as JR_SHARED has them: JR_LIMIT_FIELDS values for each,
-- one behind the other.  limits[at + JR_LIMIT_COUNT] is the count of the k-th,
-- where at is JR_LIMIT_FIELDS * (k - 1).

local function limits_read(shared, count)
  return { unpack(string.rep(JR_LIMIT, count), shared, JR_SHARED_SIZE + 1) }
end


-- what the counter of a limit begins with

local function limit_tag(limits, at)
  local name = limits[at + JR_LIMIT_NAME]

  return limits[at + JR_LIMIT_KIND] .. limits[at + JR_LIMIT_WINDOW]
         .. string.char(#name) .. name
end
