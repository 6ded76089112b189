#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""api.py SOCKET: the running scheduler against docs/schema/api-1.json: every path is there, every endpoint in the
code is documented, answers fit their schemas, and what is wrong is refused with a problem document."""
import http.client
import json
import os
import re
import socket
import sys

import jsonschema

top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
with open(os.path.join(top, "docs/schema/api-1.json"), encoding="utf-8") as file:
    api = json.load(file)
failed = []


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])


def call(method, path, body=None, headers=None):
    connection = Connection("scheduler")
    connection.request(method, path, body if isinstance(body, (bytes, type(None))) else json.dumps(body),
                       headers or {})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def want(good, *what):
    if not good:
        failed.append(what)
        print("#", *what, file=sys.stderr)


def fits(document, schema, what):
    registry = {"components": api["components"], **schema}
    errors = list(jsonschema.Draft202012Validator(registry).iter_errors(document))
    want(not errors, what, errors[:1])


# the code's tables and the document name the same endpoints
coded = set()
for name in ("api_jobs", "api_worker", "api_farm"):
    with open(os.path.join(top, "scheduler", name + ".c"), encoding="utf-8") as file:
        coded |= set(re.findall(r'\{ "([A-Z]+)", "(/[^"]+)"', file.read()))
written = {(method.upper(), re.sub(r"\{\w+\}", "*", path)) for path, methods in api["paths"].items() for method in methods}
want(coded == written, "endpoints", coded ^ written)

# answers fit
for path, methods in api["paths"].items():
    schema = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get("application/json")
    if schema and "{" not in path:
        status, _, body = call("GET", path)
        want(status == 200, path, status)
        fits(json.loads(body), schema["schema"], path)
job = json.loads(call("GET", "/v1/jobs?verdict=reproducible&limit=1")[2])["jobs"][0]
fits(json.loads(call("GET", f"/v1/jobs/{job['id']}")[2]), {"$ref": "#/components/schemas/job"}, "one job")
status, headers, _ = call("GET", f"/v1/jobs/{job['id']}/report")
want(status == 200 and headers["ETag"], "report")
want(call("GET", f"/v1/jobs/{job['id']}/report", headers={"If-None-Match": headers["ETag"]})[0] == 304, "ETag")

# pages join without a gap
ids, before = [], None
while True:
    page = json.loads(call("GET", "/v1/jobs?limit=2" + (f"&before={before}" if before else ""))[2])
    ids += [job["id"] for job in page["jobs"]]
    before = page.get("before")
    if not before:
        break
want(ids == sorted(set(ids), reverse=True) and len(ids) > 4, "pages", ids)

# what is wrong is refused, and said
wrong = [
    ("POST", "/v1/jobs", {}, 400), ("POST", "/v1/jobs", {"target": 7}, 400), ("POST", "/v1/jobs", [1], 400),
    ("POST", "/v1/jobs", b'{"target": "a", "target": "b"}', 400), ("POST", "/v1/jobs", b"{", 400),
    ("POST", "/v1/jobs", {"target": "a", "surprise": 1}, 400), ("POST", "/v1/jobs", {"target": "a", "priority": 101}, 400),
    ("GET", "/v1/jobs?limit=0", None, 400), ("GET", "/v1/jobs/x", None, 400), ("GET", "/v1/jobs/999999999", None, 404),
    ("GET", "/v1/jobs/99999999999999999999", None, 400), ("DELETE", "/v1/jobs", None, 405), ("GET", "/", None, 404),
    ("POST", "/v1/jobs/1/heartbeat", {"worker": "nobody", "fence": 1, "length_ms": 1}, 409),
    ("POST", "/v1/jobs/1/outcome", {"worker": "nobody", "fence": 1, "verdict": "reproducible"}, 409),
    ("POST", "/v1/jobs/1/outcome", {"worker": "nobody", "fence": 1, "verdict": "reproducible", "report": "00"}, 400),
    ("PUT", "/v1/blobs/" + "0" * 64, b"bytes", 422), ("POST", "/v1/workers/nobody/state", {"state": "revoked"}, 404),
    ("POST", "/v1/workers/w1/state", {"state": "king"}, 400), ("POST", "/v1/jobs/1/cancel", None, 409),
]
for method, path, body, expected in wrong:
    status, headers, answer = call(method, path, body)
    want(status == expected, method, path, body, status)
    want(headers["Content-Type"] == "application/problem+json", path, headers["Content-Type"])
    fits(json.loads(answer), {"$ref": "#/components/schemas/problem"}, path)
sys.exit(bool(failed))
