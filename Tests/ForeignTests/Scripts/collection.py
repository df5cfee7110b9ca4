#!/usr/bin/env python3
"""Pushes, deletes and pulls images while collections run one after the other, and the server is killed in between.

  collection.py BINARY DATA CYCLES KILLS SEED

Eight clients push images of a small pool again and again as real clients do (HEAD, upload what is missing, manifest), pull
them, and delete them; their layers are shared. A collector goes round with a grace of a second. After every kill the server
starts on the same data. What was acknowledged and not deleted must be pulled with its very bytes; every push must succeed,
unless the client itself slept beyond the grace. The last line of standard output is a JSON object of what was done.
"""
import hashlib
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time

BINARY, DATA = sys.argv[1:3]
CYCLES, KILLS, SEED = int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CLIENTS, GRACE = 8, 1
wrong, done = [], {"pushed": 0, "pulled": 0, "deleted": 0, "collections": 0, "freed": 0, "kills": 0, "slept": 0}
lock = threading.Lock()


def check(condition, words):
    if not condition:
        wrong.append(words)
        print("wrong:", words, file=sys.stderr, flush=True)


def count(name, by=1):
    with lock:
        done[name] += by


def sha256(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Gone(Exception):
    """The server was killed before it answered."""


class Server:
    def __init__(self):
        self.process = subprocess.Popen(
            [BINARY, "start", "--port", "0", "--grpc-port", "0", "--json", "--data-dir", DATA],
            stdout=subprocess.PIPE, stderr=open(DATA + ".errors", "ab"), stdin=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the server did not start: " + open(DATA + ".errors").read()[-2000:])
        self.address = json.loads(line)["http"].removeprefix("http://")
        self.token = open(DATA + "/token").read().strip()
        self.local = threading.local()

    def call(self, method, path, body=None, **headers):
        try:
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPConnection(self.address, timeout=60)
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            response = connection.getresponse()
            content = response.read()
            if response.will_close:
                connection.close()
                self.local.connection = None
            return response.status, response.headers, content
        except (OSError, http.client.HTTPException) as error:
            self.local.connection = None
            raise Gone(str(error))

    def kill(self):
        self.process.kill()
        self.process.wait()


class Image:
    """One of the pool: two layers, of which another image has one too."""

    def __init__(self, number):
        self.number = number
        self.config = json.dumps({"architecture": "amd64", "os": "linux", "number": number, "seed": SEED}).encode()
        self.layers = [f"shared {number // 2} {SEED} ".encode() * 500, f"own {number} {SEED} ".encode() * 800]
        kinds = ["application/vnd.oci.image.config.v1+json"] + ["application/vnd.oci.image.layer.v1.tar"] * 2
        entries = [{"mediaType": kind, "digest": sha256(blob), "size": len(blob)}
                   for kind, blob in zip(kinds, [self.config] + self.layers)]
        self.manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": entries[0], "layers": entries[1:]}).encode()
        self.digest = sha256(self.manifest)
        self.path = f"/v2/dev/pool{number % 3}"
        # Held by the client that works with it, so that what it expects is known.
        self.lock = threading.Lock()
        # True when a push was acknowledged and no deletion begun since; None when nobody can know.
        self.there = False

    def push(self, server):
        self.there = None
        relied = time.monotonic()
        for blob in [self.config] + self.layers:
            named = sha256(blob)
            if server.call("HEAD", f"{self.path}/blobs/{named}")[0] == 200:
                continue
            status, headers, words = server.call("POST", f"{self.path}/blobs/uploads/", b"")
            check(status == 202, f"POST {status} {words}")
            status, _, words = server.call("PUT", headers["Location"] + "?digest=" + named, blob)
            check(status == 201, f"PUT of a blob {status} {words}")
        status, _, words = server.call("PUT", f"{self.path}/manifests/v{self.number}", self.manifest, Content_Type=MANIFEST)
        if status == 404 and time.monotonic() - relied > GRACE:
            # The client was slower than the grace it was promised; a real one pushes again.
            count("slept")
            return self.push(server)
        check(status == 201, f"PUT of manifest {self.number}: {status} {words}")
        self.there = True
        count("pushed")

    def pull(self, server):
        status, headers, content = server.call("GET", f"{self.path}/manifests/v{self.number}")
        check(status == 200 and content == self.manifest, f"manifest {self.number}: {status} {content[:100]}")
        for blob in [self.config] + self.layers:
            status, _, content = server.call("GET", f"{self.path}/blobs/{sha256(blob)}")
            check(status == 200 and content == blob, f"blob of {self.number}: {status} {content[:100]}")
        count("pulled")

    def delete(self, server, everything):
        self.there = None
        status, _, words = server.call("DELETE", f"{self.path}/manifests/{self.digest}")
        check(status == 202, f"DELETE of {self.number}: {status} {words}")
        if everything:
            server.call("DELETE", f"{self.path}/blobs/{sha256(self.layers[1])}")
        self.there = False
        count("deleted")


def client(server, images, random_, left):
    try:
        while left():
            image = random_.choice(images)
            if not image.lock.acquire(blocking=False):
                continue
            with Released(image.lock):
                if image.there is not True:
                    image.push(server)
                image.pull(server)
                if random_.random() < 0.7:
                    image.delete(server, random_.random() < 0.3)
                    if random_.random() < 0.5:
                        image.push(server)
                        image.pull(server)
    except Gone:
        return


class Released:
    def __init__(self, held):
        self.held = held

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.held.release()


def collector(server, stop):
    try:
        while not stop.is_set():
            status, _, words = server.call(
                "POST", f"/_kindling/gc?grace={GRACE}", b"", Authorization=f"Bearer {server.token}")
            check(status == 200, f"gc: {status} {words}")
            report = json.loads(words)["collection"]
            count("collections")
            count("freed", report["blobs"])
    except Gone:
        return


def round_(server, images, random_, cycles, kill_after):
    stop, budget = threading.Event(), [cycles]

    def left():
        with lock:
            budget[0] -= 1
            return budget[0] >= 0 and not stop.is_set()

    clients = [threading.Thread(target=client, args=(server, images, random.Random(random_.random()), left))
               for _ in range(CLIENTS)]
    collecting = threading.Thread(target=collector, args=(server, stop))
    for thread in clients + [collecting]:
        thread.start()
    if kill_after is not None:
        # The moment of the kill is what the seed chooses; nothing is waited for.
        time.sleep(kill_after)
        server.kill()
        count("kills")
        stop.set()
    for thread in clients:
        thread.join()
    stop.set()
    collecting.join()


def look(server, images):
    """Everything that was acknowledged is there; what was deleted is not."""
    for image in images:
        if image.there is True:
            image.pull(server)
        elif image.there is False:
            status, _, words = server.call("GET", f"{image.path}/manifests/{image.digest}")
            check(status == 404, f"image {image.number} was deleted: {status}")


random_ = random.Random(SEED)
images = [Image(number) for number in range(40)]
server = Server()
round_(server, images, random_, CYCLES, None)
look(server, images)
for _ in range(KILLS):
    round_(server, images, random_, 1 << 60, random_.uniform(0.02, 0.6))
    server = Server()
    look(server, images)
# Everything goes, and takes all its bytes with it.
for image in images:
    if image.there is not False:
        server.call("DELETE", f"{image.path}/manifests/{image.digest}")
server.call("POST", "/_kindling/gc?grace=0&scrub=true", b"", Authorization=f"Bearer {server.token}")
status, _, words = server.call("POST", "/_kindling/gc?grace=0", b"", Authorization=f"Bearer {server.token}")
rest = os.listdir(DATA + "/oci/blobs/sha256")
check(rest == [], f"{len(rest)} blobs that nothing names are left: {rest[:3]}")
check(os.listdir(DATA + "/work/uploads") == [], "nothing half-made is left")
server.process.terminate()
check(server.process.wait() == 0, "the server stops")
print(json.dumps(done))
sys.exit(1 if wrong else 0)
