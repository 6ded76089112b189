# SPDX-License-Identifier: Apache-2.0
"""A proxy at a Unix socket between workers and a scheduler that loses, doubles, delays and repeats requests, and
remembers which outcomes the scheduler took; a relay between schedulers and PostgreSQL that slows and cuts."""
import http.client
import http.server
import json
import random
import re
import socket
import socketserver
import threading
import time

HELD_S = 75  # a lease is one of 60


class Upstream(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("scheduler", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, method, url, body, headers):
    connection = Upstream(path)
    try:
        connection.request(method, url, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read()
    finally:
        connection.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece

    def log_message(self, *_):
        pass

    def address_string(self):
        return "worker"

    def serve(self):
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: self.headers[name] for name in ("Content-Type", "Content-Range") if self.headers[name]}
        request = (self.command, self.path, body, headers)
        try:
            answer = proxy.carry(request)
        except (OSError, http.client.HTTPException):
            answer = None
        if not answer:
            self.close_connection = True
            return
        self.send_response(answer[0])
        if answer[1]:
            self.send_header("Content-Type", answer[1])
        if answer[0] != 204:
            self.send_header("Content-Length", str(len(answer[2])))
        self.end_headers()
        if answer[0] != 204:
            self.wfile.write(answer[2])

    do_GET = do_POST = do_PUT = do_DELETE = serve


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # whoever asked was killed


class Ledger:
    """What the proxies saw of leases and outcomes, by a clock that does not jump.  Keys are (job, fence)."""

    def __init__(self):
        self.lock = threading.Lock()
        self.granted = {}  # when the first answer with this lease came
        self.sent = {}     # when its first outcome was sent
        self.taken = {}    # (worker, verdict) of the outcome that was answered with success
        self.refused = 0
        self.held = {}  # until when an outcome is held back, for longer than its lease
        self.calm = False

    def before(self, request):
        outcome = re.fullmatch(r"/v1/jobs/(\d+)/outcome", request[1])
        if not outcome:
            return None
        said = json.loads(request[2])
        key = int(outcome[1]), said["fence"]
        with self.lock:
            self.sent.setdefault(key, time.monotonic())
        return key, (said["worker"], said["verdict"])

    def after(self, request, outcome, answer):
        with self.lock:
            if outcome and answer[0] == 200:
                self.taken[outcome[0]] = outcome[1]
            elif outcome and answer[0] == 409:
                self.refused += 1
            elif request[1] == "/v1/lease" and answer[0] == 200:
                lease = json.loads(answer[2])
                self.granted.setdefault((lease["job"], lease["fence"]), time.monotonic())

    def is_held(self, request, chance):
        """Whether it is held back, and whether that is new."""
        outcome = re.fullmatch(r"/v1/jobs/(\d+)/outcome", request[1])
        if not outcome or self.calm:
            return False, False
        key = int(outcome[1]), json.loads(request[2])["fence"]
        with self.lock:
            first = key not in self.held
            until = self.held.setdefault(key, time.monotonic() + HELD_S if chance < 0.02 else 0.0)
        return time.monotonic() < until, first

    def stale(self):
        """Outcomes that were taken although another had the job before they were first sent."""
        first = {}
        for (job, fence), when in self.granted.items():
            first.setdefault(job, []).append((fence, when))
        return [(job, fence) for job, fence in self.taken
                if any(later > fence and when < self.sent[job, fence] for later, when in first.get(job, []))]


class Proxy:
    """cut(seconds): nothing goes through.  calm(): from now on everything does."""

    def __init__(self, path, scheduler, seed, ledger):
        self.scheduler = scheduler
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.until = 0.0
        self.wild = True
        self.ledger = ledger
        self.counts = {"carried": 0, "lost": 0, "answers lost": 0, "doubled": 0, "delayed": 0, "repeated late": 0, "held back": 0}
        self.server = Server(path, Handler)
        self.server.proxy = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def cut(self, seconds):
        self.until = time.monotonic() + seconds

    def calm(self):
        self.wild = False
        self.ledger.calm = True
        self.until = 0.0

    def note(self, what):
        with self.lock:
            self.counts[what] += 1

    def draw(self):
        with self.lock:
            return self.random.random(), self.random.random()

    def ask(self, request):
        outcome = self.ledger.before(request)
        answer = ask(self.scheduler, *request)
        self.ledger.after(request, outcome, answer)
        return answer

    def later(self, request, seconds):
        def send():
            time.sleep(seconds)
            try:
                self.ask(request)
            except (OSError, http.client.HTTPException):
                pass
        threading.Thread(target=send, daemon=True).start()

    def carry(self, request):
        what, how = self.draw()
        self.note("carried")
        if time.monotonic() < self.until:
            self.note("lost")
            return None
        if not self.wild:
            return self.ask(request)
        held, first = self.ledger.is_held(request, how)
        if held and first:
            self.later(request, HELD_S + how * 1000)  # although its worker may be dead by then
        if held:
            self.note("held back")
            return None
        if what < 0.01:
            self.note("lost")
            return None
        if what < 0.03:
            self.note("answers lost")
            self.ask(request)
            return None
        if what < 0.07:
            self.note("doubled")
            first = self.ask(request)
            second = self.ask(request)
            return first if how < 0.5 else second
        if what < 0.10:
            self.note("delayed")
            time.sleep(how * 3)
        elif what < 0.13 and request[0] != "GET" and request[1] != "/v1/lease":
            self.note("repeated late")
            self.later(request, how * 90)
        return self.ask(request)


class Relay:
    """Carries bytes between ADDRESS:PORT and port 5432 there.  slow(seconds): each piece waits so long.  cut(): all
    connections end, half a message or not."""

    def __init__(self, listen, seed):
        self.host, port = listen.rsplit(":", 1)
        self.port = int(port)
        self.random = random.Random(seed)
        self.delay = 0.0
        self.pairs = []
        self.server = socket.create_server((self.host, self.port), backlog=128)
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, url):
        return url.replace(self.host, f"{self.host}:{self.port}")

    def slow(self, seconds):
        self.delay = seconds

    def cut(self):
        for pair in self.pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.pairs = []

    def accept(self):
        while True:
            inner = self.server.accept()[0]
            try:
                outer = socket.create_connection((self.host, 5432), timeout=5)
                outer.settimeout(None)
            except OSError:
                inner.close()
                continue
            self.pairs.append((inner, outer))
            for here, there in ((inner, outer), (outer, inner)):
                threading.Thread(target=self.carry, args=(here, there), daemon=True).start()

    def carry(self, here, there):
        try:
            while piece := here.recv(65536):
                if self.delay:
                    time.sleep(self.random.uniform(0, 2 * self.delay))
                there.sendall(piece)
        except OSError:
            pass
        for end in (here, there):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
