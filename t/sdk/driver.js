// SPDX-License-Identifier: BSD-2-Clause

// Calls createJobRun as a test says: a line of JSON on standard input is a
// call; lines on standard output are its tries as they begin, and its result.
// JobRuns::Sdk writes and reads them.
//
//   node driver.js FOLDER      with the keys that keys.js has made there
//
// A call has: id; client (a name: calls of one name share a client, and so
// its circuit breaker); endpoint; as ("user", "session", "stranger"); timeout;
// retries ("default", "none", or seconds between eight tries); and what
// createJobRun() takes.

"use strict";

const fs = require("node:fs");
const readline = require("node:readline");

const common = require("oci-common");

const { JobRunClient } = require("./client.js");

const folder = process.argv[2];
const ids = JSON.parse(fs.readFileSync(`${folder}/ids.json`, "utf8"));
const pem = (name) => fs.readFileSync(`${folder}/${name}.pem`, "utf8");

const PROVIDERS = {
  user: () => new common.SimpleAuthenticationDetailsProvider(ids.tenancy,
    ids.user, ids.fingerprint, pem("user"), null),

  // the keyId of the user, signed with another key
  stranger: () => new common.SimpleAuthenticationDetailsProvider(ids.tenancy,
    ids.user, ids.fingerprint, pem("stranger"), null),

  session: () => new common.SessionAuthDetailProvider(`${folder}/config`,
    "DEFAULT"),
};

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const clients = new Map();

function clientOf(call) {
  const name = JSON.stringify([call.client, call.endpoint, call.as,
    call.timeout]);

  if (!clients.has(name)) {
    clients.set(name, new JobRunClient({
      authenticationDetailsProvider: PROVIDERS[call.as](),
      endpoint: call.endpoint,
      timeout: call.timeout,
    }));
  }

  return clients.get(name);
}

function retriesOf(call) {
  if (call.retries === "default") return undefined;
  if (call.retries === "none") return common.NoRetryConfigurationDetails;

  return {
    terminationStrategy: new common.MaxAttemptsTerminationStrategy(8),
    delayStrategy: new common.FixedTimeDelayStrategy(call.retries),
  };
}

async function run(call) {
  const began = Date.now();
  const result = { id: call.id, tries: 0 };
  const params = {
    ...call.params,
    retryConfiguration: retriesOf(call),
    onTry: (request) => {
      result.token = request.headers.get("opc-retry-token");
      result.requestId = request.headers.get("opc-request-id");
      say({ id: call.id, try: ++result.tries });
    },
  };

  try {
    result.response = await clientOf(call).createJobRun(params);
  } catch (error) {
    result.error = {
      isOciError: error instanceof common.OciError,
      statusCode: error.statusCode,
      serviceCode: error.serviceCode,
      message: error.message,
      opcRequestId: error.opcRequestId,
    };
  }

  result.ms = Date.now() - began;
  say(result);
}

const lines = readline.createInterface({ input: process.stdin });

lines.on("line", (line) => run(JSON.parse(line)));
lines.on("close", () => process.exit(0));
