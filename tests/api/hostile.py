#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hostile.py SOCKET: requests that no client would make.  Whatever comes, the scheduler answers with a status that it documents
or ends the connection; it lives, says nothing false, and keeps no descriptor and no memory of it."""
import hashlib
import json
import os
import random
import re
import socket
import struct
import sys
import threading
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
SEED = int(os.environ.get("SEED", "1"))
chance = random.Random(SEED)
failed, count = [], 0
with open(os.path.join(TOP, "docs/schema/api-1.json"), encoding="utf-8") as file:
    API = json.load(file)


def check(name, good, *what):
    global count
    count += 1
    if not good:
        failed.append(name)
        print("not ok -", name, *what)


def connect(patience=20):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(patience)
    sock.connect(sys.argv[1])
    return sock


def talk(raw, wait=True, patience=20):
    """All that comes back until the other side ends; None when it waits for more."""
    with connect(patience) as sock:
        try:
            sock.sendall(raw)
            if not wait:
                return b""
            sock.shutdown(socket.SHUT_WR)
            got = b""
            while part := sock.recv(65536):
                got += part
            return got
        except (ConnectionError, BrokenPipeError):
            return b""
        except TimeoutError:
            return None


def statuses(answer):
    return [s.decode() for s in re.findall(rb"^HTTP/1\.[01] (\d{3})", answer or b"", re.M)]


def request(method, path, body=b"", headers=(), version="HTTP/1.1"):
    lines = [f"{method} {path} {version}".encode("latin-1"), b"Host: x", b"Connection: close", *headers]
    if body or method in ("POST", "PUT"):
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def lives(name):
    answer = talk(request("GET", "/readyz"))
    check("it lives after " + name, statuses(answer) == ["200"], answer)


def ask(name, raw, expect=None):
    """Without a status that is expected, the scheduler may as well wait for the rest of what is no request yet."""
    answer = talk(raw, patience=20 if expect else 0.5)
    found = statuses(answer)
    for status in found:
        check(name + ": no trouble of the scheduler's own", not status.startswith("5") or status in ("501", "505"), status, raw[:300], answer[-300:])
    if expect:
        check(name + ": " + "/".join(expect), found and set(found) <= set(expect), found, raw[:300], (answer or b"")[-300:])
    return answer


# ---- the lines of HTTP ------------------------------------------------------------------------------------

def lines():
    for name, raw in {
        "nothing": b"", "a NUL": b"\0", "no version": b"GET /readyz\r\n\r\n", "bare LF": b"GET /readyz HTTP/1.1\nHost: x\n\n",
        "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "an odd version": b"GET /readyz HTTP/9.9\r\nHost: x\r\n\r\n", "no host": b"GET /readyz HTTP/1.1\r\n\r\n",
        "absolute form": b"GET http://evil/v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n", "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT": b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "folded": b"GET /readyz HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        "NUL in a header": b"GET /readyz HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", "NUL in the path": b"GET /ready\0z HTTP/1.1\r\nHost: x\r\n\r\n",
        "a header without a name": b"GET /readyz HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", "space before the colon": b"GET /readyz HTTP/1.1\r\nHost : x\r\n\r\n",
        "binary": bytes(chance.randrange(256) for _ in range(5000)), "TRACE": b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    }.items():
        ask(name, raw)
    ask("a long path", request("GET", "/v1/" + "x" * 100000))
    ask("a long query", request("GET", "/v1/jobs?target=" + "x" * 100000))
    ask("ten thousand parameters", request("GET", "/v1/jobs?" + "&".join(f"a{i}=b" for i in range(10000))))
    ask("a flood of headers", request("GET", "/readyz", headers=[b"X-%d: y" % i for i in range(20000)]))
    ask("a long header", request("GET", "/readyz", headers=[b"X: " + b"y" * 1000000]))
    ask("a long cookie", request("GET", "/readyz", headers=[b"Cookie: " + b";".join(b"a%d=b" % i for i in range(1000))]))
    lives("odd lines")


def bodies():
    post = b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    good = b'{"target": "pkg:deb/debian/hostile@1"}'
    ask("two lengths", post + b"Content-Length: 5\r\nContent-Length: 38\r\n\r\n" + good)
    ask("a length and chunks", post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n26\r\n" + good + b"\r\n0\r\n\r\n")
    ask("chunks", post + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % len(good) + good + b"\r\n0\r\n\r\n", ["200", "201"])
    for name, chunk in {"a negative chunk": b"-5\r\nhello\r\n", "a huge chunk": b"ffffffffffffffff\r\n", "an odd chunk": b"zz\r\nhello\r\n",
                        "a chunk's extension": b"5;" + b"x" * 10000 + b"\r\nhello\r\n0\r\n\r\n", "a chunk that is cut": b"100\r\nhel"}.items():
        ask(name, post + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
    for length in (b"-1", b"99999999999999999999999", b"0x10", b"+5", b"5 5", b"", b"1e3", b"9223372036854775807"):
        ask("length %r" % length, post + b"Content-Length: " + length + b"\r\n\r\n" + good)
    ask("gzip", post + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08")
    ask("an unknown coding", post + b"Transfer-Encoding: rot13\r\nContent-Length: 3\r\n\r\nabc")
    ask("100-continue", request("POST", "/v1/jobs", good, [b"Expect: 100-continue"]), ["100", "200", "201"])
    ask("another expectation", request("POST", "/v1/jobs", good, [b"Expect: miracles"]))
    ask("a body with GET", request("GET", "/v1/jobs", b"hello", [b"Content-Type: text/plain"]), ["200", "400", "415"])
    talk(post + b"Content-Length: 1000\r\n\r\n" + good, wait=False)
    lives("bodies")


def texts():
    """JSON that is none, or too much of it."""
    for name, body in {
        "deep": b'{"target":' + b'{"a":' * 100000, "deep lists": b'{"options":' + b"[" * 100000 + b"]" * 100000 + b"}", "a NUL": b'{"target":"pkg:a\\u0000b"}',
        "a raw NUL": b'{"target":"pkg:a\0b"}', "a lone surrogate": b'{"target":"pkg:\\ud800"}', "overlong": b'{"target":"pkg:\xc0\xaf"}',
        "twice": b'{"target":"pkg:a","target":"pkg:b"}', "a long number": b'{"target":"pkg:a","priority":' + b"9" * 100000 + b"}",
        "an exponent": b'{"target":"pkg:a","priority":1e400}', "minus zero": b'{"target":"pkg:a","priority":-0.0}', "NaN": b'{"target":"pkg:a","priority":NaN}',
        "a byte order mark": b'\xef\xbb\xbf{"target":"pkg:a"}', "UTF-16": '{"target":"pkg:a"}'.encode("utf-16"), "a comment": b'/* */{"target":"pkg:a"}',
        "many keys": b"{" + b",".join(b'"k%d":1' % i for i in range(100000)) + b"}", "trailing": b'{"target":"pkg:a"}{}', "colliding": b'{"":"","":""}',
        "a list": b"[]", "null": b"null", "beyond 2^63": b'{"target":"pkg:a","deadline":9223372036854775808}',
    }.items():
        ask("JSON: " + name, request("POST", "/v1/jobs", body, [b"Content-Type: application/json"]), ["400", "413"])
    for target in ("pkg:deb/debian/../../etc/passwd", "/etc/passwd", "pkg:deb/debian/a b", "pkg:deb/debian/\u202etxt.exe", "--store=/tmp", "pkg:\n", "pkg:" + "%2e" * 300):
        ask("a target", request("POST", "/v1/jobs", json.dumps({"target": target, "pool": "hostile"}).encode()), ["200", "201", "400"])
    lives("texts")


def paths():
    for path in ("/v1/jobs/../jobs", "/v1/jobs/%2e%2e/audit", "/v1/blobs/../../etc/passwd", "/v1/blobs/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "//v1/jobs", "/v1//jobs",
                 "/v1/jobs/1%00", "/v1/jobs/%31", "/v1/jobs/1;x", "/v1/jobs/1?%", "/v1/jobs/1?%zz=%", "/v1/jobs?limit=1&limit=2", "/v1/jobs?limit", "/v1/jobs?&&&=&",
                 "/v1/jobs/+1", "/v1/jobs/0", "/v1/jobs/00000001", "/v1/jobs/1e1", "/v1/jobs/9223372036854775807", "/v1/jobs/18446744073709551616",
                 "/v1/pools/" + "x" * 5000 + "/pause", "/v1/clusters/" + "a" * 299, "/v1/schedules/%ff/run", "/v1/users/%00/role", "/api/v0/builds/-1/log",
                 "/v1/jobs/1/log?offset=9223372036854775807&limit=1", "/v1/jobs/1/log?attempt=9223372036854775807", "/v1/history?target=" + "%25" * 500):
        answer = ask("path " + path[:40], request("GET", path))
        check("path " + path[:40] + ": nothing of a file", b"root:" not in (answer or b""))
    for name, value in (("If-None-Match", b"*"), ("If-None-Match", b",".join(b'"%d"' % i for i in range(3000))), ("If-None-Match", b"\xff\xfe"),
                        ("If-Match", b'"x"'), ("If-Modified-Since", b"yesterday"), ("Range", b"bytes=0-0,5-"), ("Range", b"bytes=-0"),
                        ("Authorization", b"Bearer " + b"x" * 20000), ("Authorization", b"\xff"), ("Accept", b"nothing/at-all"), ("Content-Type", b";;;")):
        ask(f"{name}: {value[:20]}", request("GET", "/v1/jobs", headers=[name.encode() + b": " + value]))
    lives("paths")


def blobs():
    data = os.urandom(5000)
    path = "/v1/blobs/" + hashlib.sha256(data).hexdigest()
    for value in (b"bytes 0-4999/*", b"bytes */5000", b"bytes 0-4999/5001 ", b"bytes 5000-0/5000", b"bytes 0-18446744073709551615/18446744073709551615",
                  b"bytes 9223372036854775807-9223372036854775808/9223372036854775809", b"bytes -1-3/5", b"items 0-4999/5000", b"bytes 0-4999/99999999999999999999",
                  b"bytes=0-4999/5000", b"", b"bytes 1-5000/5001", b"bytes 0-4999/0"):
        ask("Content-Range %r" % value, request("PUT", path, data, [b"Content-Range: " + value]), ["202", "400", "409", "413", "422", "201"])
    ask("the whole after all", request("PUT", path, data), ["200", "201"])
    for value in (b"bytes=0-", b"bytes=4999-", b"bytes=5000-", b"bytes=18446744073709551615-", b"bytes=-1", b"bytes=5-2", b"bytes=a-b", b"bytes=" + b"0-," * 3000):
        answer = ask("Range %r" % value[:30], request("GET", path, headers=[b"Range: " + value]), ["200", "206", "400", "413", "431"])
        found, (head, _, body) = statuses(answer), answer.partition(b"\r\n\r\n")
        if found in (["200"], ["206"]):
            start = 0 if found == ["200"] else int(re.search(rb"Content-Range: bytes (\d+)-", head)[1])
            check("Range %r: the bytes are those" % value[:30], body == data[start:], len(body), start)
    with connect() as sock: # a reader that goes away
        sock.sendall(request("GET", path))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    other = os.urandom(100)
    place = "/v1/blobs/" + hashlib.sha256(other).hexdigest()
    answers = []
    threads = [threading.Thread(target=lambda: answers.extend(statuses(talk(request("PUT", place, other))))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("sixteen at once with one blob", len(answers) == 16 and set(answers) <= {"200", "201"}, answers)
    lives("blobs")


# ---- who holds what ---------------------------------------------------------------------------------------

def call(method, path, body=None):
    answer = talk(request(method, path, b"" if body is None else json.dumps(body).encode()))
    head, _, text = answer.partition(b"\r\n\r\n")
    return int(statuses(head)[0]), json.loads(text) if text.strip().startswith((b"{", b"[")) else None


def fences():
    pool = f"hostile-{os.getpid()}"
    job = call("POST", "/v1/jobs", {"target": f"pkg:deb/debian/{pool}@1", "pool": pool})[1]["job"]
    ask_lease = {"worker": "h1", "pool": pool, "length_ms": 60000, "request": "r1"}
    held = call("POST", "/v1/lease", ask_lease)[1]
    check("a repeated request gets the same lease", call("POST", "/v1/lease", ask_lease)[1]["fence"] == held["fence"])
    place, good = f"/v1/jobs/{job}/outcome", {"worker": "h1", "fence": held["fence"], "verdict": "reproducible", "reason": ""}
    for more in ({"fence": held["fence"] + 1}, {"fence": 0}, {"fence": -1}, {"fence": 2 ** 63 - 1}, {"worker": "h2"}, {"worker": ""}, {"verdict": "wonderful"},
                 {"verdict": ""}, {"verdict": "lost"}, {"memory": -1}, {"report": "0" * 63}, {"reason": "x" * 5000000}, {"reason": "x" * 20000}, {"candidate": "x" * 100000}):
        status, answer = call("POST", place, {**good, **more})
        if more != {"verdict": "lost"}:
            check(f"an outcome with {str(more)[:40]} is refused", status in (400, 404, 409, 413), status, answer)
        else:
            check("a worker may say that it gives up", status == 200, status, answer)
    state = call("GET", f"/v1/jobs/{job}")[1]
    check("and there is no verdict", state["state"] in ("queued", "waiting") and state.get("verdict") != "reproducible", state)
    call("POST", f"/v1/jobs/{job}/cancel", {})
    job = call("POST", "/v1/jobs", {"target": f"pkg:deb/debian/{pool}@2", "pool": pool})[1]["job"]
    held = call("POST", "/v1/lease", {**ask_lease, "request": "r2"})[1]
    answers, good = [], {**good, "fence": held["fence"]}
    threads = [threading.Thread(target=lambda v=v: answers.append(call("POST", f"/v1/jobs/{job}/outcome", {**good, "verdict": v})[0]))
               for v in ["reproducible", "divergent"] * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    attempts = call("GET", f"/v1/jobs/{job}")[1]["attempts"]
    check("sixteen outcomes at once: one attempt, one verdict", len(attempts) == 1 and set(answers) <= {200, 409} and answers.count(200) == 8, answers, attempts)
    call("POST", f"/v1/jobs/{job}/cancel", {})
    answers, body = [], {"target": f"pkg:deb/debian/{pool}@3", "pool": pool, "key": "k"}
    threads = [threading.Thread(target=lambda: answers.append(call("POST", "/v1/jobs", body))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("sixteen submissions at once with one key: one job", len({a[1]["job"] for a in answers}) == 1 and [a[0] for a in answers].count(201) == 1, answers)


# ---- many, and slow -----------------------------------------------------------------------------------------

def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def slow(pid):
    before = descriptors(pid)
    held = []
    for i in range(200):
        sock = connect()
        sock.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n" + (b"\r\n{" if i % 2 else b""))
        held.append(sock)
    lives("two hundred that say nothing more")
    for sock in held:
        sock.close()
    waits = [connect() for _ in range(100)]
    for i, sock in enumerate(waits):
        body = json.dumps({"worker": f"slow{i}", "pool": "nothing-here", "length_ms": 10000, "wait_ms": 3000}).encode()
        sock.sendall(request("POST", "/v1/lease", body))
    time.sleep(0.5)
    for sock in waits[:50]:
        sock.close()
    lives("a hundred that wait, and half of them gone")
    many = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2000 + request("GET", "/healthz")
    with connect() as sock:
        threading.Thread(target=lambda: sock.sendall(many)).start()
        got = b""
        try:
            while part := sock.recv(1 << 16):
                got += part
        except OSError:
            pass
    check("two thousand in one line", len(statuses(got)) == 2001, len(statuses(got)))
    for sock in waits[50:]:
        sock.close()
    end = time.monotonic() + 75
    while descriptors(pid) > before + 8 and time.monotonic() < end:
        time.sleep(0.5)
    check("no descriptor is left", descriptors(pid) <= before + 8, before, descriptors(pid))


def mutate(pid):
    """Good requests, damaged at random."""
    rounds = int(os.environ.get("ROUNDS", "1500"))
    examples = [request(m.upper(), re.sub(r"\{sha256\}", "0" * 64, re.sub(r"\{(job|build)\}", "1", re.sub(r"\{\w+\}", "w1", path))),
                        b'{"worker":"w1","fence":1,"length_ms":10000,"state":"active","target":"pkg:a","paused":true,"cron":"@daily","list":"targets"}' if m != "get" else b"",
                        [b"Content-Type: application/json", b'If-None-Match: "a"', b"Range: bytes=0-"])
                for path, methods in API["paths"].items() for m in methods if path not in ("/v1/users/{user}/role",)]
    for _ in range(rounds):
        raw = bytearray(chance.choice(examples))
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(raw))
            kind = chance.randrange(4)
            if kind == 0:
                raw[at] = chance.randrange(256)
            elif kind == 1:
                raw[at:at] = chance.choice([b"\0", b"%00", b"%ff", b"-1", b"9223372036854775808", b"../", b"\r\n", b"'", b'"', b"{", b"\xff", b"x" * 5000])
            elif kind == 2:
                del raw[at:at + chance.randrange(1, 20)]
            else:
                raw[at:at] = raw[at:at + chance.randrange(1, 200)]
        answer = talk(bytes(raw), patience=0.3)
        for status in statuses(answer):
            check("a damaged request is no trouble", not status.startswith("5") or status in ("501", "505"), status, bytes(raw), answer)
    lives(f"{rounds} damaged requests")


def crowd():
    """A long list, read to its end."""
    size = int(os.environ.get("CROWD", "0"))
    with connect() as sock:
        for i in range(size):
            body = json.dumps({"target": f"pkg:deb/debian/crowd{i}@1", "pool": "crowd"}).encode()
            sock.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            sock.recv(65536)
    seen, before = 0, ""
    while size:
        page = call("GET", f"/v1/jobs?pool=crowd&limit=1000{before}")[1]
        seen += len(page["jobs"])
        if "before" not in page:
            break
        before = f"&before={page['before']}"
    check("a long list has all of it", seen == size, seen)


def main():
    pid = int(os.environ["SCHEDULER"])
    for chapter in (lines, bodies, texts, paths, blobs, fences, crowd):
        chapter()
    mutate(pid)
    slow(pid)
    print(f"ok - {count} hostile checks" if not failed else f"not ok - {len(failed)} of {count} hostile checks, SEED={SEED}")
    sys.exit(bool(failed))


main()
