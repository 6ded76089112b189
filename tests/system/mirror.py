# SPDX-License-Identifier: Apache-2.0
"""A proxy before the machine's mirror that fails in one way: mirror.py error|corrupt|short PORTFILE"""
import http.server
import socketserver
import sys
import urllib.error
import urllib.request

MODE, PORT_FILE = sys.argv[1:3]


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.path) as answer:
                code, body = 200, answer.read()
        except urllib.error.HTTPError as error:
            code, body = error.code, error.read()
        spoiled = self.path.endswith(".deb")
        if spoiled and MODE == "error":
            code, body = 503, b"out of order"
        if spoiled and MODE == "corrupt":
            body = body[:1000] + bytes([body[1000] ^ 1]) + body[1001:]
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if spoiled and MODE == "short":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.wfile.write(body)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


with Server(("127.0.0.1", 0), Proxy) as server:
    with open(PORT_FILE, "w", encoding="ascii") as file:
        file.write(str(server.server_address[1]))
    server.serve_forever()
