-- SPDX-License-Identifier: BSD-2-Clause
--
-- The gateway's job in the way of OpenResty: cosockets with a pool of
-- connections, one EVALSHA to admit and one to settle, the answer kept before
-- it is given.

local cjson = require "cjson.safe"
local redis = require "nginx.redis"
local sha256 = require "nginx.sha256"
local to_hex = require("nginx.string").to_hex

local ngx = ngx
local find, match, sub, fmt = string.find, string.match, string.sub,
                              string.format
local concat = table.concat

local _M = {}

local LEASE, LIFE = 15000, 86400000
local CRON = [[^\S+( +\S+){5,6}$]]

local scripts, sha1s = {}, {}
local address, audit_path, audit


local function read_file(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read("*a")
  f:close()

  return text
end


function _M.init(folder, redis_address, audit_file)
  for _, name in ipairs { "admit", "settle", "equal_admit", "equal_settle",
                          "equal_renew" } do
    scripts[name] = read_file(folder .. "/" .. name .. ".lua")
    sha1s[name] = to_hex(ngx.sha1_bin(scripts[name]))
  end

  address, audit_path = redis_address, audit_file
end


function _M.init_worker()
  audit = assert(io.open(audit_path, "ab"))
  audit:setvbuf("full", 65536)
  math.randomseed(ngx.worker.pid() + ngx.now() * 1000)
end


local function write(line)
  audit:write(line, "\n")
  audit:flush()
end


local function record(fields)
  write(cjson.encode(fields))
end


local function refuse(status, code, message)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.print(cjson.encode { code = code, message = message })
end


local function evaluate(name, nkeys, ...)
  local r = redis:new()
  r:set_timeout(5000)

  local ok, err = r:connect(address)
  if not ok then
    return nil, err
  end

  local reply
  reply, err = r:evalsha(sha1s[name], nkeys, ...)

  if not reply and err and find(err, "NOSCRIPT", 1, true) then
    reply, err = r:eval(scripts[name], nkeys, ...)
  end

  r:set_keepalive(60000, 512)

  return reply, err
end


-- The rules that this comparison's bodies touch, by hand.

local function is_string(v, most)
  return type(v) == "string" and #v <= most
end

local function check(body)
  if type(body) ~= "table" then
    return "body: object expected"
  end

  if not is_string(body.jobKey, 255) then
    return "/jobKey: required"
  end

  local parameters = body.parameters

  if parameters then
    if type(parameters) ~= "table" then
      return "/parameters: array expected"
    end

    for i, p in ipairs(parameters) do
      if type(p) ~= "table" or not is_string(p.name, 65536)
         or not find(p.name, "^[%w_%-.]+$")
      then
        return fmt("/parameters/%d/name: pattern", i - 1)
      end

      if p.value ~= nil and not is_string(p.value, 65536) then
        return fmt("/parameters/%d/value: string expected", i - 1)
      end
    end
  end

  local queue = body.queue

  if queue and (type(queue) ~= "table" or type(queue.isEnabled) ~= "boolean")
  then
    return "/queue/isEnabled: required"
  end

  local schedule = body.schedule

  if schedule then
    if type(schedule) ~= "table"
       or not is_string(schedule.quartzCronExpression, 255)
       or not ngx.re.find(schedule.quartzCronExpression, CRON, "jo")
       or not is_string(schedule.timezoneId, 255)
    then
      return "/schedule: quartzCronExpression and timezoneId expected"
    end
  end

  return nil
end


local function tenancy()
  local authorization = ngx.var.http_authorization

  return authorization and match(authorization, 'keyId="([^/"]+)/') or "none"
end


local function random_id()
  return fmt("%08x%08x%08x%08x", math.random(0, 0x7fffffff),
             math.random(0, 0x7fffffff), math.random(0, 0x7fffffff),
             math.random(0, 0x7fffffff))
end


local function send(answer)
  ngx.status = answer.status

  for name, value in pairs(answer.headers) do
    ngx.header[name] = value
  end

  ngx.print(answer.body)
end


local KEPT = { "Content-Type", "location", "etag", "opc-request-id",
               "opc-work-request-id", "Content-Location" }

local function hash(text)
  local h = sha256:new()
  h:update(text)

  return to_hex(h:final())
end


function _M.create()
  local var = ngx.var

  if ngx.req.get_method() ~= "POST" then
    return refuse(405, "MethodNotAllowed", "POST expected")
  end

  local request_id = var.http_opc_request_id

  if request_id and not ngx.re.find(request_id, "^[A-Za-z0-9_-]{1,256}$", "jo")
  then
    return refuse(400, "InvalidParameter", "opc-request-id")
  end

  request_id = request_id or var.request_id

  if not find(var.content_type or "", "^application/json") then
    return refuse(415, "UnsupportedMediaType", "application/json expected")
  end

  local token = var.http_opc_retry_token

  if token and (#token > 64 or find(token, "[^\32-\126]")) then
    return refuse(400, "InvalidParameter", "opc-retry-token")
  end

  ngx.req.read_body()
  local text = ngx.req.get_body_data()

  local body, err = cjson.decode(text)
  if body == nil then
    return refuse(400, "CannotParseRequest", err)
  end

  err = check(body)
  if err then
    record { outcome = "invalid", id = request_id, message = err }
    return refuse(400, "InvalidParameter", err)
  end

  local tenant = tenancy()
  local owner = random_id()
  local scope = "{" .. tenant .. "}:"
  local key = "peer:" .. scope .. hash((token or owner) .. "\0" .. var.uri)
  local slots = "peer:" .. scope .. "slots"

  local reply
  reply, err = evaluate("admit", 5, key, "peer:" .. scope .. "rate1",
                        "peer:" .. scope .. "rate2",
                        "peer:" .. scope .. "quota" .. var.quota, slots,
                        owner, hash(text), LEASE, LIFE, 2, 900000, 2, 800000,
                        var.quota, 100000)

  if not reply then
    return refuse(503, "ServiceUnavailable", err)
  end

  local verdict = reply[1]

  if verdict == "replay" then
    record { outcome = "replayed", id = request_id, tenant = tenant }
    ngx.header["opc-retry-replayed"] = "true"
    return send(cjson.decode(reply[2]))
  end

  if verdict == "limited" then
    record { outcome = "limited", id = request_id, tenant = tenant,
             limit = reply[2] }
    ngx.header["Retry-After"] = math.ceil(reply[3] / 1000)
    return refuse(429, "TooManyRequests", "Limit " .. reply[2])
  end

  if verdict ~= "forward" then
    return refuse(409, verdict == "running" and "IncorrectState"
                       or "InvalidatedRetryToken", verdict)
  end

  record { event = "begin", id = request_id, tenant = tenant, owner = owner,
           path = var.request_uri, time = ngx.now() }

  local res = ngx.location.capture("/_forward" .. var.request_uri, {
    method = ngx.HTTP_POST,
    vars = { id = request_id },
    always_forward_body = true,
  })

  local answer = { status = res.status, body = res.body, headers = {} }

  for _, name in ipairs(KEPT) do
    answer.headers[name] = res.header[name]
  end

  local created = res.status >= 200 and res.status < 300

  reply, err = evaluate("settle", 2, key, slots, owner,
                        created and cjson.encode(answer) or "")

  record { event = "end", id = request_id, tenant = tenant, owner = owner,
           outcome = created and "created" or "failed", status = res.status,
           kept = reply == 1, time = ngx.now() }

  return send(answer)
end


-- what equal.lua does in the same way
_M.write, _M.refuse, _M.evaluate, _M.check = write, refuse, evaluate, check
_M.random_id, _M.send, _M.hash, _M.KEPT = random_id, send, hash, KEPT


return _M
