// SPDX-License-Identifier: BSD-2-Clause

// The client that Oracle's generator would make for createJobRun, around the
// package that all of its clients are made of: what signs, retries, breaks
// the circuit and reads errors is Oracle's.

"use strict";

const http = require("node:http");

const common = require("oci-common");

// as generated: response header, member of the response
const RESPONSE_HEADERS = [
  ["etag", "etag"],
  ["opc-request-id", "opcRequestId"],
  ["opc-work-request-id", "opcWorkRequestId"],
  ["location", "location"],
  ["content-location", "contentLocation"],
  ["opc-retry-replayed", "opcRetryReplayed"],
  ["opc-original-request-id", "opcOriginalRequestId"],
];

// Says when a call is tried, and sends with Oracle's client.

class CountingClient extends common.FetchHttpClient {
  send(request, ...rest) {
    request.onTry();
    return super.send(request, ...rest);
  }
}

class JobRunClient {
  // endpoint; timeout in ms of each try, by node-fetch (none: no timeout, and
  // Node's own fetch)
  constructor({ authenticationDetailsProvider, endpoint, timeout }) {
    const options = timeout
      ? { agent: new http.Agent({ keepAlive: true }), timeout }
      : undefined;

    this._endpoint = `${endpoint}/20260430`;
    this._circuitBreaker = new common.CircuitBreaker();
    this._httpClient = new CountingClient(
      new common.DefaultRequestSigner(authenticationDetailsProvider),
      this._circuitBreaker.circuit, options);
  }

  async createJobRun(params) {
    const path = "/aiDataPlatforms/{aiDataPlatformId}"
      + "/workspaces/{workspaceKey}/jobRuns";

    const retrier = common.GenericRetrier.createPreferredRetrier(
      undefined, params.retryConfiguration,
      common.OciSdkDefaultRetryConfiguration);

    const request = await common.composeRequest({
      baseEndpoint: this._endpoint,
      defaultHeaders: params.headers || {},
      path,
      method: "POST",
      bodyContent: params.bodyContent !== undefined ? params.bodyContent
        : common.ObjectSerializer.serialize(params.createJobRunDetails,
          "CreateJobRunDetails"),
      pathParams: {
        "{aiDataPlatformId}": params.aiDataPlatformId,
        "{workspaceKey}": params.workspaceKey,
      },
      headerParams: {
        "Content-Type": common.Constants.APPLICATION_JSON,
        "opc-retry-token": params.opcRetryToken,
        "opc-request-id": params.opcRequestId,
        "should-update-recent": params.shouldUpdateRecent,
      },
      queryParams: {},
    });

    request.onTry = () => params.onTry(request);

    const response = await retrier.makeServiceCall(this._httpClient, request,
      "JobRun", "createJobRun", "");

    return common.composeResponse({
      responseObject: {},
      body: await response.json(),
      bodyKey: "jobRun",
      type: "any",
      responseHeaders: RESPONSE_HEADERS.map(([name, key]) =>
        ({ value: response.headers.get(name), key, dataType: "string" })),
    });
  }
}

module.exports = { JobRunClient };
