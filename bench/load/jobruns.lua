-- SPDX-License-Identifier: BSD-2-Clause
--
-- The load: one kind of traffic, told in one line of JSON when it ends.
--
--   wrk ... load/jobruns.lua -- KIND RUN TENANTS BODY
--
-- KIND     create  a new token per request
--          fill    the 1000 tokens of replay
--          replay  one of 1000 tokens
--          invalid, get
-- RUN      makes tokens of one run its own
-- TENANTS  how many different tenancies ask
-- BODY     file with the body of a creation

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local kind, run, tenants, body, invalid
local count = 0
local headers = {
  ["Host"] = "aidp.us-ashburn-1.oci.example.com",
  ["Content-Type"] = "application/json",
  ["Date"] = "Wed, 25 Nov 2026 12:00:00 GMT",
  ["User-Agent"] = "Oracle-GoSDK/65.117.0 (linux/amd64; go/go1.24)",
}

local function authorization(tenant)
  return 'Signature version="1",headers="date (request-target) host '
    .. 'content-length content-type x-content-sha256",keyId="'
    .. "ocid1.tenancy.oc1..aaaaaaaabench" .. tenant
    .. '/ocid1.user.oc1..aaaaaaaabench/'
    .. '20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34",'
    .. 'algorithm="rsa-sha256",signature="' .. ("c2lnbmF0dXJl"):rep(28)
    .. '=="'
end

local PATH = "/20260430/aiDataPlatforms/ocid1.aidataplatform.oc1.iad.amaaaaaa"
  .. "bench/workspaces/a1c2f8d0-1c7e-4b58-9d3c-0f6f1f1f9a11/jobRuns"

function init(args)
  kind, run, tenants = args[1], args[2], tonumber(args[3])

  local f = assert(io.open(args[4], "rb"))
  body = f:read("*a")
  f:close()

  invalid = body:gsub("0 30 4", "0 30 24"):gsub('"isEnabled":true', "")

  headers["Authorization"] = authorization(0)
  math.randomseed(number * 7919 + 1)
end

function request()
  count = count + 1

  if tenants > 1 then
    headers["Authorization"] = authorization(math.random(tenants))
  end

  if kind == "get" then
    return wrk.format("GET", PATH .. "/0b7b3c86", headers)
  end

  if kind == "invalid" then
    return wrk.format("POST", PATH, headers, invalid)
  end

  if kind == "create" then
    headers["opc-retry-token"] = run .. "-" .. number .. "-" .. count
  else
    headers["opc-retry-token"] = "kept-" .. (count % 1000)
  end

  return wrk.format("POST", PATH, headers, body)
end

function done(summary, latency, requests)
  local e = summary.errors

  io.write(string.format(
    '{"requests":%d,"us":%d,"p50":%d,"p99":%d,"p999":%d,"mean":%.1f,'
    .. '"refused":%d,"failed":%d}\n', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    latency.mean, e.status, e.connect + e.read + e.write + e.timeout))
end
