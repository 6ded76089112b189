#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""chaos.py ASSAY --jobs=N --seed=N [--database=URL --postgres-ctl=PROGRAM --namespace=NAME --link=DEVICE]

Real schedulers and real workers while everything around them breaks: processes are killed and stopped, requests are
lost, doubled, delayed and repeated, the network to PostgreSQL is cut, PostgreSQL is restarted, the disk is full, the
clock jumps.  A job is `assay verify` of a recipe: nine in ten are refused at once because the artifact is not the one
the recipe names, the others are built in a box, one in fifty differs and is confirmed.  The same seed draws the same
faults.  In the end each job must have the one verdict that its nature allows, and nothing may be left over."""
import argparse
import concurrent.futures
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import proxy  # noqa: E402

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
NATURES = [("rejected", 0.90), ("reproducible", 0.08), ("divergent", 0.02)]
PATIENCE_S = 1500


class Process:
    """A daemon that is started again whenever it ends."""

    def __init__(self, farm, name, argv, env=None):
        self.farm, self.name, self.argv = farm, name, argv
        self.env = {**os.environ, **farm.env, **(env or {})}
        self.log = open(os.path.join(farm.work, name + ".log"), "ab")
        self.start()

    def start(self):
        self.child = subprocess.Popen(self.argv, env=self.env, stdin=subprocess.DEVNULL, stdout=self.log,
                                      stderr=self.log, start_new_session=True)

    def tend(self):
        if self.child.poll() is not None:
            self.farm.count(self.name.rstrip("0123456789") + " restarted")
            self.start()

    def signal(self, number):
        try:
            self.child.send_signal(number)
        except ProcessLookupError:
            pass

    def stop(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.child.wait()
            return False
        return True


class Farm:
    def __init__(self, options):
        self.options = options
        self.assay = os.path.realpath(options.assay)
        self.random = random.Random(options.seed)
        self.counts = {}
        self.lock = threading.Lock()
        self.work = tempfile.mkdtemp(prefix="assay-chaos.")
        self.store = os.path.join(self.work, "store")
        self.clock = os.path.join(self.work, "clock")
        os.mkdir(self.store)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700,size=%dm" % options.disk, "chaos", self.store], check=True)
        self.env = {"ASSAY_STORE": self.store, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        self.set_clock("+0")
        self.make_jobs()
        self.schedulers, self.proxies, self.workers = [], [], []
        for i in range(2 if options.database else 1):
            self.add_scheduler(i)
        for i in range(options.workers):
            self.add_worker(i)
        self.over = False
        self.started = time.monotonic()

    def late(self):
        return time.monotonic() > self.started + PATIENCE_S

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def set_clock(self, offset):
        with open(self.clock + ".new", "w", encoding="utf-8") as file:
            file.write(offset + "\n")
        os.rename(self.clock + ".new", self.clock)

    def add_scheduler(self, i):
        socket = os.path.join(self.work, f"scheduler{i}.socket")
        argv = [self.assay, "scheduler", "--socket=" + socket]
        if self.options.database:
            argv.append("--database=" + self.options.database)
        if self.options.namespace:
            argv = ["ip", "netns", "exec", self.options.namespace] + argv
        env = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": self.clock, "FAKETIME_NO_CACHE": "1",
               "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        self.schedulers.append(Process(self, f"scheduler{i}", argv, env))
        self.proxies.append(proxy.Proxy(os.path.join(self.work, f"proxy{i}"), socket, self.options.seed + i))

    def add_worker(self, i):
        socket = os.path.join(self.work, f"proxy{i % len(self.proxies)}")
        self.workers.append(Process(self, f"worker{i}", [self.assay, "worker", f"--name=w{i}", "--socket=" + socket]))

    # ---- jobs

    def make_jobs(self):
        source = os.path.join(self.work, "src")
        subprocess.run(["git", "init", "-q", source], check=True)
        with open(os.path.join(source, "Makefile"), "w", encoding="utf-8") as file:
            file.write("reproducible rejected: ; printf same > out\ndivergent: ; printf differs > out\n")
        git = ["git", "-C", source, "-c", "user.name=t", "-c", "user.email=t@x"]
        subprocess.run(git + ["add", "Makefile"], check=True)
        subprocess.run(git + ["commit", "-qm", "x"], check=True)
        commit = subprocess.run(git + ["rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        with open(os.path.join(self.work, "out"), "w", encoding="utf-8") as file:
            file.write("same")
        self.natures = {}
        for i in range(self.options.jobs):
            nature = self.random.choices([n for n, _ in NATURES], [w for _, w in NATURES])[0]
            digest = "0" * 64 if nature == "rejected" else hashlib.sha256(b"same").hexdigest()
            path = os.path.join(self.work, f"{i}.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"recipe: 1\nname: r{i}\nsource: {{git: {source}, commit: {commit}}}\nenvironment: {{base: host}}\n"
                           f"build: [make {nature}]\nartifacts:\n  - {{built: out, published: ./out, sha256: {digest}}}\n")
            self.natures[path] = nature

    def call(self, method, path, body=None):
        """Through the proxies, until there is an answer."""
        data = json.dumps(body).encode() if body is not None else b""
        while not self.late():
            try:
                answer = proxy.ask(os.path.join(self.work, f"proxy{random.randrange(len(self.proxies))}"), method, path, data,
                                   {"Content-Type": "application/json"})
                if answer[0] < 500:
                    return answer[0], json.loads(answer[2]) if answer[2] else None
            except (OSError, ValueError, proxy.http.client.HTTPException):
                pass
            time.sleep(0.3)
        raise SystemExit(f"no answer to {method} {path} in time")

    def submit(self, path):
        status, answer = self.call("POST", "/v1/jobs", {"target": path, "key": path, "submitter": "chaos"})
        if status not in (200, 201):
            print("# submission refused:", status, answer)
            self.count("submissions refused")

    def submit_all(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(self.submit, self.natures))

    def open_jobs(self):
        left = 0
        for state in ("queued", "waiting", "running"):
            left += len(self.call("GET", f"/v1/jobs?state={state}&limit=1000")[1]["jobs"])
        return left

    # ---- faults

    def kill_worker(self):
        self.random.choice(self.workers).signal(signal.SIGKILL)

    def kill_scheduler(self):
        self.random.choice(self.schedulers).signal(signal.SIGKILL)

    def stop_worker(self):
        """Longer than its lease: when it goes on, its job is another's."""
        worker = self.random.choice(self.workers)
        pid = worker.child.pid
        worker.signal(signal.SIGSTOP)
        threading.Timer(75, lambda: pid == worker.child.pid and worker.signal(signal.SIGCONT)).start()

    def cut_requests(self):
        self.random.choice(self.proxies).cut(self.random.uniform(0.5, 8))

    def fill_disk(self):
        path = os.path.join(self.store, "filler")
        try:
            with open(path, "wb") as file:
                while True:
                    file.write(b"x" * 1048576)
                    file.flush()
        except OSError:
            pass
        time.sleep(self.random.uniform(0.5, 3))
        os.unlink(path)

    def jump_clock(self):
        """By up to 20 hours: beyond a day the store's collector would rightly take what is here for old."""
        self.set_clock(f"{self.random.choice([-1, 1]) * int(10 ** self.random.uniform(0, 4.85)):+d}")

    def restart_postgres(self):
        mode = self.random.choice(["immediate", "fast"])
        subprocess.run([self.options.postgres_ctl, "-m", mode, "restart"], check=True, stdout=subprocess.DEVNULL)

    def cut_network(self):
        subprocess.run(["ip", "link", "set", self.options.link, "down"], check=True)
        time.sleep(self.random.uniform(0.5, 8))
        subprocess.run(["ip", "link", "set", self.options.link, "up"], check=True)

    def faults(self):
        faults = [(self.kill_worker, 8), (self.kill_scheduler, 4), (self.stop_worker, 1), (self.cut_requests, 3),
                  (self.fill_disk, 2), (self.jump_clock, 3)]
        if self.options.postgres_ctl:
            faults.append((self.restart_postgres, 2))
        if self.options.link:
            faults.append((self.cut_network, 2))
        return [f for f, _ in faults], [w for _, w in faults]

    def rage(self):
        kinds, weights = self.faults()
        while not self.over:
            time.sleep(self.random.uniform(0.2, 2.5))
            fault = self.random.choices(kinds, weights)[0]
            self.count(fault.__name__.replace("_", " "))
            fault()

    def tend(self):
        while not self.over:
            for process in self.schedulers + self.workers:
                process.tend()
            time.sleep(0.2)

    # ---- the run

    def run(self):
        raging = threading.Thread(target=self.rage)
        tending = threading.Thread(target=self.tend)
        tending.start()
        raging.start()
        self.submit_all()
        left = self.open_jobs()
        while left > self.options.jobs // 20 and not self.late():
            time.sleep(2)
            left = self.open_jobs()
        self.over = True
        raging.join()
        tending.join()
        print(f"# {time.monotonic() - self.started:.0f} s of faults, {left} jobs open; calm from now on", flush=True)
        self.finish()

    def finish(self):
        """Without faults the rest must come to an end; what bad luck parked is tried again, as an operator would."""
        for link in self.proxies:
            link.calm()
        self.set_clock("+0")
        for worker in self.workers:
            worker.signal(signal.SIGCONT)
        while not self.late():
            for process in self.schedulers + self.workers:
                process.tend()
            for job in self.call("GET", "/v1/jobs?state=parked&limit=1000")[1]["jobs"]:
                self.count("parked by bad luck, retried")
                self.call("POST", f"/v1/jobs/{job['id']}/retry")
            if not self.open_jobs():
                break
            time.sleep(1)
        print(f"# {time.monotonic() - self.started:.0f} s in all", flush=True)

    # ---- what must hold

    def query(self, sql):
        if not self.options.database:
            with sqlite3.connect(os.path.join(self.store, "farm/queue.db")) as db:
                return [tuple(str(c) if c is not None else "" for c in row) for row in db.execute(sql)]
        answer = subprocess.run(["psql", self.options.database, "-AtqF", "\t", "-c", sql], check=True, capture_output=True, text=True)
        return [tuple(line.split("\t")) for line in answer.stdout.splitlines()]

    def one(self, sql):
        return int(self.query(sql)[0][0])

    def reports_are_whole(self):
        wrong = 0
        for digest, in self.query("SELECT DISTINCT report FROM job WHERE report IS NOT NULL"):
            status, _, body = proxy.ask(os.path.join(self.work, "proxy0"), "GET", "/v1/blobs/" + digest, b"", {})
            wrong += status != 200 or hashlib.sha256(body).hexdigest() != digest
        return wrong

    def verb(self, *words):
        return subprocess.run([self.assay, *words], env={**os.environ, **self.env}, capture_output=True, text=True, check=False)

    def check(self):
        found = {t: (s, v) for t, s, v in self.query("SELECT target, state, verdict FROM job")}
        wrong = [(t, found.get(t)) for t, nature in self.natures.items() if found.get(t) != ("done", nature)]
        checks = [
            ("no job is lost or doubled", self.one("SELECT count(*) FROM job") == len(self.natures) and
             set(found) == set(self.natures)),
            ("each job has the one verdict that its nature allows", not wrong),
            ("no lease is left", not self.one("SELECT count(*) FROM lease")),
            ("every attempt has an end", not self.one("SELECT count(*) FROM attempt WHERE finished = 0")),
            ("fences count the attempts of a job, one by one", not self.one(
                "SELECT count(*) FROM job WHERE fence <> (SELECT count(*) FROM attempt WHERE job = job.id) OR fence <> "
                "(SELECT max(fence) FROM attempt WHERE job = job.id)")),
            ("no attempt was heard after the next had begun", not self.one(
                "SELECT count(*) FROM attempt a JOIN attempt b ON b.job = a.job AND b.fence = a.fence + 1 WHERE a.verdict "
                "IN ('rejected', 'reproducible', 'divergent') AND a.finished > b.started AND a.finished - b.started < 1000000")),
            ("a verdict is that of the last attempt", not self.one(
                "SELECT count(*) FROM job JOIN attempt ON attempt.job = job.id AND attempt.fence = job.fence WHERE "
                "job.verdict <> attempt.verdict")),
            ("a divergence has two witnesses", not self.one(
                "SELECT count(*) FROM job WHERE verdict = 'divergent' AND (SELECT count(DISTINCT worker) FROM attempt WHERE "
                "attempt.job = job.id AND attempt.verdict = 'divergent') < 2")),
            ("every report is in the store, and whole", not self.reports_are_whole()),
        ]
        socket = "--socket=" + os.path.join(self.work, "scheduler0.socket")
        for words, name in ((["store", "check"], "the store is consistent"),
                            (["audit", "verify", socket], "the audit chain is whole")):
            answer = self.verb(*words)
            checks.append((name, answer.returncode == 0))
            print("#", answer.stdout.strip()[-300:], answer.stderr.strip()[-300:])
        for item in wrong[:5]:
            print("# wrong:", *item)
        return checks

    def end(self):
        for worker in self.workers:
            worker.signal(signal.SIGTERM)
        gentle = [process.stop() for process in self.workers + self.schedulers]
        mounts = [line for line in open("/proc/self/mountinfo", encoding="utf-8") if self.work in line]
        left = subprocess.run(["pgrep", "-f", self.work + "/"], capture_output=True, text=True, check=False).stdout.split()
        return [("all end when they are told to", all(gentle)), ("nothing is mounted but the store", len(mounts) <= 1),
                ("no process is left", not [p for p in left if int(p) != os.getpid()])]

    def remove(self):
        subprocess.run(["umount", "-l", self.store], check=False)
        shutil.rmtree(self.work, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("assay")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--disk", type=int, default=600, help="MiB of the store")
    for name in ("database", "postgres-ctl", "namespace", "link", "keep-logs"):
        parser.add_argument("--" + name, default="")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    farm = Farm(options)
    checks = []
    try:
        farm.run()
        checks = farm.check()
        checks += farm.end()
    finally:
        farm.over = True
        for process in farm.workers + farm.schedulers:
            if process.child.poll() is None:
                process.stop()
        if options.keep_logs:
            shutil.copytree(farm.work, options.keep_logs, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("*.yaml", "store", "*.socket", "proxy?", "src"))
        farm.remove()
    for what, count in sorted({**farm.counts, **{k: sum(p.counts[k] for p in farm.proxies) for k in farm.proxies[0].counts}}.items()):
        print(f"#   {count:6d} {what}")
    for name, good in checks:
        print("ok -" if good else "not ok -", name)
    sys.exit(not checks or not all(good for _, good in checks))


main()
