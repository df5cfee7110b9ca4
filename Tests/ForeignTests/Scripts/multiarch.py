#!/usr/bin/env python3
"""Pushes an image of two platforms, each of one layer of SIZE bytes that hardly compress: multiarch.py HTTP-URL NAME TAG SIZE"""
import gzip
import hashlib
import io
import json
import random
import sys
import tarfile

sys.dont_write_bytecode = True
from conformance_kit import CONFIG, INDEX, MANIFEST, check, current, descriptor, failed, push, put

NAME, TAG, SIZE = sys.argv[2], sys.argv[3], int(sys.argv[4])
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
current["group"] = "multiarch"
entries = []
for architecture in ("amd64", "arm64"):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        content = random.Random(architecture + NAME + TAG).randbytes(SIZE)
        member = tarfile.TarInfo("srv/" + architecture)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    layer = gzip.compress(raw.getvalue(), 1, mtime=0)
    config = json.dumps({"architecture": architecture, "os": "linux", "config": {"Cmd": ["/bin/true"]}, "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(raw.getvalue()).hexdigest()]}}).encode()
    for blob in (layer, config):
        push(NAME, blob)
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, CONFIG),
                           "layers": [descriptor(layer, LAYER)]}).encode()
    put(NAME, "sha256:" + hashlib.sha256(manifest).hexdigest(), manifest)
    entries.append(descriptor(manifest, MANIFEST, platform={"architecture": architecture, "os": "linux"}))
content, answer = put(NAME, TAG, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, INDEX)
check(answer.status == 201, f"the index is pushed: {answer}")
print("sha256:" + hashlib.sha256(content).hexdigest())
sys.exit(1 if failed else 0)
