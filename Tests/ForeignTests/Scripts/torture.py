#!/usr/bin/env python3
"""Kills a busy server again and again, and checks after every restart what it had acknowledged.

  torture.py BINARY DATA BUSYBOX-TAR ROUNDS SEED

Six clients create builds, upload contexts, push images, move and delete tags, save secrets and cancel, until the server is
killed at a moment that SEED chooses. What is wrong is written as a line "wrong: ..." and ends with status 1; the last
line of standard output is a JSON object of what was done.
"""
import base64
import gzip
import hashlib
import http.client
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

BINARY, DATA, BASE = sys.argv[1:4]
ROUNDS, SEED = int(sys.argv[4]), int(sys.argv[5])
MARK = f"torture-{SEED}-{os.getpid()}"
TERMINAL = {"BUILD_STATUS_SUCCEEDED", "BUILD_STATUS_FAILED", "BUILD_STATUS_CANCELLED"}
STATUSES = TERMINAL | {"BUILD_STATUS_PENDING", "BUILD_STATUS_RUNNING"}
wrong = []


def check(condition, words):
    if not condition:
        wrong.append(words)
        print("wrong:", words, file=sys.stderr, flush=True)


def archive(files):
    raw = io.BytesIO()
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return raw.getvalue()


def sha256(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Gone(Exception):
    """The server was killed before it answered."""


class Server:
    # The messages of UploadBuildContext, as the first server described them.
    kinds = None

    def __init__(self):
        began = time.monotonic()
        self.process = subprocess.Popen(
            [BINARY, "start", "--port", "0", "--grpc-port", "0", "--json", "--data-dir", DATA],
            stdout=subprocess.PIPE, stderr=open(DATA + ".errors", "ab"), stdin=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the server did not start: " + open(DATA + ".errors").read()[-2000:])
        self.ready = json.loads(line)
        self.seconds = time.monotonic() - began
        self.address = self.ready["http"].removeprefix("http://")
        self.token = open(DATA + "/token").read().strip()
        self.local = threading.local()
        self.channel = grpc.insecure_channel(self.ready["grpc"])

    def call(self, method, path, body=None, kind="application/json", headers=None):
        """Status, headers and body; raises Gone when the server went away."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        try:
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPConnection(self.address, timeout=30)
            connection.request(method, path, body, {
                "Authorization": "Bearer " + self.token, "Content-Type": kind, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.local.connection = None
            raise Gone() from error

    def json(self, method, path, body=None):
        status, _, text = self.call(method, path, body)
        return status, json.loads(text or b"{}")

    def upload(self, name, content):
        """The id of a context sent by gRPC."""
        kind_in, kind_out = Server.kinds
        try:
            send = self.channel.stream_unary(
                "/dodil.ignite.v1.BuildService/UploadBuildContext", request_serializer=kind_in.SerializeToString,
                response_deserializer=kind_out.FromString)
            messages = [json_format.ParseDict({"metadata": {"name": name}}, kind_in())]
            for start in range(0, len(content), 1000):
                messages.append(kind_in(chunk=content[start:start + 1000]))
            return send(iter(messages), metadata=[("authorization", "Bearer " + self.token)], timeout=30).context_id
        except (grpc.RpcError, ValueError) as error:
            # A channel that was closed says so by a ValueError.
            raise Gone() from error

    def describe(self):
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))
        method = pool.FindServiceByName("dodil.ignite.v1.BuildService").FindMethodByName("UploadBuildContext")
        Server.kinds = [message_factory.GetMessageClass(t) for t in (method.input_type, method.output_type)]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.channel.close()


class Promises:
    """What the server has acknowledged, and what it was asked when it went away."""

    def __init__(self):
        self.lock = threading.Lock()
        self.builds = {}      # id -> {"name", "tag", "end"}
        self.contexts = []
        self.blobs = {}       # digest -> repository
        self.manifests = {}   # digest -> (repository, blobs)
        self.tags = {}        # tag -> what it may stand for; None is nothing
        self.secret = {None}  # what the secret may be
        self.counts = dict.fromkeys(("builds", "ends", "cancels", "contexts", "blobs", "manifests", "tags", "secrets"), 0)
        self.fresh = []       # checks of this round's promises

    def count(self, what):
        with self.lock:
            self.counts[what] += 1


class Client(threading.Thread):
    def __init__(self, server, promises, chance, work, number):
        super().__init__()
        self.server, self.promises, self.chance, self.work = server, promises, chance, work
        # Its own: of two clients that move one tag nobody could say which came last.
        self.tags = [f"{letter}{number}" for letter in "abc"]

    def run(self):
        try:
            while True:
                self.work(self)
        except Gone:
            pass

    # What clients do. A promise is noted when its answer has come, never before.

    def unfinished(self):
        with self.promises.lock:
            return [b for b, known in self.promises.builds.items() if not known["end"]]

    def look(self, build):
        status, answer = self.server.json("GET", f"/v1/ignite/builds/{build}")
        check(status == 200, f"GetBuild {build} answered {status} {answer}")
        if status == 200:
            note(self.promises, build, answer["build"])

    def create(self, source, name=None):
        number = self.chance.randrange(10 ** 12)
        body = {"name": name or f"app{number % 3}", "tags": [f"t{number}", "moving"], **source}
        status, answer = self.server.json("POST", "/v1/ignite/builds", body)
        check(status == 200, f"CreateBuild answered {status} {answer}")
        with self.promises.lock:
            self.promises.builds[answer["buildId"]] = {"name": body["name"], "tag": f"t{number}", "end": None}
            self.promises.fresh.append(("build", answer["buildId"]))
        self.promises.count("builds")
        return answer["buildId"]

    def inline(self, files):
        return {"zippedCode": base64.b64encode(archive(files)).decode()}

    def copying(self):
        waiting = self.unfinished()
        for build in waiting[-2:]:
            self.look(build)
        if len(waiting) >= 6:
            time.sleep(0.01)
        else:
            self.create(self.inline({
                "Dockerfile": "FROM scratch\nCOPY . /app/\nENV A=1\n", "file": str(self.chance.random()) * 50}))

    def running(self):
        waiting = self.unfinished()
        for build in waiting[:3]:
            self.look(build)
        if len(waiting) >= 8:
            time.sleep(0.01)
        else:
            pause = self.chance.choice(["", "sleep 0.05;", "sleep 0.3;"])
            self.create(self.inline({
                "Dockerfile": f"FROM busybox\nRUN {pause} echo {self.chance.random()} > /{MARK}; yes {MARK} | head -2000\n"
                "COPY Dockerfile /\n"}))

    def cancelling(self):
        build = self.create(self.inline({"Dockerfile": f"FROM busybox\nRUN sleep {self.chance.random()}; : {MARK}\n"}))
        if self.chance.random() < 0.5:
            time.sleep(self.chance.random() * 0.1)
        status, answer = self.server.json("POST", f"/v1/ignite/builds/{build}/cancel", {})
        if status == 200:
            check(answer["status"] == "BUILD_STATUS_CANCELLED", f"CancelBuild answered {answer}")
            note(self.promises, build, answer)
            self.promises.count("cancels")
        else:
            check(answer.get("code") == 9, f"CancelBuild answered {status} {answer}")
            self.look(build)

    def sending(self):
        content = archive({"Dockerfile": "FROM scratch\nCOPY . /\n", "x": f"{self.chance.random()}" * 2000})
        context = self.server.upload("ctx", content)
        with self.promises.lock:
            self.promises.contexts.append(context)
            self.promises.fresh.append(("context", context))
        self.promises.count("contexts")
        if len(self.unfinished()) < 8:
            self.create({"contextId": context})
        value = f"secret-{self.chance.randrange(10 ** 12)}"
        with self.promises.lock:
            self.promises.secret.add(value)
        status, answer = self.server.json("PUT", "/v1/ignite/builds/secrets", {"buildSecrets": {"tok": value}})
        check(status == 200, f"SaveBuildSecrets answered {status} {answer}")
        with self.promises.lock:
            self.promises.secret = {value}
        self.promises.count("secrets")

    def push_blob(self, repository, content):
        digest = sha256(content)
        status, headers, text = self.server.call("POST", f"/v2/dev/{repository}/blobs/uploads/")
        check(status == 202, f"POST of an upload answered {status} {text}")
        place = headers["Location"].removeprefix(self.server.ready["http"])
        if self.chance.random() < 0.5:
            half = len(content) // 2
            status, headers, text = self.server.call("PATCH", place, content[:half], "application/octet-stream")
            check(status == 202, f"PATCH of an upload answered {status} {text}")
            place, content = headers["Location"].removeprefix(self.server.ready["http"]), content[half:]
        place += ("&" if "?" in place else "?") + "digest=" + digest
        status, _, text = self.server.call("PUT", place, content, "application/octet-stream")
        check(status == 201, f"PUT of a blob answered {status} {text}")
        with self.promises.lock:
            self.promises.blobs[digest] = repository
            self.promises.fresh.append(("blob", digest))
        self.promises.count("blobs")
        return {"digest": digest, "size": 0}

    def pushing(self):
        repository = "pushed"
        layer = self.chance.randbytes(self.chance.choice([100, 5000, 200_000]))
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []},
                             "author": str(self.chance.random())}).encode()
        for content in (layer, config):
            self.push_blob(repository, content)
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(config),
                       "size": len(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": sha256(layer),
                        "size": len(layer)}]}).encode()
        digest = sha256(manifest)
        tag = self.chance.choice(self.tags)
        self.move(repository, tag, digest, lambda: self.server.call(
            "PUT", f"/v2/dev/{repository}/manifests/{tag}", manifest,
            "application/vnd.oci.image.manifest.v1+json"), 201)
        with self.promises.lock:
            self.promises.manifests[digest] = (repository, [sha256(layer), sha256(config)])
            self.promises.fresh.append(("manifest", digest))
        self.promises.count("manifests")
        if self.chance.random() < 0.2:
            tag = self.chance.choice(self.tags)
            self.move(repository, tag, None, lambda: self.server.call(
                "DELETE", f"/v2/dev/{repository}/manifests/{tag}"), 202, 404)

    def move(self, repository, tag, digest, call, *fine):
        with self.promises.lock:
            self.promises.tags.setdefault(tag, {None}).add(digest)
        status, _, text = call()
        check(status in fine, f"moving tag {tag} answered {status} {text}")
        with self.promises.lock:
            self.promises.tags[tag] = {digest}
        self.promises.count("tags")


def note(promises, build, answer):
    """An end that was seen is a promise too: it never changes."""
    status = answer.get("status")
    check(status in STATUSES, f"build {build} has the status {status}")
    with promises.lock:
        known = promises.builds[build]
        check(known["end"] in (None, status), f"build {build} was {known['end']} and is {status}")
        if status in TERMINAL and not known["end"]:
            known["end"] = status
            promises.counts["ends"] += 1


# What is checked

def check_build(server, promises, build):
    status, answer = server.json("GET", f"/v1/ignite/builds/{build}")
    check(status == 200, f"acknowledged build {build} answers {status} {answer}")
    if status != 200:
        return
    known, row = promises.builds[build], answer["build"]
    check(row["name"] == known["name"] and known["tag"] in row["tags"], f"build {build} has changed: {row}")
    note(promises, build, row)
    if row["status"] in TERMINAL:
        check_story(server, build, row)


def check_story(server, build, row):
    """The events of an ended build: without gaps, one end, and the one that the record says; its image is whole."""
    status, _, text = server.call("GET", f"/_kindling/builds/{build}/events")
    check(status == 200, f"events of {build} answer {status} {text[:200]}")
    events = [json.loads(line) for line in text.splitlines() if line.startswith(b"{")]
    check([e["sequence"] for e in events] == list(range(1, len(events) + 1)), f"events of {build} have gaps")
    ends = [e for e in events if e["kind"]["kind"] == "finished"]
    check(len(ends) == 1 and events[-1] is ends[0], f"build {build} ends {len(ends)} times: {text[-300:]}")
    check(int(row.get("completedAtMs", 0)) >= int(row.get("startedAtMs", 0)), f"times of {build}: {row}")
    if ends:
        said = json.dumps(ends[0]["kind"]).lower()
        word = row["status"].removeprefix("BUILD_STATUS_").lower()
        check(word in said, f"build {build} is {word}, its events say {said}")
    if row["status"] == "BUILD_STATUS_SUCCEEDED":
        for reference in row["imageRefs"]:
            path, tag = reference.split("/", 1)[1].rsplit(":", 1)
            if tag != "moving":
                check_image(server, path, tag)
    if row["status"] == "BUILD_STATUS_FAILED":
        check("the server stopped" in row.get("error", ""), f"build {build} failed of {row.get('error')}")


def check_image(server, path, reference):
    status, headers, text = server.call("GET", f"/v2/{path}/manifests/{reference}")
    check(status == 200, f"image {path}:{reference} answers {status} {text[:200]}")
    if status == 200:
        check(sha256(text) == headers["Docker-Content-Digest"], f"manifest {path}:{reference} is another")
        manifest = json.loads(text)
        for part in [manifest["config"], *manifest["layers"]]:
            check_blob(server, path, part["digest"])


def check_blob(server, path, digest):
    status, _, content = server.call("GET", f"/v2/{path}/blobs/{digest}")
    check(status == 200 and sha256(content) == digest, f"blob {digest} of {path} answers {status}, {len(content)} bytes")


def check_tags(server, promises):
    for tag, possible in promises.tags.items():
        status, headers, _ = server.call("GET", f"/v2/dev/pushed/manifests/{tag}")
        found = headers["Docker-Content-Digest"] if status == 200 else None
        check(found in possible, f"tag {tag} stands for {found} instead of {possible}")
        promises.tags[tag] = {found}


def check_promise(server, promises, kind, promise):
    if kind == "build":
        check_build(server, promises, promise)
    elif kind == "blob":
        check_blob(server, "dev/" + promises.blobs[promise], promise)
    elif kind == "manifest":
        check_image(server, "dev/" + promises.manifests[promise][0], promise)
    elif kind == "context":
        status, answer = server.json("POST", "/v1/ignite/builds", {"name": "ctx", "tags": ["x"], "contextId": promise})
        check(status == 200, f"context {promise} answers {status} {answer}")
        if status == 200:
            promises.builds[answer["buildId"]] = {"name": "ctx", "tag": "x", "end": None}


def check_secret(server, promises):
    """By effect: a step compares what it is given with what was acknowledged."""
    values = sorted(value for value in promises.secret if value)
    if not values or None in promises.secret:
        return
    tests = " || ".join(f'[ "$(cat /run/secrets/tok | sha256sum)" = "{hashlib.sha256(v.encode()).hexdigest()}  -" ]'
                        for v in values)
    content = archive({"Dockerfile": f"FROM busybox\nRUN --mount=type=secret,id=tok {tests}\n"})
    build = server.json("POST", "/v1/ignite/builds", {
        "name": "secret", "zippedCode": base64.b64encode(content).decode(), "noCache": True})[1]["buildId"]
    row = ended(server, build)
    check(row["status"] == "BUILD_STATUS_SUCCEEDED", f"the secret is none of {values}: {row}")


def ended(server, build):
    server.call("GET", f"/v1/ignite/builds/{build}/logs/stream?fromStart=true")
    return server.json("GET", f"/v1/ignite/builds/{build}")[1]["build"]


def check_processes():
    """Every process of every build ends with the server."""
    limit = time.monotonic() + 5
    while True:
        left = []
        for number in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = open(f"/proc/{number}/cmdline", "rb").read()
            except OSError:
                continue
            if MARK.encode() in words:
                left.append(f"{number}: {words[:200]}")
        if not left or time.monotonic() > limit:
            check(not left, f"processes outlive the server: {left}")
            return


def check_disk():
    """What lies in a directory whose server has stopped."""
    for folder in ("oci/blobs/sha256", "contexts"):
        for name in os.listdir(f"{DATA}/{folder}"):
            if not name.endswith(".index"):
                with open(f"{DATA}/{folder}/{name}", "rb") as file:
                    check(hashlib.file_digest(file, "sha256").hexdigest() == name, f"{folder}/{name} holds other bytes")
    left = [os.path.join(top, n) for top, folders, files in os.walk(DATA + "/work") for n in folders + files]
    check(left == [DATA + "/work/uploads"], f"left in work: {left}")
    check(DATA not in open("/proc/self/mountinfo").read(), "something is mounted in the data directory")
    check(not os.path.exists(DATA + "/run.json"), "run.json is left")
    ledger = sqlite3.connect(DATA + "/ledger.sqlite")
    check(ledger.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the ledger is damaged")
    check(not ledger.execute("PRAGMA foreign_key_check").fetchall(), "the ledger's references are broken")
    for (digest,) in ledger.execute("SELECT DISTINCT digest FROM repository_blobs"):
        check(os.path.exists(f"{DATA}/oci/blobs/sha256/{digest.removeprefix('sha256:')}"), f"blob {digest} is gone")
    known = {row[0] for row in ledger.execute("SELECT id FROM builds")}
    check(set(os.listdir(DATA + "/builds")) >= known, "builds have no folder")
    ledger.close()


def all_builds(server):
    cursor, found = "", []
    while True:
        page = server.json("GET", f"/v1/ignite/builds?limit=200&cursor={cursor}")[1]
        found += page.get("builds", [])
        cursor = page.get("nextCursor", "")
        if not cursor:
            return found


def last_look(promises):
    server = Server()
    for build in list(promises.builds):
        if not promises.builds[build]["end"]:
            ended(server, build)
        check_build(server, promises, build)
        check(promises.builds[build]["end"], f"build {build} has no end")
    for digest in promises.manifests:
        check_promise(server, promises, "manifest", digest)
    check_tags(server, promises)
    check_secret(server, promises)
    for row in all_builds(server):
        if row["id" if "id" in row else "buildId"] not in promises.builds and row["name"] != "secret":
            # Made, and killed before it could say so: then it is a build as any other.
            check(row["status"] in STATUSES, f"unknown build: {row}")
            row = ended(server, row["id" if "id" in row else "buildId"])
            check_story(server, row["id" if "id" in row else "buildId"], row)
    for row in all_builds(server):
        check(row["status"] in TERMINAL, f"build without an end: {row}")
    server.process.send_signal(signal.SIGTERM)
    check(server.process.wait(60) == 0, "the last server did not stop with 0")
    check_disk()


def main():
    chance = random.Random(SEED)
    promises, starts, began = Promises(), [], time.monotonic()
    server = Server()
    server.describe()
    subprocess.run([BINARY, "image", "import", "busybox:latest", BASE], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "KINDLING_DATA_DIR": DATA})
    for number in range(ROUNDS):
        work = (Client.pushing, Client.copying, Client.running, Client.cancelling, Client.sending, Client.pushing)
        clients = [Client(server, promises, random.Random(chance.random()), way, place)
                   for place, way in enumerate(work)]
        for client in clients:
            client.start()
        # After some promises rather than after some time, so that slow machines are as busy as quick ones.
        wanted, limit = sum(promises.counts.values()) + chance.randrange(40), time.monotonic() + 5
        while sum(promises.counts.values()) < wanted and time.monotonic() < limit:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.03)
        server.kill()
        for client in clients:
            client.join()
        check_processes()
        server = Server()
        starts.append(server.seconds)
        try:
            fresh, promises.fresh = promises.fresh, []
            # Contexts become builds when they are looked at: one a round is enough.
            contexts = [p for p in fresh if p[0] == "context"][:1]
            for promise in [p for p in fresh if p[0] != "context"] + contexts:
                check_promise(server, promises, *promise)
            for build in chance.sample(sorted(promises.builds), min(3, len(promises.builds))):
                check_build(server, promises, build)
            check_tags(server, promises)
            if number % 10 == 9:
                check_secret(server, promises)
        except Gone:
            check(False, f"the server ended by itself in round {number}: " + open(DATA + ".errors").read()[-2000:])
        if wrong:
            break
    server.kill()
    last_look(promises)
    starts.sort()
    print(json.dumps({
        "rounds": len(starts), "seed": SEED, "seconds": round(time.monotonic() - began, 1), "wrong": len(wrong),
        "startMs": {"median": round(starts[len(starts) // 2] * 1000), "most": round(starts[-1] * 1000)},
        **promises.counts}))
    sys.exit(1 if wrong else 0)


main()
