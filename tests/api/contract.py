#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""contract.py SOCKET: a client and a worker that know the scheduler by docs/schema/api-1.json alone.  Each answer must be
one that the document describes: its status, its media type, its schema.  In the end every operation was called, and
every status that a client can bring about was seen.  Works in a pool of its own, beside whatever else the farm does."""
import hashlib
import http.client
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

import jsonschema

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
with open(os.path.join(TOP, "docs/schema/api-1.json"), encoding="utf-8") as file:
    API = json.load(file)
POOL = "contract-" + secrets.token_hex(4)
SEEN, FAILED, COUNT = set(), [], [0]
# what a client cannot bring about here: trouble of the scheduler's, and what needs another identity
ELSEWHERE = {"401", "403", "500", "503"} # tests/farm/identity sees the first two


def want(good, *what):
    COUNT[0] += 1
    if not good:
        FAILED.append(what)
        print("not ok -", *what)


def resolve(node):
    while isinstance(node, dict) and "$ref" in node:
        target = API
        for key in node["$ref"][2:].split("/"):
            target = target[key]
        node = target
    return node


def template_of(path):
    for template in sorted(API["paths"], key=lambda t: t.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return template
    return None


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])


def fits(document, schema, what):
    errors = list(jsonschema.Draft202012Validator({"components": API["components"], **schema}).iter_errors(document))
    want(not errors, what, [e.message for e in errors[:1]], list(errors[0].absolute_path) if errors else "")


def check(method, path, status, headers, body):
    template = template_of(urllib.parse.unquote(path.partition("?")[0]))
    operation = API["paths"].get(template, {}).get(method.lower() if method != "HEAD" else "get")
    if not operation:
        want(status in (404, 405), method, path, "not in the document, and answered", status)
        fits(json.loads(body), {"$ref": "#/components/schemas/problem"}, path)
        return
    SEEN.add((template, method.lower() if method != "HEAD" else "get", str(status)))
    answer = resolve(operation["responses"].get(str(status), {}))
    want(answer, method, path, "status", status, "is not in the document", body[:200])
    content = answer.get("content", {})
    kind = (headers["Content-Type"] or "").partition(";")[0]
    if not content or method == "HEAD":
        want(not body, method, path, status, "has a body")
    elif want(kind in content, method, path, status, "media type", kind) or kind.endswith("json") and content.get(kind):
        if content[kind].get("schema"):
            fits(json.loads(body), content[kind]["schema"], f"{method} {path} {status}")
    for name in answer.get("headers", {}):
        want(headers[name], method, path, status, "header", name)
    if status >= 400:
        want(json.loads(body)["status"] == status, method, path, "status within the problem")


def call(method, path, body=None, expect=None, **headers):
    connection = Connection("scheduler")
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    check(method, path, answer.status, answer.headers, data)
    if expect is not None:
        want(answer.status == expect, method, path, "want", expect, "have", answer.status, data[:200])
    return answer.status, answer.headers, data


def get(path, expect=200, **headers):
    return json.loads(call("GET", path, expect=expect, **headers)[2])


def post(path, body, expect=200):
    answer = call("POST", path, body, expect)[2]
    return json.loads(answer) if answer else None


def put_blob(data):
    digest = hashlib.sha256(data).hexdigest()
    call("PUT", "/v1/blobs/" + digest, data, 201 if call("GET", "/v1/blobs/" + digest)[0] == 404 else 200)
    return digest


def lease(worker, expect=200, wait=0):
    return post("/v1/lease", {"worker": worker, "pool": POOL, "length_ms": 60000, "wait_ms": wait, "version": "test"}, expect)


def submit(target, expect=201, **more):
    return post("/v1/jobs", {"target": target, "pool": POOL, "submitter": POOL, **more}, expect)


def finish(held, worker, verdict, expect=200, **more):
    return post(f"/v1/jobs/{held['job']}/outcome",
                {"worker": worker, "fence": held["fence"], "verdict": verdict, "reason": "said the test", **more}, expect)


def run(target, verdict, workers, **more):
    """Submits, and lets workers say so until the job is over."""
    job = submit(target, **more.pop("submission", {}))["job"]
    for worker in workers:
        held = lease(worker)
        want(held["job"] == job, "the lease is of the job", held["job"], job)
        state = finish(held, worker, verdict, **more)["state"]
    want(state == "done", target, state)
    return job


# ---- the document itself ------------------------------------------------------------------------------

def document():
    ids = [o["operationId"] for methods in API["paths"].values() for o in methods.values()]
    want(len(ids) == len(set(ids)), "operation ids are unique")
    coded = set()
    folder = os.path.join(TOP, "scheduler")
    for name in os.listdir(folder):
        if name.startswith("api_") and name.endswith(".c"):
            with open(os.path.join(folder, name), encoding="utf-8") as source:
                coded |= set(re.findall(r'\{ "([A-Z]+)", "(/[^"]+)"', source.read()))
    written = {(m.upper(), re.sub(r"\{\w+\}", "*", p)) for p, methods in API["paths"].items() for m in methods}
    want(coded == written, "the code and the document have the same endpoints", coded ^ written)
    for path, methods in API["paths"].items():
        for method, operation in methods.items():
            declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            want(declared == set(re.findall(r"\{(\w+)\}", path)), method, path, "declares its path's parameters")
            for status in operation["responses"].values():
                want("description" in resolve(status), method, path, "each status is described")
    for schema in API["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


# ---- a job's life ---------------------------------------------------------------------------------------

def life():
    target = f"pkg:deb/debian/{POOL}@1.0"
    job = submit(target, key="k", priority=3)["job"]
    want(submit(target, 200, key="k", priority=3)["admission"] == "repeated", "the same key is the same job")
    want(submit(target, 200)["admission"] == "open", "the same job is open")
    for other in ({"priority": 4}, {"priority": 3, "deadline": 1 << 50}, {"priority": 3, "needs": "arch=amd64"},
                  {"priority": 3, "again": True}, {"priority": 3, "options": {"accept": "container"}}):
        submit(target, 409, key="k", **other)
    page = get(f"/v1/jobs?pool={POOL}&state=queued&target={urllib.parse.quote(target)}&submitter={POOL}&since=1&limit=5")
    want([j["id"] for j in page["jobs"]] == [job], "filters", page)
    want(get(f"/v1/jobs?pool={POOL}&verdict=reproducible")["jobs"] == [], "a filter that nothing passes")
    call("GET", f"/v1/jobs/{job}/log", expect=404)
    call("GET", f"/v1/jobs/{job}/report", expect=404)
    call("POST", f"/v1/jobs/{job}/retry", expect=409)
    held = lease("contract-w1")
    beat = post(f"/v1/jobs/{job}/heartbeat", {"worker": "contract-w1", "fence": held["fence"], "length_ms": 60000})
    want(not beat["follow"], "nobody reads the log yet")
    want(call("GET", f"/v1/jobs/{job}/log", expect=200)[2] == b"", "nothing to read yet")
    beat = post(f"/v1/jobs/{job}/heartbeat", {"worker": "contract-w1", "fence": held["fence"], "length_ms": 60000})
    want(beat["follow"], "now somebody reads the log")
    place = f"/v1/jobs/{job}/log?worker=contract-w1&fence={held['fence']}&offset="
    want(json.loads(call("PUT", place + "0", b"one\n", 200)[2])["size"] == 4, "a part of the log")
    want(json.loads(call("PUT", place + "0", b"one\n", 200)[2])["size"] == 4, "a part that is here already")
    want(json.loads(call("PUT", place + "9", b"three\n", 200)[2])["size"] == 4, "a part that is not the next one")
    call("PUT", f"/v1/jobs/{job}/log?worker=another&fence={held['fence']}&offset=4", b"x", 409)
    call("PUT", f"/v1/jobs/{job}/log?worker=contract-w1&fence={held['fence']}&offset=-1", b"x", 400)
    call("PUT", f"/v1/jobs/999999999/log?worker=w&fence=1&offset=0", b"x", 404)
    call("PUT", place + "4", b"x" * (1048576 + 1), 413)
    want(call("GET", f"/v1/jobs/{job}/log?offset=2&limit=1", expect=200)[2] == b"e", "bytes from the middle")
    later = threading.Timer(0.5, lambda: call("PUT", place + "4", b"two\n", 200))
    later.start()
    started = time.monotonic()
    text = call("GET", f"/v1/jobs/{job}/log?offset=4&wait_ms=20000", expect=200)[2]
    want(text == b"two\n" and 0.3 < time.monotonic() - started < 10, "what comes is handed on at once", text)
    later.join()
    report, log, statements = (put_blob(b) for b in (b'{"schema":"assay.report/1","verdict":"reproducible"}\n', b"one\ntwo\nend\n", b'{"payload":""}\n'))
    finish(held, "contract-w1", "reproducible", 400, log="0" * 64)
    finish(held, "contract-w1", "reproducible", 400, subjects=[{"name": 1}])
    finish(held, "contract-w1", "reproducible", 400, causes=[{"cause": "Not a word", "severity": "x", "divergences": 1, "bytes": 1}])
    finish(held, "contract-w1", "reproducible", report=report, log=log, attestations=statements, fields_present=10,
           fields_required=11, egress_denied=2,
           subjects=[{"name": "p_1.0_amd64.deb", "verdict": "reproducible", "sha256": "0" * 64, "distribution": "debian",
                      "package": POOL, "version": "1.0", "architecture": "amd64"}])
    want(finish(held, "contract-w1", "reproducible")["state"] == "done", "an outcome may be said twice")
    call("POST", f"/v1/jobs/{job}/cancel", expect=409)
    want(call("GET", f"/v1/jobs/{job}/log?offset=4", expect=200)[2] == b"two\nend\n", "the whole log")
    call("GET", f"/v1/jobs/{job}/log?offset=12", expect=204)
    _, headers, body = call("GET", f"/v1/jobs/{job}/report", expect=200)
    call("GET", f"/v1/jobs/{job}/report", expect=304, If_None_Match=headers["ETag"])
    want(get(f"/v1/jobs/{job}")["attempts"][0]["log"] == log, "the attempt names its log")
    want(submit(target, 200)["admission"] == "done", "the same job is done")
    for name, data in (("log", b"one\ntwo\nend\n"), ("attestation", b'{"payload":""}\n')):
        want(call("GET", f"/api/v0/builds/{job}/{name}", expect=200)[2] == data, "rebuilderd's", name)
    want(b"REPRODUCIBLE" in call("GET", f"/api/v0/builds/{job}/diffoscope", expect=200)[2], "rebuilderd's diffoscope")
    return job


def results():
    target = f"pkg:deb/debian/{POOL}"
    causes = [{"cause": "timestamps_" + POOL.replace("-", "_"), "severity": "metadata", "divergences": 3, "bytes": 40}]
    subject = {"name": "p_2.0_amd64.deb", "verdict": "divergent", "sha256": "1" * 64, "distribution": "debian",
               "package": POOL, "version": "2.0", "architecture": "amd64"}
    same = "ab" * 32
    bad = run(target + "@2.0", "divergent", ["contract-w1", "contract-w2"], causes=causes, subjects=[subject], candidate=same)
    worse = run(target + "@2.0", "divergent", ["contract-w1", "contract-w2"], causes=causes, subjects=[subject],
                candidate=same, submission={"again": True})
    history = get("/v1/history?target=" + urllib.parse.quote(target))
    want(history["last_good"]["version"] == "1.0" and history["first_bad"]["job"] == bad, "last good, first bad", history)
    want([r["job"] for r in history["runs"]][:2] == [worse, bad], "newest first")
    want(get("/v1/history?limit=1&target=" + urllib.parse.quote(target)).get("before") == worse, "history has pages")
    want(get("/v1/history?before=1&target=" + urllib.parse.quote(target))["runs"] == [], "the last of them may be empty")
    found = [c for c in get("/v1/clusters")["clusters"] if c["cause"] == causes[0]["cause"]]
    want(len(found) == 1 and found[0]["targets"] == 1 and found[0]["job"] == worse, "clusters", found)
    want(get("/v1/clusters/" + causes[0]["cause"])["targets"][0]["target"] == target + "@2.0", "one cluster")
    good = run(target + "@2.0", "reproducible", ["contract-w1"], submission={"again": True},
               subjects=[dict(subject, verdict="reproducible")])
    history = get("/v1/history?target=" + urllib.parse.quote(target + "@2.0"))
    want(history["last_good"]["job"] == good and "first_bad" not in history, "good again")
    change = [c for c in get("/v1/changes")["changes"] if c["job"] == good]
    want(change and change[0]["was"] == "divergent", "what changed", change)
    want(causes[0]["cause"] not in json.dumps(get("/v1/clusters?since=1")), "what is good again is in no cluster")
    get("/v1/nightly?since=1")
    listed = {(p["version"], p["status"], p["build_id"]) for p in get(f"/api/v0/pkgs/list?name={POOL}&distro=debian&architecture=amd64")}
    want(("2.0", "GOOD", good) in listed and len(listed) == 2, "rebuilderd's list", listed)
    want(get(f"/api/v0/pkgs/list?name={POOL}&status=BAD") == [], "rebuilderd's list by status")
    call("GET", f"/api/v0/builds/{good}/log", expect=404)


# ---- blobs ------------------------------------------------------------------------------------------------

def parts():
    data = secrets.token_bytes(300000)
    digest = hashlib.sha256(data).hexdigest()
    place = "/v1/blobs/" + digest

    def part(first, last, expect, body=None, total=None):
        return call("PUT", place, data[first:last + 1] if body is None else body, expect,
                    Content_Range=f"bytes {first}-{last}/{total or len(data)}", Content_Type="application/octet-stream")

    part(0, 99999, 202)
    want(get(place + "/upload")["size"] == 100000, "what is here")
    call("GET", place, expect=404)
    part(200000, 299999, 409)
    part(0, 49999, 409)
    part(100000, 199999, 202)
    part(200000, 299999, 201)
    want(get(place + "/upload")["size"] == 0, "nothing is left of the parts")
    want(call("GET", place, expect=200)[2] == data, "the whole is what was sent")
    want(call("GET", place, expect=206, Range="bytes=299990-")[2] == data[-10:], "a download goes on")
    part(0, 99999, 200)
    data = secrets.token_bytes(1000)
    place = "/v1/blobs/" + hashlib.sha256(data).hexdigest()
    part(0, 499, 202)
    part(500, 999, 422, bytes(500))
    want(get(place + "/upload")["size"] == 0, "wrong bytes are thrown away")
    call("GET", place, expect=404)
    part(0, 999, 400, b"short")
    part(999, 0, 400, b"")
    part(0, 4, 400, b"bytes", total=4)
    call("PUT", place, bytes(10), 422)
    call("PUT", place, bytes(64 * 1024 * 1024 + 1), 413)
    call("PUT", "/v1/blobs/abc", b"x", 400)
    call("GET", "/v1/blobs/abc", expect=400)
    call("GET", "/v1/blobs/abc/upload", expect=400)


def recipes():
    """A recipe from afar: what it names is a URL, or came with it."""
    def text(name="thing", **more):
        recipe = {"recipe": 1, "name": name, "source": {"archive": {"url": "https://example.org/x.tar", "sha256": "0" * 64}},
                  "environment": {"base": "host"}, "build": ["make"], "artifacts": [{"built": "out", "published": "./out", "sha256": hashlib.sha256(POOL.encode()).hexdigest()}], **more}
        return json.dumps(recipe).encode() + POOL.encode().join((b" #", b"\n"))

    def ask(recipe, files, expect, target="recipe:thing"):
        options = {"recipe": recipe if isinstance(recipe, str) else put_blob(recipe), "files": files}
        return submit(target, expect, options=options)

    out = put_blob(POOL.encode())
    job = ask(text(), {"./out": out}, 201)["job"]
    want(get(f"/v1/jobs/{job}")["target"] == "recipe:thing", "a recipe that came as a blob")
    want(ask(text(), {"./out": out}, 200)["admission"] == "open", "the same recipe again is open")
    call("POST", f"/v1/jobs/{job}/cancel", expect=200)
    lock = {"debian": {"suite": "bookworm", "lock": "/root/lock"}}
    for far in ({"source": {"git": "/srv/x", "commit": "0" * 40}}, {"source": {"git": "file:///srv/x", "commit": "0" * 40}},
                  {"source": {"git": "x", "commit": "0" * 40}}, {"inputs": [{"path": "../../etc/passwd", "sha256": "0" * 64, "to": "x"}]},
                  {"inputs": [{"path": "/etc/passwd", "sha256": "0" * 64, "to": "x"}]}, {"environment": lock},
                  {"environment": {"oci": {"layout": "image", "digest": "sha256:" + "0" * 64}}},
                  {"artifacts": [{"built": "out", "published": "file:///etc/shadow", "sha256": "0" * 64}]}):
        want("from afar" in ask(text(**far), {"./out": out}, 400)["detail"], "of the worker's machine", far)
    for wrong in ({"surprise": 1}, {"build": []}, {"name": "other"}):
        ask(text(**wrong), {"./out": out}, 400)
    for files in ({}, {"./out": "0" * 64}, {"./out": 7}, {"./out": out, "more": out}, {"out": out}, {"../out": out},
                  {f"f{i}": out for i in range(300)}):
        call("POST", "/v1/jobs", {"target": "recipe:thing", "pool": POOL, "options": {"recipe": put_blob(text()), "files": files}},
             413 if len(files) > 256 else 400)
    for target in ("recipe:", "recipe:other", "recipe:../thing", "recipe:" + "x" * 300):
        ask(text(), {"./out": out}, 400, target)
    bombs = (b"a: &a [x,x,x,x,x,x,x,x]\nb: [*a,*a,*a,*a]\n", b"[" * 200000, b"\x00\xff" * 1000, b"recipe: 1\n", b"", b"!!python/object:x {}")
    for bomb in bombs:
        ask(bomb + POOL.encode() if bomb else bomb, {}, 400)
    ask(b"#" * (1 << 20) + text(), {"./out": out}, 413)
    ask("0" * 64, {}, 400)


# ---- what is wrong ------------------------------------------------------------------------------------------

def without_body(path, method="POST"):
    """All is said in the path."""
    call(method, path, b"x", 415, Content_Type="text/plain")
    call(method, path, b"x" * 5000000, 413)
    call(method, path, {"surprise": 1}, 400)


def wrong(job):
    for path in ("/", "/v1", "/v1/jobs/", "/v1/jobs/1/2/3", "/v2/jobs", "/v1/jobs/1/report/x", "/%00"):
        call("GET", path, expect=404)
    for method, path in (("DELETE", "/v1/jobs"), ("PUT", "/v1/jobs"), ("POST", "/metrics"), ("PATCH", f"/v1/jobs/{job}"), ("BREW", "/v1/jobs")):
        want(call(method, path, expect=405)[1]["Allow"], method, path, "Allow")
    bad_bodies = [{}, {"target": 7}, {"target": ""}, {"target": "a", "surprise": 1}, {"target": "a", "priority": 101},
                  {"target": "a", "priority": "1"}, {"target": "a" * 5000}, {"target": "a", "options": 1}, {"target": "a", "deadline": -1},
                  {"target": "a", "pool": 1}, {"target": "a", "again": "yes"}]
    bad_bodies += [{"target": "pkg:deb/debian/" + POOL, "pool": POOL, **more} for more in
                   ({"needs": "arch"}, {"needs": "=x"}, {"needs": "a="}, {"needs": "a=b  c=d"}, {"needs": "a=b "}, {"needs": "a=" + "b" * 63},
                    {"needs": "a=b=c"}, {"needs": "a=\u00e9"}, {"needs": " ".join(f"n{i}=1" for i in range(400))}, {"pool": "p" * 101},
                    {"pool": ""}, {"key": "k" * 256}, {"key": ""}, {"submitter": "s" * 201}, {"target": "pkg:" + "t" * 2045},
                    {"options": {"recipe": "0" * 64}}, {"options": {"files": {}}}, {"options": {"files": []}},
                    {"options": {"buildinfo": "0" * 64}}, {"options": {"buildinfo": 7}}, {"deadline": 1.5}, {"priority": 1 << 70})]
    for body in bad_bodies:
        call("POST", "/v1/jobs", body, 400)
    for body in (b"{", b"[]", b"7", b'{"target": "a", "target": "b"}', b'{"target": "a"} x', b'{"target": "\xff"}', b"[" * 100000):
        call("POST", "/v1/jobs", body, 400)
    call("POST", "/v1/jobs", b'{"target": "' + b"a" * 5000000 + b'"}', 413)
    for path, body in (("/v1/jobs", b"target=a"), ("/v1/lease", b"x"), (f"/v1/jobs/{job}/heartbeat", b"x"),
                       (f"/v1/jobs/{job}/outcome", b"x"), ("/v1/workers/w/state", b"x"), ("/v1/pools/p/pause", b"x"), ("/v1/pools/p", b"x")):
        call("POST", path, body, 415, Content_Type="application/x-www-form-urlencoded")
        call("POST", path, b"x" * 5000000, 413)
        call("POST", path, {"surprise": 1}, 400)
    for query in ("limit=0", "limit=1001", "limit=x", "limit=-1", "before=x", "before=0", "since=x", "state=%ff", "target=%ff"):
        call("GET", "/v1/jobs?" + query, expect=400)
    for path in ("/v1/jobs/x", "/v1/jobs/-1", "/v1/jobs/99999999999999999999", "/v1/jobs/x/report", "/v1/jobs/x/log",
                 "/v1/history", "/v1/history?target=%ff", "/v1/changes?since=x", "/v1/clusters?since=x", "/v1/nightly?since=x",
                 "/v1/workers?limit=0", "/v1/workers?after=%ff", "/v1/pools?limit=0", "/v1/users?limit=x", "/v1/schedules?after=%ff",
                 f"/v1/jobs/{job}/log?offset=9223372036854775807", f"/v1/jobs/{job}/log?offset=-1", f"/v1/jobs/{job}/log?limit=1048577", "/v1/clusters/%ff", "/api/v0/pkgs/list?name=%ff", "/api/v0/builds/x/log",
                 "/api/v0/builds/x/attestation", "/api/v0/builds/x/diffoscope"):
        call("GET", path, expect=400)
    for path in ("/v1/jobs/999999999", "/v1/jobs/999999999/report", "/v1/jobs/999999999/log", "/v1/history?target=never",
                 "/v1/clusters/never", "/api/v0/builds/999999999/log", "/api/v0/builds/999999999/attestation", "/api/v0/builds/999999999/diffoscope"):
        call("GET", path, expect=404)
    for verb in ("cancel", "retry"):
        call("POST", f"/v1/jobs/x/{verb}", expect=400)
        without_body(f"/v1/jobs/{job}/{verb}")
        call("POST", f"/v1/jobs/999999999/{verb}", expect=404)
    stale = {"worker": "contract-w1", "fence": 1}
    for number, expect in ((job, 409), (999999999, 404)):
        post(f"/v1/jobs/{number}/heartbeat", {**stale, "length_ms": 10000}, expect)
        post(f"/v1/jobs/{number}/outcome", {**stale, "verdict": "divergent"}, expect)
    post("/v1/workers/nobody/state", {"state": "revoked"}, 404)
    post("/v1/workers/contract-w1/state", {"state": "king"}, 400)
    post(f"/v1/pools/{POOL}/pause", {"paused": 1}, 400)


def operators():
    lease("contract-w9", 204)
    job = submit(f"pkg:deb/debian/{POOL}@9")["job"]
    post(f"/v1/pools/{POOL}/pause", {"paused": True})
    lease("contract-w9", 204)
    post(f"/v1/pools/{POOL}/pause", {"paused": False})
    post(f"/v1/pools/{POOL}", {"accept": "reproducible"})
    post("/v1/workers/contract-w9/state", {"state": "draining"})
    lease("contract-w9", 204)
    post("/v1/workers/contract-w9/state", {"state": "active"})
    want(lease("contract-w9", wait=1000)["job"] == job, "active again")
    post(f"/v1/jobs/{job}/cancel", {})
    post("/v1/workers/contract-w9/state", {"state": "revoked"})
    want(get(f"/v1/jobs/{job}")["state"] == "cancelled", "a cancelled job of a revoked worker is over")
    post(f"/v1/jobs/{job}/retry", {})
    post(f"/v1/jobs/{job}/cancel", {})
    want("contract-w9" in [w["name"] for w in get("/v1/workers")["workers"]], "workers")
    want(get("/v1/workers?limit=1").get("after"), "workers have pages")
    names, after = [], ""
    while after is not None:
        page = get("/v1/pools?limit=1&after=" + urllib.parse.quote(after))
        names += [p["name"] for p in page["pools"]]
        after = page.get("after")
    want(names == [p["name"] for p in get("/v1/pools")["pools"]] and POOL in names, "pools have pages that join", names)
    want(POOL in [p["name"] for p in get("/v1/pools")["pools"]], "pools")
    get("/healthz")
    want(set(get("/readyz")["checks"]) == {"database", "store", "sweeper"}, "what is ready")
    want(b"assay_build_info" in call("GET", "/metrics", expect=200)[2], "metrics")


def identity():
    """Over the socket the caller is the local user; certificates and what they may are tests/farm/identity's."""
    me = get("/v1/whoami")
    want(me["role"] == "admin" and me["name"].startswith("local:"), "the local user is an admin", me)
    name = POOL + "-worker"
    token = post("/v1/tokens", {"name": name, "minutes": 1}, 201)["token"]
    key, request = "/tmp/" + POOL + ".key", None
    try:
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", key], check=True, capture_output=True)
        request = subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/"], check=True, capture_output=True, text=True).stdout
    finally:
        os.unlink(key)
    made = post("/v1/enrol", {"token": token, "request": request}, 201)
    want(made["name"] == name and made["authority"] == get("/v1/authority")["certificate"], "a certificate", made)
    call("POST", "/v1/enrol", {"token": token, "request": request}, 401)
    call("POST", "/v1/renew", {"request": request}, 403)
    user = POOL + "-user"
    token = post("/v1/tokens", {"kind": "user", "role": "viewer", "name": user}, 201)["token"]
    post("/v1/enrol", {"token": token, "request": request}, 201)
    want([u["role"] for u in get("/v1/users")["users"] if u["name"] == user] == ["viewer"], "users")
    want(post(f"/v1/users/{user}/role", {"role": "none"})["certificates"] == 1, "a user's certificate is void")
    post("/v1/users/nobody-of-this-name/role", {"role": "viewer"}, 404)
    for path, body in (("/v1/tokens", {"name": "a/b"}), ("/v1/tokens", {"name": "a", "minutes": 61}),
                       ("/v1/tokens", {"name": "a", "role": "admin"}), ("/v1/tokens", {"name": "a", "kind": "user"}),
                       ("/v1/enrol", {"token": 7, "request": ""}), (f"/v1/users/{user}/role", {"role": "king"})):
        post(path, body, 400)
    for path in ("/v1/tokens", "/v1/enrol", f"/v1/users/{user}/role"):
        call("POST", path, b"x", 415, Content_Type="text/plain")
        call("POST", path, b"x" * 5000000, 413)
    for path in ("/v1/audit", "/v1/audit/checkpoints"):
        call("GET", path + "?after=x", expect=400)
        get(path + "?after=999999999")
    want(get("/v1/audit")["records"][0]["seq"] == 1, "the first record")
    want("PUBLIC KEY" in get("/v1/audit/key")["key"], "the key of checkpoints")


