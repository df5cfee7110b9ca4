#!/usr/bin/env python3
"""What the checks of conformance.py are written with: calls to one registry, and the counting of checks."""
import hashlib
import http.client
import json
import os
import sys
import urllib.parse

URL = urllib.parse.urlsplit(sys.argv[1])
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
BYTES = "application/octet-stream"
MIB = 1 << 20
counts, failed = {}, []
# The group whose checks are made.
current = {"group": ""}
connection = None


def check(condition, words):
    group = current["group"]
    counts[group] = counts.get(group, 0) + 1
    if not condition:
        failed.append(words)
        print(f"wrong: {group}: {words}", file=sys.stderr, flush=True)
    return bool(condition)


class Answer:
    def __init__(self, response, body):
        self.status, self.body, self.headers = response.status, body, response.headers

    def __getitem__(self, name):
        return self.headers.get(name)

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def code(self):
        document = self.json
        return document["errors"][0]["code"] if isinstance(document, dict) and document.get("errors") else None

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:200]!r}"


def call(method, path, body=None, **headers):
    """One request. Header names are written with underscores; an iterator is sent in chunks."""
    global connection
    names = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    for attempt in (1, 2):
        if connection is None:
            connection = http.client.HTTPConnection(URL.hostname, URL.port, timeout=60)
        try:
            connection.request(method, path, body, names, encode_chunked="Transfer-Encoding" in names)
            response = connection.getresponse()
            answer = Answer(response, response.read())
            if response.will_close:
                connection.close()
                connection = None
            return answer
        except (http.client.RemoteDisconnected, ConnectionError):
            # A connection that the server closed while nothing was asked over it.
            connection.close()
            connection = None
            if attempt == 2:
                raise


def digest(content, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def place(location, **query):
    """The Location header as a path, with parameters added to those it has."""
    parts = urllib.parse.urlsplit(location)
    text = "&".join(filter(None, [parts.query, urllib.parse.urlencode(query)]))
    return parts.path + ("?" + text if text else "")


def repository(name):
    return f"conform/{current['group']}/{name}-{os.getpid()}"


def begin(name, **query):
    text = "?" + urllib.parse.urlencode(query) if query else ""
    answer = call("POST", f"/v2/{name}/blobs/uploads/{text}", Content_Length="0")
    check(answer.status == 202 and answer["Location"], f"POST begins an upload: {answer}")
    return answer["Location"]


def push(name, content, algorithm="sha256"):
    named = digest(content, algorithm)
    answer = call("PUT", place(begin(name), digest=named), content, Content_Type=BYTES)
    check(answer.status == 201, f"POST and PUT push a blob: {answer}")
    return named


def put(name, reference, document, kind=MANIFEST):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return content, call("PUT", f"/v2/{name}/manifests/{reference}", content, Content_Type=kind)


def descriptor(content, kind, **more):
    return {"mediaType": kind, "digest": digest(content), "size": len(content), **more}


def image(name, mark, **more):
    """Config and layer, pushed; the manifest's document."""
    config, layer = json.dumps({"architecture": "amd64", "os": "linux", "mark": mark}).encode(), f"layer {mark}".encode()
    push(name, config)
    push(name, layer)
    return {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, CONFIG),
            "layers": [descriptor(layer, LAYER)], **more}


def is_blob(name, content, named):
    path = f"/v2/{name}/blobs/{named}"
    head, got = call("HEAD", path), call("GET", path)
    check(head.status == 200 and head["Content-Length"] == str(len(content)), f"HEAD of the blob: {head}")
    check(head["Docker-Content-Digest"] == named, f"HEAD says the digest: {head}")
    check(got.status == 200 and got.body == content, f"GET gives the bytes: {got}")
    check(got["Docker-Content-Digest"] == named, f"GET says the digest: {got}")


def no_blob(name, named):
    answer = call("HEAD", f"/v2/{name}/blobs/{named}")
    check(answer.status == 404, f"the blob is not there: {answer}")
    answer = call("GET", f"/v2/{name}/blobs/{named}")
    check(answer.status == 404 and answer.code == "BLOB_UNKNOWN", f"GET says BLOB_UNKNOWN: {answer}")


