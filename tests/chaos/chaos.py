#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""chaos.py ASSAY --jobs=N --seed=N [--database=URL --postgres-ctl=PROGRAM --namespace=NAME --link=DEVICE]

Real schedulers and real workers while everything around them breaks: processes are killed and stopped, requests are
lost, doubled, delayed and repeated, the network to PostgreSQL is cut and slow, PostgreSQL is restarted, the disk is
full, the clock jumps.  A job is `assay verify` of a recipe: nine in ten are refused at once because the artifact is not
the one the recipe names, the others are built in a box, one in fifty differs and is confirmed.  The same seed draws the
same faults.  In the end each job must have the one verdict that its nature allows, what a worker was told must be what
the database says, and nothing may be left over.  Then each of these checks is shown a farm that is spoilt for it."""
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
PATIENCE_S = 3000


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
        self.ledger = proxy.Ledger()
        self.relay = proxy.Relay(options.relay, options.seed) if options.relay else None
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
            argv.append("--database=" + (self.relay.url(self.options.database) if self.relay else self.options.database))
        if self.options.namespace:
            argv = ["ip", "netns", "exec", self.options.namespace] + argv
        env = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": self.clock, "FAKETIME_NO_CACHE": "1",
               "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        self.schedulers.append(Process(self, f"scheduler{i}", argv, env))
        self.proxies.append(proxy.Proxy(os.path.join(self.work, f"proxy{i}"), socket, self.options.seed + i, self.ledger))

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

    def slow_network(self):
        self.relay.slow(self.random.uniform(0.005, 0.4))
        time.sleep(self.random.uniform(0.5, 4))
        self.relay.slow(0)

    def cut_connections(self):
        """In the middle of whatever they carry."""
        self.relay.cut()

    def faults(self):
        faults = [(self.kill_worker, 2 * self.options.workers), (self.kill_scheduler, 4), (self.stop_worker, 3),
                  (self.cut_requests, 3), (self.fill_disk, 2), (self.jump_clock, 3)]
        if self.options.postgres_ctl:
            faults.append((self.restart_postgres, 2))
        if self.options.link:
            faults.append((self.cut_network, 2))
        if self.relay:
            faults += [(self.slow_network, 2), (self.cut_connections, 2)]
        return [f for f, _ in faults], [w for _, w in faults]

    def rage(self):
        kinds, weights = self.faults()
        while not self.over:
            time.sleep(self.random.uniform(0.1, 0.8))
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
            with sqlite3.connect(os.path.join(self.store, "farm/queue.db"), timeout=60) as db:
                return [tuple(str(c) if c is not None else "" for c in row) for row in db.execute(sql)]
        answer = subprocess.run(["psql", self.options.database, "-AtqF", "\t", "-c", sql], check=True, capture_output=True, text=True)
        return [tuple(line.split("\t")) for line in answer.stdout.splitlines()]

    def one(self, sql):
        return int(self.query(sql)[0][0])

    def none(self, sql):
        return not self.one(f"SELECT count(*) FROM {sql}")

    def all_are_here(self):
        found = [target for target, in self.query("SELECT target FROM job")]
        return sorted(found) == sorted(self.natures)

    def verdicts_are_right(self):
        found = {t: (s, v) for t, s, v in self.query("SELECT target, state, verdict FROM job")}
        wrong = [(t, found.get(t)) for t, nature in self.natures.items() if found.get(t) != ("done", nature)]
        for item in wrong[:5]:
            print("# wrong:", *item)
        return not wrong

    def what_was_taken_is_kept(self):
        kept = {(int(j), int(f)): (w, v) for j, f, w, v in self.query("SELECT job, fence, worker, verdict FROM attempt")}
        lost = [item for item in self.ledger.taken.items() if kept.get(item[0]) != item[1]]
        for item in lost[:5]:
            print("# taken and not kept:", *item, kept.get(item[0]))
        return not lost

    def nobody_stale_was_heard(self):
        stale = self.ledger.stale()
        for item in stale[:5]:
            print("# heard after another had the job:", *item)
        return not stale

    def reports_are_whole(self):
        wrong = 0
        for digest, in self.query("SELECT DISTINCT report FROM job WHERE report IS NOT NULL"):
            status, _, body = proxy.ask(os.path.join(self.work, "proxy0"), "GET", "/v1/blobs/" + digest, b"", {})
            wrong += status != 200 or hashlib.sha256(body).hexdigest() != digest
        return not wrong

    def verb(self, *words):
        answer = subprocess.run([self.assay, *words], env={**os.environ, **self.env}, capture_output=True, text=True, check=False)
        print("#", answer.stdout.strip()[-300:], answer.stderr.strip()[-300:])
        return answer.returncode == 0

    def checks(self):
        socket = "--socket=" + os.path.join(self.work, "scheduler0.socket")
        return {
            "no job is lost or doubled": self.all_are_here,
            "each job has the one verdict that its nature allows": self.verdicts_are_right,
            "no lease is left": lambda: self.none("lease"),
            "every attempt has an end": lambda: self.none("attempt WHERE finished = 0"),
            "fences count the attempts of a job, one by one": lambda: self.none(
                "job WHERE fence <> (SELECT count(*) FROM attempt WHERE job = job.id) OR fence <> (SELECT max(fence) FROM "
                "attempt WHERE job = job.id)"),
            "nobody was heard after another had the job": self.nobody_stale_was_heard,
            "what a scheduler took is what its database holds": self.what_was_taken_is_kept,
            "a verdict is that of the last attempt": lambda: self.none(
                "job JOIN attempt ON attempt.job = job.id AND attempt.fence = job.fence WHERE job.verdict <> attempt.verdict"),
            "a divergence has two witnesses": lambda: self.none(
                "job WHERE verdict = 'divergent' AND (SELECT count(DISTINCT worker) FROM attempt WHERE attempt.job = job.id "
                "AND attempt.verdict = 'divergent') < 2"),
            "every report is in the store, and whole": self.reports_are_whole,
            "the store is consistent": lambda: self.verb("store", "check"),
            "the audit chain is whole": lambda: self.verb("audit", "verify", socket),
        }

    # ---- whether it would be noticed

    def spoil_blob(self, digest, spoil):
        """The file of a blob, wherever the store has it."""
        paths = [os.path.join(where, name) for where, _, names in os.walk(self.store) for name in names
                 if (os.path.basename(where) + name).endswith(digest[2:]) or name == digest]
        for path in paths:
            spoil(path)
        return bool(paths)

    def turn_bytes(self, path):
        with open(path, "r+b") as file:
            first = file.read(1)
            file.seek(0)
            file.write(bytes([first[0] ^ 1]))

    def plants(self):
        """For each check what it must notice, and how that goes away again."""
        (job, fence), (_, verdict) = min(self.ledger.taken.items())
        reports = [digest for digest, in self.query("SELECT DISTINCT report FROM job WHERE report IS NOT NULL ORDER BY report")]
        flaky = ("UPDATE job SET verdict = 'flaky' WHERE id = (SELECT min(id) FROM job WHERE verdict = 'rejected')",
                 "UPDATE job SET verdict = 'rejected' WHERE verdict = 'flaky'")
        return [
            ("each job has the one verdict that its nature allows", *flaky),
            ("a verdict is that of the last attempt", *flaky),
            ("no lease is left", "INSERT INTO lease (job, worker, fence, granted, expires) SELECT id, 'w0', fence, 0, "
             "4000000000000 FROM job WHERE id = 1", "DELETE FROM lease"),
            ("every attempt has an end", "UPDATE attempt SET finished = 0 WHERE job = 1 AND fence = 1",
             "UPDATE attempt SET finished = 1 WHERE finished = 0"),
            ("fences count the attempts of a job, one by one", "UPDATE job SET fence = fence + 1 WHERE id = 1",
             "UPDATE job SET fence = fence - 1 WHERE id = 1"),
            ("nobody was heard after another had the job",
             lambda: self.ledger.granted.update({(job, fence + 1): 0}), None),
            ("what a scheduler took is what its database holds",
             f"UPDATE attempt SET verdict = 'lost' WHERE job = {job} AND fence = {fence}",
             f"UPDATE attempt SET verdict = '{verdict}' WHERE job = {job} AND fence = {fence}"),
            ("a divergence has two witnesses", "UPDATE attempt SET worker = 'w0' WHERE verdict = 'divergent'", None),
            ("every report is in the store, and whole", lambda: self.spoil_blob(reports[0], os.unlink), None),
            ("the store is consistent", lambda: self.spoil_blob(reports[-1], self.turn_bytes), None),
            ("the audit chain is whole", "UPDATE audit SET record = replace(record, '1', '2') WHERE seq = 9", None),
            ("no job is lost or doubled", "UPDATE job SET target = 'other' WHERE id = 1", None),
        ]

    def is_noticed(self, name, plant, undo):
        check = self.checks()[name]
        before = check()
        if callable(plant):
            plant()
        else:
            self.query(plant)
        noticed = before and not check()
        if undo:
            self.query(undo)
        return noticed

    def check(self):
        results = [(name, check()) for name, check in self.checks().items()]
        if all(good for _, good in results):
            print("# all is well; from here on each check is shown what it is for")
            blind = [plant[0] for plant in self.plants() if not self.is_noticed(*plant)]
            print("# not noticed when planted:", ", ".join(blind) or "nothing")
            results.append(("each of these checks notices what it is for", not blind))
        return results

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
    parser.add_argument("--workers", type=int, default=24)
    parser.add_argument("--disk", type=int, default=600, help="MiB of the store")
    for name in ("database", "postgres-ctl", "namespace", "link", "relay", "keep-logs"):
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
    farm.counts["outcomes refused as another's"] = farm.ledger.refused
    for what, count in sorted({**farm.counts, **{k: sum(p.counts[k] for p in farm.proxies) for k in farm.proxies[0].counts}}.items()):
        print(f"#   {count:6d} {what}")
    for name, good in checks:
        print("ok -" if good else "not ok -", name)
    sys.exit(not checks or not all(good for _, good in checks))


main()
