#!/usr/bin/env python3
"""A registry on loopback that misbehaves by the name of the repository asked for. Prints its port, then serves.
`/log` tells what was asked: [method, path, authorization kind, range]."""
import base64
import hashlib
import http.server
import json
import sys

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
LAYER = bytes((i * 7 + (i >> 8) * 13) & 0xFF for i in range(300_000))
CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
TOKEN = "a-token"
BLOBS, MANIFESTS, LOG, COUNTS = {}, {}, [], {}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blob(data):
    BLOBS[digest(data)] = data
    return {"digest": digest(data), "size": len(data)}


def manifest(document):
    data = json.dumps(document).encode()
    MANIFESTS[digest(data)] = data
    return {"mediaType": document.get("mediaType", OCI + "manifest.v1+json"), "digest": digest(data), "size": len(data)}


def image(layer_type=OCI + "layer.v1.tar", config_type=OCI + "config.v1+json", size=None, urls=None, layers=1):
    layer = {"mediaType": layer_type, **blob(LAYER)}
    if size is not None:
        layer["size"] = size
    if urls:
        layer["urls"] = urls
    return manifest({
        "schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
        "config": {"mediaType": config_type, **blob(CONFIG)}, "layers": [layer] * layers})


def index(entries, kind=OCI + "index.v1+json"):
    return manifest({"schemaVersion": 2, "mediaType": kind, "manifests": entries})


def on(platform, entry):
    os, architecture = platform.split("/")
    return {**entry, "platform": {"os": os, "architecture": architecture}}


PLAIN = image()
TAGS = {
    "twice": image(layers=2),
    "foreign": image(OCI + "layer.nondistributable.v1.tar+gzip", urls=["http://169.254.169.254/layer"]),
    "oddlayer": image("application/x-layer"),
    "chart": image(config_type="application/vnd.cncf.helm.config.v1+json"),
    "schema1": manifest({"schemaVersion": 1, "fsLayers": [], "mediaType": DOCKER + "distribution.manifest.v1+json"}),
    "long": image(size=len(LAYER) - 1),
    "short": image(size=len(LAYER) + 1),
    "docker": image(DOCKER + "image.rootfs.diff.tar", DOCKER + "container.image.v1+json"),
    "many": index([on("linux/s390x", image("application/x-other")), on("linux/amd64", PLAIN)]),
    "manylist": index([on("linux/amd64", PLAIN)], DOCKER + "distribution.manifest.list.v2+json"),
    "nested": index([on("linux/amd64", index([on("linux/amd64", PLAIN)]))]),
    "elsewhere": index([on("linux/s390x", PLAIN)]),
}
deep = PLAIN
for _ in range(8):
    deep = index([on("linux/amd64", deep)])
TAGS["deep"] = deep


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def first(self, what, times=1):
        COUNTS[what] = COUNTS.get(what, 0) + 1
        return COUNTS[what] <= times

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/log":
            return self.answer(200, json.dumps(LOG).encode())
        login = self.headers.get("Authorization", "")
        LOG.append([self.command, self.path, login.split(" ")[0], self.headers.get("Range", "")])
        if path == "/v2/":
            return self.answer(200)
        if path == "/token":
            if base64.b64encode(b"me:sesame").decode() != login[6:]:
                return self.answer(401)
            return self.answer(200, json.dumps({"token": TOKEN, "expires_in": 300}).encode())
        if path.startswith("/raw/"):
            return self.answer(200, LAYER)
        if not path.startswith("/v2/"):
            return self.answer(404)
        name, kind, reference = path[4:].rsplit("/", 2)
        if name.startswith("private") and login != "Bearer " + TOKEN:
            realm = "http://%s/token" % self.headers["Host"]
            return self.answer(401, WWW_Authenticate='Bearer realm="%s",service="s",scope="repository:%s:pull"' % (realm, name))
        if name == "basic" and login != "Basic " + base64.b64encode(b"me:sesame").decode():
            return self.answer(401, WWW_Authenticate='Basic realm="r"')
        if name == "inside":
            return self.answer(401, WWW_Authenticate='Bearer realm="http://169.254.169.254/token"')
        if name == "busy" and self.first(self.path, 2):
            return self.answer(503, Retry_After="7")
        if name == "limited":
            words = {"errors": [{"code": "TOOMANYREQUESTS", "message": "slow\x1b[31m down"}]}
            return self.answer(429, json.dumps(words).encode(), Retry_After="86400")
        if name.endswith("gone"):
            return self.answer(404, json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "not here"}]}).encode())
        if kind == "manifests":
            return self.manifest(name, reference)
        return self.blob(name, reference)

    do_HEAD = do_GET

    def manifest(self, name, reference):
        said = reference if ":" in reference else TAGS.get(name, PLAIN)["digest"]
        data = MANIFESTS.get(said)
        if data is None:
            return self.answer(404)
        if name == "lies":
            data += b" "
        document = json.loads(data)
        self.answer(200, data, Content_Type=document["mediaType"], Docker_Content_Digest=said)

    def blob(self, name, reference):
        data = BLOBS.get(reference)
        if data is None or (name == "holey" and data == LAYER):
            return self.answer(404)
        if data != LAYER:
            return self.answer(200, data)
        if name == "wrong" or (name == "wrongonce" and self.first("wrongonce")):
            return self.answer(200, b"x" + data[1:])
        if name == "private/moved":
            port = self.server.server_address[1]
            return self.answer(307, Location="http://localhost:%d/raw/layer?signature=x" % port)
        if name in ("cut", "whole") and (self.first(name) or (name == "cut" and self.first(name + "again", 2))):
            begin = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if name == "cut" else 0
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", "bytes %d-%d/%d" % (begin, len(data) - 1, len(data)))
            self.send_header("Content-Length", str(len(data) - begin))
            self.end_headers()
            self.wfile.write(data[begin:begin + 50_000])
            self.wfile.flush()
            self.close_connection = True
            return None
        begin = self.headers.get("Range")
        if begin and name == "cut":
            start = int(begin[6:-1])
            return self.answer(206, data[start:], Content_Range="bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        return self.answer(200, data)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
