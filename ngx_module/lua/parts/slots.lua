-- SPDX-License-Identifier: BSD-2-Clause
--
-- Slots: a sorted set of "<owner>:<length of the lease>" by the ends of the
-- leases, both in ms.  Its key ends a while behind the last of them, so that
-- most need not move that.

local SLOTS_LONGER = 60000

local function slots_last(key, lease_end, lease)
  if call("PTTL", key) < lease then
    call("PEXPIREAT", key, lease_end + SLOTS_LONGER)
  end
end