def schedules():
    name = "/v1/schedules/" + POOL
    wanted = {"cron": "0 2 * * mon-fri", "list": "targets", "argument": f"pkg:deb/debian/{POOL}@7\n", "pool": POOL}
    post(name, wanted)
    found = [s for s in get("/v1/schedules")["schedules"] if s["name"] == POOL]
    want(found and found[0]["cron"] == wanted["cron"] and found[0]["next"] > time.time() * 1000, "a schedule", found)
    wrong = [{"cron": "0 2 * *"}, {"cron": 7}, {"cron": "0 0 31 2 *"}, {"list": "everything"}, {"list": "file", "argument": "etc/passwd"},
             {"list": "archive", "argument": ""}, {"zone": "../../etc/passwd"}, {"zone": "Nowhere/At_All"}, {"jitter_ms": -1},
             {"jitter_ms": 10 ** 12}, {"catch_up": "some"}, {"priority": 101}, {"options": {"command": "rm"}}, {"options": []},
             {"options": {"accept": "anything"}}, {"surprise": 1}]
    for change in wrong:
        post(name, {**wanted, **change}, 400)
    post("/v1/schedules/a%20b", wanted, 400)
    call("POST", name, b"x", 415, Content_Type="text/plain")
    call("POST", name, b"x" * 5000000, 413)
    without_body(name + "/run")
    without_body(name, "DELETE")
    for option in ("buildinfo", "recipe"):
        post(name, {**wanted, "options": {option: "0" * 64}}, 400)
    want(get("/v1/schedules?limit=1")["after"] <= POOL, "schedules have pages")
    post(name + "/run", {})
    for _ in range(100):
        if get(f"/v1/jobs?pool={POOL}&target=" + urllib.parse.quote(f"pkg:deb/debian/{POOL}@7"))["jobs"]:
            break
        time.sleep(0.1)
    else:
        want(False, "a schedule that is run queues its targets")
    call("DELETE", name, expect=200)
    call("DELETE", name, expect=404)
    post(name + "/run", {}, 404)
    post(f"/v1/pools/{POOL}", {"accept": "anything"}, 400)
    submit("a", 400, options={"command": "rm"})


