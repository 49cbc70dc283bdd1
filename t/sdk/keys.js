// SPDX-License-Identifier: BSD-2-Clause

// Makes what clients sign with, in a folder, and what verifies it.
//
//   node keys.js FOLDER TENANCY USER
//
//   user.pem, stranger.pem     private keys
//   keys.json                  JWKS: the user's key by its keyId
//   session.pem, token, config a session token, as Oracle's CLI leaves it
//   issuer.json                JWKS: the key of the token's issuer
//   ids.json                   tenancy, user, fingerprint, keyId, issuer

"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");

const [folder, tenancy, user] = process.argv.slice(2);
const issuer = "jobruns-tests";

const write = (name, text) =>
  fs.writeFileSync(`${folder}/${name}`, text, { mode: 0o600 });

function keyPair(name) {
  const pair = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });

  write(`${name}.pem`, pair.privateKey.export({ type: "pkcs8",
    format: "pem" }));

  return {
    ...pair,
    jwk: { ...pair.publicKey.export({ format: "jwk" }), alg: "RS256",
      use: "sig" },
    fingerprint: crypto.createHash("md5")
      .update(pair.publicKey.export({ type: "spki", format: "der" }))
      .digest("hex").replace(/..(?=.)/g, "$&:"),
  };
}

const part = (value) =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

const userKey = keyPair("user");
const sessionKey = keyPair("session");
const issuerKey = keyPair("issuer");
keyPair("stranger");

const keyId = `${tenancy}/${user}/${userKey.fingerprint}`;
const now = Math.floor(Date.now() / 1000);

const signed = part({ alg: "RS256", kid: "issuer-1", typ: "JWT" }) + "."
  + part({
    iss: issuer, sub: `${user}.session`, iat: now, exp: now + 3600, tenant:
    tenancy, ptype: "user", ttype: "login", jwk: JSON.stringify({
      ...sessionKey.jwk, kid: "session" }),
  });

const token = signed + "." + crypto.sign("sha256", Buffer.from(signed),
  issuerKey.privateKey).toString("base64url");

write("keys.json", JSON.stringify({ keys: [{ ...userKey.jwk, kid: keyId }] }));
write("issuer.json", JSON.stringify({ keys: [{ ...issuerKey.jwk,
  kid: "issuer-1" }] }));
write("token", token);
write("ids.json", JSON.stringify({ tenancy, user, keyId, issuer,
  fingerprint: userKey.fingerprint }));
write("config", [
  "[DEFAULT]", `user=${user}`, `tenancy=${tenancy}`, "region=us-ashburn-1",
  `fingerprint=${sessionKey.fingerprint}`, `key_file=${folder}/session.pem`,
  `security_token_file=${folder}/token`, "",
].join("\n"));
