-- SPDX-License-Identifier: BSD-2-Clause
--
-- The gateway's job with the gateway's features, in the way of OpenResty:
-- bodies compared in their canonical form, tokens of a tenant and principal,
-- leases that are renewed and fenced, waiting for a running token, overrides,
-- refunds, unknown outcomes, headers of limits, and chained audit records in
-- the form of OCI's.

local cjson = require "cjson.safe"
local gateway = require "gateway"

local ngx = ngx
local match, sub, fmt = string.match, string.sub, string.format
local concat, sort = table.concat, table.sort
local hash, evaluate, refuse = gateway.hash, gateway.evaluate, gateway.refuse

local _M = { init = gateway.init }

local LEASE, LIFE, WAIT = 15000, 86400000, 10
local NAMES = { "per_tenant", "per_workspace", "per_day", "at_once" }
local POLICY = '"per_tenant";q=900000;w=1, "per_workspace";q=800000;w=1, '
               .. '"per_day";q=1000000000;w=86400, "at_once";q=100000'

-- attempts under way, by their owners
local live = {}
local chain, seq
-- refusals of this second, of which the first have a record each
local REFUSALS = 20
local second, refusals = 0, 0


local function renew(premature)
  local due = ngx.now() - LEASE / 3000

  for owner, attempt in pairs(live) do
    if not premature and attempt.renewed < due then
      attempt.renewed = ngx.now()
      evaluate("equal_renew", 2, attempt.key, attempt.slots, owner, LEASE)
    end
  end
end


function _M.init_worker()
  gateway.init_worker()
  chain, seq = hash(gateway.random_id()), 0
  assert(ngx.timer.every(1, renew))
end


