#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""collector.py FILE [STATUS]: a small OTLP/HTTP collector.  Prints its port; appends each trace to FILE, one a line, when it
keeps to OTLP's JSON encoding, and answers 400 when it does not.  With STATUS it answers that and keeps nothing."""
import http.server
import json
import re
import sys


def want(good, what):
    if not good:
        raise ValueError(what)


def check_attributes(attributes):
    for attribute in attributes:
        want(set(attribute) == {"key", "value"} and len(attribute["value"]) == 1, attribute)
        (kind, value), = attribute["value"].items()
        want(kind in ("stringValue", "intValue") and isinstance(value, str), attribute)
        want(kind != "intValue" or re.fullmatch("-?[0-9]+", value), attribute)


def check(request):
    want(set(request) == {"resourceSpans"}, "the request's keys")
    for whole in request["resourceSpans"]:
        check_attributes(whole["resource"]["attributes"])
        want("service.name" in [a["key"] for a in whole["resource"]["attributes"]], "service.name")
        for scoped in whole["scopeSpans"]:
            ids = {span["spanId"] for span in scoped["spans"]}
            want(len(ids) == len(scoped["spans"]), "span ids are unique")
            for span in scoped["spans"]:
                want(re.fullmatch("[0-9a-f]{32}", span["traceId"]) and re.fullmatch("[0-9a-f]{16}", span["spanId"]), "ids are hex")
                want(span.get("parentSpanId", "") in ids | {""}, "the parent is there")
                want(isinstance(span["kind"], int) and span["name"], "kind and name")
                want(all(isinstance(span[k], str) for k in ("startTimeUnixNano", "endTimeUnixNano")), "times are strings")
                want(0 < int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), "times are in order")
                want(set(span) <= {"traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano",
                                   "endTimeUnixNano", "attributes", "status"}, set(span))
                check_attributes(span["attributes"])
                want(span.get("status", {}).get("code", 0) in (0, 1, 2), "status")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, answer = int(sys.argv[2]) if len(sys.argv) > 2 else 200, b"{}"
        if status == 200:
            try:
                want(self.path == "/v1/traces" and self.headers["Content-Type"] == "application/json", "path and type")
                request = json.loads(body)
                check(request)
                with open(sys.argv[1], "a", encoding="utf-8") as out:
                    out.write(json.dumps(request) + "\n")
            except (ValueError, KeyError, TypeError) as error:
                status, answer = 400, str(error).encode()
                print("collector:", error, file=sys.stderr)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[3]) if len(sys.argv) > 3 else 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
