#!/usr/bin/env python3
"""Pushes files as an artifact with oras, pulls them, and looks at them: oras_client.py HOST:PORT REPOSITORY FOLDER"""
import os
import sys

from oras.client import OrasClient

HOST, REPOSITORY, FOLDER = sys.argv[1:4]
os.makedirs(FOLDER + "/out", exist_ok=True)
os.chdir(FOLDER)
files = {"small.txt": b"a little text", "large.bin": os.urandom(40 << 20), "empty": b""}
for name, content in files.items():
    with open(name, "wb") as file:
        file.write(content)
client = OrasClient(hostname=HOST, insecure=True)
target = f"{HOST}/{REPOSITORY}:v1"
answer = client.push(target=target, files=[name + ":application/x.kind" for name in files],
                     manifest_annotations={"made-by": "oras"})
assert answer.status_code in (200, 201), answer.status_code
# Once more in chunks, as oras sends what is larger.
answer = client.push(target=f"{HOST}/{REPOSITORY}:v2", files=["large.bin:application/x.kind"], do_chunked=True)
assert answer.status_code in (200, 201), answer.status_code
pulled = client.pull(target=target, outdir=FOLDER + "/out")
for name, content in files.items():
    with open(f"{FOLDER}/out/{name}", "rb") as file:
        assert file.read() == content, name
assert len(pulled) == len(files), pulled
tags = client.get_tags(f"{HOST}/{REPOSITORY}")
assert sorted(tags) == ["v1", "v2"], tags
manifest = client.get_manifest(target)
assert manifest["annotations"]["made-by"] == "oras", manifest
print("ok")
