// SPDX-License-Identifier: BSD-2-Clause
//
// The gateway's job in Node: fastify, ajv, ioredis with automatic pipelining,
// an undici pool, and one process per core.

import cluster from "node:cluster";
import crypto from "node:crypto";
import fs from "node:fs";

const { PORT, LIMITED, SERVICE, REDIS, WORKERS, SCRIPTS, SCHEMA, AUDIT } =
  process.env;

if (cluster.isPrimary) {
  for (let i = 0; i < Number(WORKERS); i++) cluster.fork();

  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => {
      for (const worker of Object.values(cluster.workers)) worker.kill();
      process.exit(0);
    });
  }
} else {
  await work();
}

async function work() {
  const { default: fastify } = await import("fastify");
  const { default: Ajv2020 } = await import("ajv/dist/2020.js");
  const { Redis } = await import("ioredis");
  const { Pool } = await import("undici");

  const redis = new Redis({ path: REDIS, enableAutoPipelining: true });
  const service = new Pool(`http://127.0.0.1:${SERVICE}`,
    { connections: 256, pipelining: 1 });
  const audit = fs.createWriteStream(AUDIT, { flags: "a" });

  for (const [name, keys] of [["admit", 5], ["settle", 2]]) {
    redis.defineCommand(name, {
      numberOfKeys: keys,
      lua: fs.readFileSync(`${SCRIPTS}/${name}.lua`, "utf8"),
    });
  }

  const ajv = new Ajv2020({ strict: false, allErrors: true,
    validateFormats: false });
  const valid = ajv.compile(JSON.parse(fs.readFileSync(SCHEMA, "utf8")));

  const LEASE = 15000;
  const LIFE = 86400000;
  const ID = /^[A-Za-z0-9_-]{1,256}$/;
  const TOKEN = /^[\x20-\x7e]{1,64}$/;
  const TENANCY = /keyId="([^/"]+)\//;
  const KEPT = ["content-type", "location", "etag", "opc-request-id",
    "opc-work-request-id", "content-location"];

  const hash = (text) =>
    crypto.createHash("sha256").update(text).digest("hex");
  const record = (fields) => audit.write(JSON.stringify(fields) + "\n");

  const refuse = (reply, status, code, message) =>
    reply.code(status).type("application/json")
      .send(JSON.stringify({ code, message }));

  function send(reply, answer) {
    return reply.code(answer.status).headers(answer.headers)
      .send(answer.body);
  }

  function build(quota) {
    const app = fastify({ logger: false, bodyLimit: 16 << 20,
      keepAliveTimeout: 600000, requestTimeout: 0 });

    // The bytes are needed as they came: for the hash, and to forward.
    app.addContentTypeParser("application/json", { parseAs: "buffer" },
      (request, body, done) => done(null, body));

    app.post("/:version/aiDataPlatforms/:platform/workspaces/:workspace"
      + "/jobRuns", async (request, reply) => {
      const { headers } = request;
      const id = headers["opc-request-id"] ?? crypto.randomUUID();
      const token = headers["opc-retry-token"];

      if (!ID.test(id)) {
        return refuse(reply, 400, "InvalidParameter", "opc-request-id");
      }

      if (token !== undefined && !TOKEN.test(token)) {
        return refuse(reply, 400, "InvalidParameter", "opc-retry-token");
      }

      let body;

      try {
        body = JSON.parse(request.body);
      } catch (error) {
        return refuse(reply, 400, "CannotParseRequest", error.message);
      }

      if (!valid(body)) {
        const message = ajv.errorsText(valid.errors);
        record({ outcome: "invalid", id, message });
        return refuse(reply, 400, "InvalidParameter", message);
      }

      const tenant = TENANCY.exec(headers.authorization ?? "")?.[1] ?? "none";
      const owner = crypto.randomBytes(16).toString("hex");
      const scope = `peer:{${tenant}}:`;
      const key = scope + hash(`${token ?? owner}\0${request.url}`);
      const slots = `${scope}slots`;

      const verdict = await redis.admit(key, `${scope}rate1`, `${scope}rate2`,
        `${scope}quota${quota}`, slots, owner, hash(request.body), LEASE,
        LIFE, 2, 900000, 2, 800000, quota, 100000);

      if (verdict[0] === "replay") {
        record({ outcome: "replayed", id, tenant });
        reply.header("opc-retry-replayed", "true");
        return send(reply, JSON.parse(verdict[1]));
      }

      if (verdict[0] === "limited") {
        record({ outcome: "limited", id, tenant, limit: verdict[1] });
        reply.header("retry-after", Math.ceil(verdict[2] / 1000));
        return refuse(reply, 429, "TooManyRequests", `Limit ${verdict[1]}`);
      }

      if (verdict[0] !== "forward") {
        return refuse(reply, 409, verdict[0] === "running"
          ? "IncorrectState" : "InvalidatedRetryToken", verdict[0]);
      }

      record({ event: "begin", id, tenant, owner, path: request.url,
        time: Date.now() });

      const { connection, "content-length": length, ...rest } = headers;
      const response = await service.request({ method: "POST",
        path: request.url, body: request.body,
        headers: { ...rest, "opc-request-id": id } });

      const answer = { status: response.statusCode, headers: {},
        body: await response.body.text() };

      for (const name of KEPT) {
        if (response.headers[name]) {
          answer.headers[name] = response.headers[name];
        }
      }

      const created = answer.status >= 200 && answer.status < 300;
      const kept = await redis.settle(key, slots, owner,
        created ? JSON.stringify(answer) : "");

      record({ event: "end", id, tenant, owner, status: answer.status,
        outcome: created ? "created" : "failed", kept: kept === 1,
        time: Date.now() });

      return send(reply, answer);
    });

    app.get("/*", async (request, reply) => {
      const { connection, ...rest } = request.headers;
      const response = await service.request({ method: "GET",
        path: request.url,
        headers: { ...rest, "opc-request-id": crypto.randomUUID() } });
      const { connection: gone, "transfer-encoding": coding, ...kept } =
        response.headers;

      return reply.code(response.statusCode).headers(kept)
        .send(response.body);
    });

    return app;
  }

  const backlog = 4096;

  await build(1000000000)
    .listen({ host: "127.0.0.1", port: Number(PORT), backlog });
  await build(1).listen({ host: "127.0.0.1", port: Number(LIMITED), backlog });
}
