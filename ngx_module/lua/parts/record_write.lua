-- SPDX-License-Identifier: BSD-2-Clause
--
-- Records as they are written anew.

local function record_write(state, flags, lease_end, lease, ends, begin, owner,
                            version, print, first, id, tail)
  if id == first then
    id = ""
  end

  return pack(JR_RECORD_HEAD, JR_SCRIPT_FORMAT, state, flags, lease_end, lease,
              ends, begin, owner, version, print,
              JR_RECORD_SIZE + #first + #id, #first) .. first .. id .. tail
end