def tags_and_pages():
    for template, methods in API["paths"].items():
        if "304" not in methods.get("get", {}).get("responses", {}) or (template, "get", "304") in SEEN:
            continue
        path = {"/v1/history": f"/v1/history?target=pkg:deb/debian/{POOL}@1.0",
                "/v1/changes": "/v1/changes?since=1", "/v1/nightly": None,
                "/v1/jobs": f"/v1/jobs?pool={POOL}"}.get(template, template)
        if path is None:
            continue
        path = re.sub(r"\{job\}", str(get(f"/v1/jobs?pool={POOL}&limit=1")["jobs"][0]["id"]), path)
        path = path.replace("{sha256}", "0" * 64)
        if "{" in path:
            continue
        tag = call("GET", path, expect=200)[1]["ETag"]
        call("GET", path, expect=304, If_None_Match=f'"other", W/{tag}')
        call("HEAD", path, expect=200)
    ids, before = [], ""
    while True:
        page = get(f"/v1/jobs?pool={POOL}&limit=2{before}")
        ids += [job["id"] for job in page["jobs"]]
        if "before" not in page:
            break
        before = f"&before={page['before']}"
    want(ids == sorted(set(ids), reverse=True) and len(ids) > 4, "pages join without a gap", ids)


def complete():
    for template, methods in API["paths"].items():
        for method, operation in methods.items():
            for status in operation["responses"]:
                if status not in ELSEWHERE and (template, method, status) not in SEEN and not (
                        status == "304" and template in ("/v1/nightly", "/v1/clusters/{cause}")) and template != "/v1/renew":
                    want(False, method, template, status, "is in the document and was never seen")


document()
number = life()
results()
parts()
recipes()
operators()
identity()
wrong(number)
schedules()
tags_and_pages()
complete()
print(f"ok - the API is as documented: {COUNT[0]} checks, {len(SEEN)} operations and statuses" if not FAILED else
      f"not ok - the API is as documented: {len(FAILED)} of {COUNT[0]} checks")
sys.exit(bool(FAILED))
