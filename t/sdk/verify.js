// SPDX-License-Identifier: BSD-2-Clause

// Verifies signatures of requests in the service's place, with nothing of the
// gateway's: a line of JSON on standard input is a request (method, target,
// headers, body_base64), and a line on standard output is "ok" or why not.
//
//   node verify.js FOLDER      with the keys that keys.js has made there

"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const readline = require("node:readline");

const SKEW = 300 * 1000;
const SIGNED = ["(request-target)", "host", "content-length", "content-type",
  "x-content-sha256"];

const folder = process.argv[2];

const keysOf = (name) => new Map(
  JSON.parse(fs.readFileSync(`${folder}/${name}.json`, "utf8")).keys
    .map((jwk) => [jwk.kid, crypto.createPublicKey({ key: jwk,
      format: "jwk" })]));

const users = keysOf("keys");
const issuers = keysOf("issuer");

const decoded = (part) =>
  JSON.parse(Buffer.from(part, "base64url").toString("utf8"));

function keyOf(keyId) {
  if (!keyId.startsWith("ST$")) return users.get(keyId);

  const [head, claims, signature] = keyId.slice(3).split(".");
  const issuer = issuers.get(decoded(head).kid);

  if (!issuer || !crypto.verify("sha256", Buffer.from(`${head}.${claims}`),
    issuer, Buffer.from(signature, "base64url"))) return undefined;

  const { jwk, exp } = decoded(claims);

  return exp * 1000 > Date.now()
    ? crypto.createPublicKey({ key: JSON.parse(jwk), format: "jwk" })
    : undefined;
}

function complaint({ method, target, headers, body_base64: text }) {
  const values = new Map();

  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    values.set(key, values.has(key) ? `${values.get(key)}, ${value}` : value);
  }

  const authorization = values.get("authorization") || "";
  if (!authorization.startsWith("Signature ")) return "not signed";

  const fields = Object.fromEntries(
    [...authorization.matchAll(/([A-Za-z]+)="([^"]*)"/g)]
      .map(([, name, value]) => [name, value]));
  const names = (fields.headers || "").toLowerCase().split(" ");
  const date = values.has("x-date") ? "x-date" : "date";

  for (const name of [...SIGNED, date]) {
    if (!names.includes(name)) return `${name} is not signed`;
  }

  if (fields.algorithm !== "rsa-sha256") return "another algorithm";

  if (!(Math.abs(Date.parse(values.get(date)) - Date.now()) <= SKEW)) {
    return `${date} is not within the skew`;
  }

  const body = Buffer.from(text, "base64");
  const digest = crypto.createHash("sha256").update(body).digest("base64");

  if (values.get("x-content-sha256") !== digest) return "another body";
  if (values.get("content-length") !== String(body.length)) {
    return "another length";
  }

  const lines = names.map((name) => name === "(request-target)"
    ? `${name}: ${method.toLowerCase()} ${target}`
    : `${name}: ${(values.get(name) || "").trim()}`);
  const key = keyOf(fields.keyId || "");

  if (!key) return "no such key";

  return crypto.verify("sha256", Buffer.from(lines.join("\n"), "latin1"), key,
    Buffer.from(fields.signature || "", "base64")) ? null
    : "another signature";
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  let why;

  try {
    why = complaint(JSON.parse(line));
  } catch (error) {
    why = String(error.message).replace(/\n/g, " ");
  }

  process.stdout.write(`${why || "ok"}\n`);
});