local function canonical(value, out)
  if type(value) ~= "table" then
    out[#out + 1] = cjson.encode(value)
    return
  end

  if #value > 0 then
    for i = 1, #value do
      out[#out + 1] = i == 1 and "[" or ","
      canonical(value[i], out)
    end

    out[#out + 1] = "]"
    return
  end

  local names = {}

  for name, v in pairs(value) do
    if v ~= cjson.null then
      names[#names + 1] = name
    end
  end

  sort(names)
  out[#out + 1] = "{"

  for i, name in ipairs(names) do
    out[#out + 1] = (i > 1 and "," or "") .. cjson.encode(name) .. ":"
    canonical(value[name], out)
  end

  out[#out + 1] = "}"
end


-- tenant, principal and whole key id of a signature

local function identity()
  local authorization = ngx.var.http_authorization
  local id = authorization and match(authorization, 'keyId="([^"]+)"')
  local tenant, principal = match(id or "", "^([^/]+)/([^/]+)/[^/]+$")

  if tenant and not ngx.re.find(tenant, "^[A-Za-z0-9._:-]{1,255}$", "jo") then
    tenant = "~" .. hash(tenant)
  end

  return tenant or "none", principal or "none", id
end


local function chained(text)
  local previous = chain

  seq, chain = seq + 1, hash(chain .. text)
  gateway.write(fmt('%s,"chain":{"seq":%d,"prev":"%s","hash":"%s"}}',
                    sub(text, 1, -2), seq, previous, chain))
end


local function folded()
  if second ~= ngx.time() then
    if refusals > REFUSALS then
      chained(cjson.encode { eventType = "RefusalsFolded",
                             count = refusals - REFUSALS })
    end

    second, refusals = ngx.time(), 0
  end

  refusals = refusals + 1

  return refusals > REFUSALS
end


local function record(a, suffix, details, response)
  if suffix == "" and response >= 400 and folded() then
    return
  end

  local var = ngx.var
  local time = ngx.now()
  local stamp = os.date("!%Y-%m-%dT%H:%M:%S", time)
                .. fmt(".%03dZ", time * 1000 % 1000)
  local begin = suffix ~= ".end"

  if response then
    response = { status = fmt("%d", response), responseTime = stamp }
  end

  details.attemptId = a.owner

  if begin then
    details.aiDataPlatformId, details.workspaceKey = a.platform, a.workspace
    details.jobKey = a.job
  end

  chained(cjson.encode {
    eventType = "com.oraclecloud.aidataplatform.CreateJobRun" .. suffix,
    cloudEventsVersion = "0.1", eventTypeVersion = "2.0",
    source = "openresty", eventId = gateway.random_id(), eventTime = stamp,
    contentType = "application/json",
    data = {
      eventGroupingId = a.owner, eventName = "CreateJobRun",
      resourceId = a.run, additionalDetails = details, response = response,
      identity = begin and {
        principalId = a.principal, authType = "key", tenantId = a.tenant,
        credentials = a.credentials, ipAddress = var.remote_addr,
        userAgent = var.http_user_agent,
      } or { tenantId = a.tenant },
      request = begin and {
        id = a.id, action = "POST", path = var.request_uri,
        headers = { ["opc-retry-token-sha256"] = { a.token_hash } },
      } or { id = a.id },
    },
  })
end


local function limit_headers(reply, from)
  local left = {}

  for i, name in ipairs(NAMES) do
    left[i] = fmt('"%s";r=%d', name, reply[from + i - 1])
  end

  ngx.header["RateLimit-Policy"] = POLICY
  ngx.header["RateLimit"] = concat(left, ", ")
end


-- nil once the request has been refused; else the attempt

local function read_request()
  local var = ngx.var
  local headers = ngx.req.get_headers(0)

  if ngx.req.get_method() ~= "POST" then
    return refuse(405, "MethodNotAllowed", "POST expected")
  end

  local id, token = headers["opc-request-id"], headers["opc-retry-token"]
  local recent = headers["should-update-recent"] or "true"

  if id and (type(id) == "table"
             or not ngx.re.find(id, "^[A-Za-z0-9_-]{1,256}$", "jo"))
  then
    return refuse(400, "InvalidParameter", "opc-request-id")
  end

  if token and (type(token) == "table"
                or not ngx.re.find(token, "^[\\x20-\\x7e]{1,64}$", "jo"))
  then
    return refuse(400, "InvalidParameter", "opc-retry-token")
  end

  if recent ~= "true" and recent ~= "false" then
    return refuse(400, "InvalidParameter", "should-update-recent")
  end

  local family, platform, workspace = match(var.uri,
    "^/%d+/([^/]+)/([^/]+)/workspaces/([^/]+)/jobRuns$")

  if sub(platform, 1, 6) ~= "ocid1." then
    return refuse(400, "InvalidParameter", "aiDataPlatformId")
  end

  if not ngx.re.find(var.content_type or "", "^application/json *(;|$)", "jo")
  then
    return refuse(415, "UnsupportedMediaType", "application/json expected")
  end

  ngx.req.read_body()

  local a = { id = id or var.request_id, owner = gateway.random_id(),
              platform = platform, workspace = workspace, started = ngx.now() }
  local body, err = cjson.decode(ngx.req.get_body_data() or "")

  a.tenant, a.principal, a.credentials = identity()

  if body == nil then
    record(a, "", { outcome = "invalid" }, 400)
    return refuse(400, "CannotParseRequest", err)
  end

  err = gateway.check(body)

  if err then
    record(a, "", { outcome = "invalid", message = err }, 400)
    return refuse(400, "InvalidParameter", err)
  end

  local out = {}

  canonical(body, out)
  a.job = body.jobKey
  a.fingerprint = hash(concat { family, "\n", recent, "\n", concat(out) })
  a.token_hash = hash(concat({ a.tenant, a.principal, platform, workspace,
                               token or a.owner }, "\0"))

  return a
end


local function admit(a)
  local scope = "peer:{" .. a.tenant .. "}:"
  local by = hash(a.workspace)
  local quota = ngx.var.quota

  a.key, a.slots = scope .. a.token_hash, scope .. "slots:" .. by
  a.quota = fmt("%squota%s:%d", scope, quota, ngx.time() / 86400)

  local ends, pause = ngx.now() + WAIT, 0.05

  while true do
    local reply, err = evaluate("equal_admit", 6, a.key, scope .. "limits",
                                scope .. "rate1", scope .. "rate2:" .. by,
                                a.quota, a.slots, a.owner, a.fingerprint,
                                LEASE, LIFE, a.id, 900000, 900000, 800000,
                                800000, quota, 100000)

    if not reply or reply[1] ~= "running" or ngx.now() > ends then
      return reply, err
    end

    ngx.sleep(pause)
    pause = pause < 0.5 and pause * 2 or 0.5
  end
end


-- what the service answers, stored before the client gets it

local function forward(a)
  live[a.owner] = { key = a.key, slots = a.slots, renewed = ngx.now() }

  local res = ngx.location.capture("/_forward" .. ngx.var.request_uri, {
    method = ngx.HTTP_POST,
    vars = { id = a.id },
    always_forward_body = true,
  })

  live[a.owner] = nil

  local status = res.truncated and 502 or res.status
  local answer = { status = status, body = res.body, headers = {} }

  for _, name in ipairs(gateway.KEPT) do
    answer.headers[name] = res.header[name]
  end

  local end_of = status < 300 and "created"
                 or status >= 400 and status < 500 and status ~= 408
                    and "rejected"
                 or "unknown"
  local run = end_of == "created" and cjson.decode(res.body)
  local reply = evaluate("equal_settle", 3, a.key, a.slots, a.quota, a.owner,
                         end_of, end_of == "created" and cjson.encode(answer)
                                 or "", a.fingerprint)

  a.run = run and run.key
  record(a, ".end", { outcome = end_of, upstreamStatus = status,
                      kept = reply and reply[1] == "kept",
                      location = answer.headers.location,
                      durationMs = (ngx.now() - a.started) * 1000 }, status)

  if reply and reply[1] == "done" then
    answer = cjson.decode(reply[2])
  end

  return gateway.send(answer)
end


function _M.create()
  local a = read_request()
  if not a then
    return
  end

  local reply, err = admit(a)
  if not reply then
    record(a, "", { outcome = "unavailable", message = err }, 503)
    return refuse(503, "ServiceUnavailable", err)
  end

  local verdict = reply[1]

  if verdict == "forward" then
    limit_headers(reply, 2)
    record(a, ".begin", { tokenBefore = "absent", limits = NAMES })
    return forward(a)
  end

  if verdict == "replay" then
    local answer = cjson.decode(reply[2])

    record(a, "", { outcome = "replayed", originalRequestId = reply[3] },
           answer.status)
    answer.headers["opc-request-id"] = a.id
    ngx.header["opc-retry-replayed"] = "true"
    ngx.header["opc-original-request-id"] = reply[3]
    return gateway.send(answer)
  end

  if verdict == "limited" then
    local name = NAMES[reply[2]]

    record(a, "", { outcome = "limited", limit = name }, 429)
    limit_headers(reply, 4)
    ngx.header["Retry-After"] = math.ceil(reply[3] / 1000)
    return refuse(429, "TooManyRequests", "Limit " .. name)
  end

  record(a, "", { outcome = verdict }, 409)
  return refuse(409, verdict == "running" and "IncorrectState"
                     or "InvalidatedRetryToken", verdict)
end


return _M
