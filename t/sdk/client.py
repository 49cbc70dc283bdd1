# SPDX-License-Identifier: BSD-2-Clause

"""Python's urllib with retries, as people write it by hand.

    client.py FOLDER URL TOKEN FILE
"""

import base64
import email.utils
import hashlib
import json
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

folder, url, token, path = sys.argv[1:]

with open(folder + "/ids.json", encoding="ascii") as file:
    KEY_ID = json.load(file)["keyId"]

RETRIED = {(409, "IncorrectState"), (429, "TooManyRequests")}


def sign(text):
    """The library has no RSA, so it is openssl's."""
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", folder + "/user.pem"],
        input=text.encode(), capture_output=True, check=True)
    return base64.b64encode(done.stdout).decode()


def signed(body):
    """A request as it is at this second."""
    parts = urllib.parse.urlsplit(url)
    headers = {
        "date": email.utils.formatdate(usegmt=True),
        "host": parts.netloc,
        "content-length": str(len(body)),
        "content-type": "application/json",
        "x-content-sha256":
            base64.b64encode(hashlib.sha256(body).digest()).decode(),
    }
    names = ["(request-target)"] + list(headers)
    values = {"(request-target)": "post " + parts.path} | headers
    signature = sign("\n".join(f"{name}: {values[name]}" for name in names))
    headers["authorization"] = (
        f'Signature version="1",keyId="{KEY_ID}",algorithm="rsa-sha256",'
        f'headers="{" ".join(names)}",signature="{signature}"')
    headers["opc-retry-token"] = token
    return urllib.request.Request(url, data=body, headers=headers)


def create(body):
    """Status, headers and JSON of the last of at most five tries."""
    context = ssl.create_default_context(cafile=folder + "/gateway.crt")
    status, headers, value = 0, {}, {}

    for attempt in range(5):
        time.sleep(attempt)

        try:
            with urllib.request.urlopen(
                    signed(body), timeout=30,
                    context=context if url.startswith("https") else None
            ) as response:
                return response.status, response.headers, json.load(response)
        except urllib.error.HTTPError as error:
            status, headers = error.code, error.headers
            value = json.load(error)
        except OSError:
            continue

        if status < 500 and (status, value["code"]) not in RETRIED:
            break

    return status, headers, value


with open(path, "rb") as file:
    result = create(file.read())

print(json.dumps({
    "status": result[0], "version": 1, "key": result[2].get("key"),
    "code": result[2].get("code"), "message": result[2].get("message"),
    "request_id": result[1].get("opc-request-id"),
    "replayed": result[1].get("opc-retry-replayed"),
}))
