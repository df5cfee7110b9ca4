#!/usr/bin/env python3
"""The OCI distribution specification, check by check, against a registry over plain HTTP.

  conformance.py HTTP-URL [GROUP...]

The checks are those of the official conformance suite for version 1.1 and for the version in development, and what it
leaves out. Each failing one is a line "wrong: GROUP: ..."; the status is 1 then. The last line of standard output is a JSON
object with how many were made of each group.
"""
import json
import os
import socket
import sys
import urllib.parse

sys.dont_write_bytecode = True
from conformance_kit import (
    BYTES, CONFIG, EMPTY, FOREIGN, INDEX, LAYER, MANIFEST, MIB, URL, begin, call, check, counts, current, descriptor, digest,
    failed, image, is_blob, no_blob, place, push, put, repository)


def api():
    for path in ("/v2/", "/v2"):
        check(call("GET", path).status == 200, f"GET {path}")
    name = repository("empty")
    tags = call("GET", f"/v2/{name}/tags/list")
    check(tags.status in (200, 404) and (tags.status == 200 or tags.code == "NAME_UNKNOWN"), f"tags of nothing: {tags}")
    none = digest(b"nothing")
    for reference in ("latest", none):
        for method in ("HEAD", "GET"):
            check(call(method, f"/v2/{name}/manifests/{reference}").status == 404, f"{method} of no manifest")
    check(call("GET", f"/v2/{name}/manifests/latest").code == "MANIFEST_UNKNOWN", "MANIFEST_UNKNOWN")
    no_blob(name, none)
    for wrong in ("UPPER/case", "a//b", "org/.hidden", "org/a..b", "org/a___b", "org/-a", "org/" + "x" * 256):
        answer = call("GET", f"/v2/{wrong}/tags/list")
        check(answer.status in (400, 404) and answer.code in ("NAME_INVALID", "NAME_UNKNOWN"), f"name {wrong}: {answer}")
    for method, path, allow in (("POST", f"/v2/{name}/tags/list", "GET"), ("PUT", f"/v2/{name}/blobs/{none}", "GET"),
                                ("GET", f"/v2/{name}/blobs/uploads/", "POST"), ("PATCH", f"/v2/{name}/manifests/a", "PUT")):
        answer = call(method, path, b"")
        check(answer.status == 405 and answer.code == "UNSUPPORTED" and allow in (answer["Allow"] or ""), f"405: {answer}")
    answer = call("GET", "/v2/nothing-here")
    check(answer.status == 404, f"an unknown path: {answer}")


def blobs():
    name = repository("ways")
    for algorithm in ("sha256", "sha512"):
        for content in (b"", b"{}", os.urandom(2048), os.urandom(3 * MIB + 17)):
            named = digest(content, algorithm)
            for way, send in WAYS.items():
                into = f"{name}-{way}-{algorithm}"
                answer = send(into, content, named)
                check(answer.status == 201, f"{way} {algorithm} {len(content)}: {answer}")
                check(answer["Docker-Content-Digest"] == named, f"{way} {algorithm} says the digest: {answer}")
                check(place(answer["Location"] or "") == f"/v2/{into}/blobs/{named}", f"{way} {algorithm} Location")
                is_blob(into, content, named)
                deleted = call("DELETE", f"/v2/{into}/blobs/{named}")
                check(deleted.status == 202, f"DELETE of the blob: {deleted}")
                no_blob(into, named)
                again = call("DELETE", f"/v2/{into}/blobs/{named}")
                check(again.status == 404 and again.code == "BLOB_UNKNOWN", f"a second DELETE: {again}")
    begun = call("POST", f"/v2/{name}/blobs/uploads/?digest-algorithm=sha512", Content_Length="0")
    check(begun.status == 202, f"digest-algorithm=sha512: {begun}")
    begun = call("POST", f"/v2/{name}/blobs/uploads/?digest-algorithm=md5", Content_Length="0")
    check(begun.status == 400 and begun.code == "UNSUPPORTED", f"digest-algorithm=md5: {begun}")


def pieces(content, size):
    return [content[at:at + size] for at in range(0, len(content), size)] or [b""]


def way_post(name, content, named):
    return call("POST", f"/v2/{name}/blobs/uploads/?digest={named}", content, Content_Type=BYTES)


def way_put(name, content, named):
    return call("PUT", place(begin(name), digest=named), content, Content_Type=BYTES)


def way_stream(name, content, named):
    sent = call("PATCH", place(begin(name)), iter(pieces(content, 100_000)), Content_Type=BYTES,
                Transfer_Encoding="chunked")
    check(sent.status == 202 and sent["Range"] == f"0-{max(0, len(content) - 1)}", f"PATCH in a stream: {sent}")
    return call("PUT", place(sent["Location"], digest=named), Content_Length="0")


def chunks(name, parts):
    location, at = begin(name), 0
    for part in parts:
        sent = call("PATCH", place(location), part, Content_Type=BYTES, Content_Range=f"{at}-{at + len(part) - 1}")
        at += len(part)
        check(sent.status == 202 and sent["Range"] == f"0-{at - 1}", f"PATCH of a chunk: {sent}")
        location = sent["Location"]
        status = call("GET", place(location))
        check(status.status == 204 and status["Range"] == f"0-{at - 1}", f"GET of the upload: {status}")
    return location, at


def way_chunks(name, content, named):
    if not content:
        return way_put(name, content, named)
    location, _ = chunks(name, pieces(content, max(1, len(content) // 3)))
    return call("PUT", place(location, digest=named), Content_Length="0")


def way_last_chunk(name, content, named):
    if len(content) < 2:
        return way_put(name, content, named)
    parts = pieces(content, max(1, len(content) // 3))
    location, at = chunks(name, parts[:-1])
    return call("PUT", place(location, digest=named), parts[-1], Content_Type=BYTES,
                Content_Range=f"{at}-{at + len(parts[-1]) - 1}")


def way_algorithm(name, content, named):
    location = begin(name, **{"digest-algorithm": named.split(":")[0]})
    return call("PUT", place(location, digest=named), content, Content_Type=BYTES)


WAYS = {"post": way_post, "put": way_put, "stream": way_stream, "chunks": way_chunks, "last": way_last_chunk,
        "algorithm": way_algorithm}


def sessions():
    name, content = repository("sessions"), os.urandom(9000)
    named = digest(content)
    location = begin(name)
    check(call("GET", place(location)).status == 204, "GET of a fresh upload")
    first = call("PATCH", place(location), content[:3000], Content_Range="0-2999", Content_Type=BYTES)
    location = first["Location"]
    # Out of order, with a gap, again, and nonsense: refused, and the upload goes on.
    for wrong, status in (("6000-8999", 416), ("0-2999", 416), ("2999-5998", 416), ("5000-4000", 416), ("x-y", 416),
                          ("-5-10", 416), ("3000-99999999999999999999", 416)):
        answer = call("PATCH", place(location), content[:3000], Content_Range=wrong, Content_Type=BYTES)
        check(answer.status == status, f"Content-Range {wrong}: {answer}")
        held = call("GET", place(location))
        check(held.status == 204 and held["Range"] == "0-2999", f"after {wrong} the upload stands: {held}")
    short = call("PATCH", place(location), content[:10], Content_Range="3000-5999", Content_Type=BYTES)
    check(short.status in (400, 416), f"fewer bytes than Content-Range says: {short}")
    ended = call("PUT", place(location, digest=named), content[:5], Content_Range="1-5", Content_Type=BYTES)
    check(ended.status == 416, f"PUT at the wrong place: {ended}")
    location = call("GET", place(location))["Location"]
    second = call("PATCH", place(location), content[3000:6000], Content_Range="3000-5999", Content_Type=BYTES)
    check(second.status == 202 and second["Range"] == "0-5999", f"it goes on: {second}")
    # Without a Content-Range the bytes follow what is there.
    third = call("PATCH", place(second["Location"]), content[6000:], Content_Type=BYTES)
    check(third.status == 202 and third["Range"] == "0-8999", f"a stream after chunks: {third}")
    done = call("PUT", place(third["Location"], digest=named), Content_Length="0")
    check(done.status == 201, f"it ends: {done}")
    is_blob(name, content, named)
    gone = call("GET", place(third["Location"]))
    check(gone.status == 404 and gone.code == "BLOB_UPLOAD_UNKNOWN", f"an ended upload: {gone}")
    location = begin(name)
    call("PATCH", place(location), b"half", Content_Type=BYTES)
    check(call("DELETE", place(location)).status == 204, "DELETE cancels")
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        answer = call(method, place(location, digest=named), b"" if method in ("PATCH", "PUT") else None)
        check(answer.status == 404 and answer.code == "BLOB_UPLOAD_UNKNOWN", f"{method} after cancelling: {answer}")
    other = place(begin(name)).replace(name, repository("elsewhere"))
    check(call("GET", other).status == 404, "an upload belongs to its repository")
    check(call("GET", f"/v2/{name}/blobs/uploads/nonsense").status == 404, "no upload's name")


def digests():
    name, content = repository("digests"), b"some bytes"
    other = digest(b"other bytes")
    answer = call("PUT", place(begin(name), digest=other), content, Content_Type=BYTES)
    check(answer.status == 400 and answer.code == "DIGEST_INVALID", f"PUT with a wrong digest: {answer}")
    no_blob(name, other)
    no_blob(name, digest(content))
    wide = digest(b"other bytes", "sha512")
    answer = call("POST", f"/v2/{name}/blobs/uploads/?digest={wide}", content, Content_Type=BYTES)
    check(answer.status == 400 and answer.code == "DIGEST_INVALID", f"POST with a wrong digest: {answer}")
    no_blob(name, digest(content, "sha512"))
    answer = call("PUT", place(begin(name)), content, Content_Type=BYTES)
    check(answer.status == 400 and answer.code == "DIGEST_INVALID", f"PUT without a digest: {answer}")
    malformed = ["sha256:" + "a" * 63, "sha256:" + "a" * 65, "sha256:" + "A" * 64, "sha256:" + "g" * 64, "sha256:",
                 "sha512:" + "a" * 64, "md5:" + "a" * 32, "sha256-" + "a" * 64, "sha256:" + "a" * 64 + ":x", "nonsense"]
    for text in malformed:
        quoted = urllib.parse.quote(text)
        for method in ("GET", "HEAD", "DELETE"):
            answer = call(method, f"/v2/{name}/blobs/{quoted}")
            check(answer.status in (400, 404), f"{method} of blob {text}: {answer}")
        answer = call("PUT", place(begin(name), digest=text), content, Content_Type=BYTES)
        check(answer.status == 400 and answer.code == "DIGEST_INVALID", f"PUT as {text}: {answer}")
        for query in ("digest", "mount"):
            answer = call("POST", f"/v2/{name}/blobs/uploads/?{query}={quoted}", content, Content_Type=BYTES)
            check(answer.status == 400 and answer.code == "DIGEST_INVALID", f"POST {query} {text}: {answer}")
        check(call("GET", f"/v2/{name}/referrers/{quoted}").status in (400, 404), f"referrers of {text}")
        if ":" in text:
            for method in ("GET", "HEAD", "DELETE"):
                check(call(method, f"/v2/{name}/manifests/{quoted}").status in (400, 404), f"{method} manifest {text}")
            check(put(name, quoted, b"{}")[1].status == 400, f"PUT manifest {text}")


def mounts():
    source, target = repository("source"), repository("target")
    for algorithm in ("sha256", "sha512"):
        content = os.urandom(700)
        named = push(source, content, algorithm)
        answer = call("POST", f"/v2/{target}/blobs/uploads/?mount={named}&from={source}", Content_Length="0")
        check(answer.status == 201 and answer["Docker-Content-Digest"] == named, f"mount {algorithm}: {answer}")
        is_blob(target, content, named)
        third = f"{target}-anonymous-{algorithm}"
        answer = call("POST", f"/v2/{third}/blobs/uploads/?mount={named}", Content_Length="0")
        check(answer.status == 201, f"anonymous mount {algorithm}: {answer}")
        is_blob(third, content, named)
        foreign = f"another/{third}"
        answer = call("POST", f"/v2/{foreign}/blobs/uploads/?mount={named}", Content_Length="0")
        check(answer.status == 202, f"an anonymous mount never finds another organisation's: {answer}")
        no_blob(foreign, named)
        ended = call("PUT", place(answer["Location"], digest=named), content, Content_Type=BYTES)
        check(ended.status == 201, f"the upload that it began can be used: {ended}")
        call("DELETE", f"/v2/{source}/blobs/{named}")
        is_blob(target, content, named)
    missing = digest(os.urandom(20))
    for text in (f"mount={missing}&from={source}", f"mount={missing}&from=no/where", f"mount={missing}",
                 f"mount={missing}&from=NOT%20A%20NAME"):
        answer = call("POST", f"/v2/{target}/blobs/uploads/?{text}", Content_Length="0")
        check(answer.status == 202 and answer["Location"], f"{text} falls back to an upload: {answer}")


def ranges():
    name, content = repository("ranges"), os.urandom(2048)
    path = f"/v2/{name}/blobs/{push(name, content)}"
    for text, start, end in (("500-1499", 500, 1500), ("500-", 500, 2048), ("-500", 1548, 2048), ("2000-5000", 2000, 2048),
                             ("0-0", 0, 1), ("-9999", 0, 2048), ("2047-", 2047, 2048)):
        answer = call("GET", path, Range="bytes=" + text)
        check(answer.status == 206 and answer.body == content[start:end], f"Range {text}: {answer}")
        check(answer["Content-Range"] == f"bytes {start}-{end - 1}/2048", f"Content-Range of {text}: {answer}")
        check(answer["Content-Length"] == str(end - start), f"Content-Length of {text}: {answer}")
        head = call("HEAD", path, Range="bytes=" + text)
        check(head.status == 206 and head["Content-Length"] == str(end - start), f"HEAD with {text}: {head}")
    for text in ("500-0", "5000-10000", "2048-", "-0"):
        answer = call("GET", path, Range="bytes=" + text)
        check(answer.status == 416 and answer["Content-Range"] == "bytes */2048", f"Range {text}: {answer}")
    for text in ("bytes=a-b", "lines=0-1", "bytes", "bytes=-", "bytes=0-1,3-4"):
        answer = call("GET", path, Range=text)
        check(answer.status in (200, 206) and answer.body == content, f"Range {text} is ignored: {answer}")
    tag = call("HEAD", path)["ETag"]
    check(tag and call("HEAD", path)["Accept-Ranges"] == "bytes", "ETag and Accept-Ranges")
    for text, status in ((tag, 304), ("*", 304), (f'"other", W/{tag}', 304), ('"other"', 200)):
        answer = call("GET", path, If_None_Match=text)
        check(answer.status == status and answer.body == (content if status == 200 else b""), f"If-None-Match {text}")
    for text, status in ((tag, 206), ('"other"', 200), (f"W/{tag}", 200)):
        answer = call("GET", path, Range="bytes=1-2", If_Range=text)
        check(answer.status == status, f"If-Range {text}: {answer}")
    document = image(name, "tagged")
    put(name, "tagged", document)
    path = f"/v2/{name}/manifests/tagged"
    tag = call("GET", path)["ETag"]
    check(call("GET", path, If_None_Match=tag).status == 304, "If-None-Match of a manifest")
    document["annotations"] = {"changed": "yes"}
    put(name, "tagged", document)
    check(call("GET", path, If_None_Match=tag).status == 200, "If-None-Match of a tag that has moved")


def is_manifest(name, reference, content, kind):
    path = f"/v2/{name}/manifests/{reference}"
    head, got = call("HEAD", path), call("GET", path, Accept=kind)
    check(got.status == 200 and got.body == content, f"{reference} gives the bytes: {got}")
    check(got["Content-Type"] == kind, f"{reference} is a {kind}: {got}")
    check(head.status == 200, f"HEAD of {reference}: {head}")
    for header in ("Content-Type", "Content-Length", "Docker-Content-Digest", "ETag"):
        check(head[header] == got[header], f"HEAD and GET of {reference} say one {header}: {head[header]} {got[header]}")


def manifests():
    name = repository("manifests")
    first = image(name, "first")
    # Bytes are kept as they came, with white space, unknown members and all.
    odd = json.dumps({**first, "custom": {"kept": [1, 2.50, "ä"]}}, indent=3, ensure_ascii=False).encode() + b"\n \n"
    cases = {
        "image": (first, MANIFEST), "custom": (odd, MANIFEST),
        "docker": ({**first, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"},
                   "application/vnd.docker.distribution.manifest.v2+json"),
        "no-media-type": ({k: v for k, v in first.items() if k != "mediaType"}, MANIFEST),
        "empty-index": ({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}, INDEX),
        "sparse-index": ({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
            {"mediaType": MANIFEST, "digest": digest(b"not here"), "size": 8, "platform": {"os": "linux", "architecture": "arm64"}}]}, INDEX),
        "unknown": ({"schemaVersion": 2, "mediaType": "application/vnd.example.thing+json", "things": []},
                    "application/vnd.example.thing+json"),
        "artifact-manifest": ({"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "artifactType": "a/b",
                               "blobs": [first["layers"][0]]}, "application/vnd.oci.artifact.manifest.v1+json"),
        "foreign-layer": ({**first, "layers": first["layers"] + [
            {"mediaType": FOREIGN, "digest": digest(b"elsewhere"), "size": 9, "urls": ["https://example.com/layer"]}]}, MANIFEST),
        "nondistributable": ({**first, "layers": first["layers"] + [
            {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "digest": digest(b"elsewhere"),
             "size": 9}]}, MANIFEST),
        "unknown-layer": ({**first, "layers": [{**first["layers"][0], "mediaType": "text/x-anything"}]}, MANIFEST),
    }
    push(name, b"{}")
    empty = descriptor(b"{}", EMPTY, data="e30=")
    cases["artifact"] = ({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x.test",
                          "config": empty, "layers": [empty]}, MANIFEST)
    cases["without-config"] = ({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x.test",
                                "layers": first["layers"]}, MANIFEST)
    for tag, (document, kind) in cases.items():
        content, answer = put(name, tag, document, kind)
        named = digest(content)
        check(answer.status == 201, f"{tag}: {answer}")
        check(answer["Docker-Content-Digest"] == named, f"{tag} has its digest: {answer}")
        check(place(answer["Location"] or "/").startswith(f"/v2/{name}/manifests/"), f"{tag} has a place: {answer}")
        if tag == "sparse-index":
            check((answer["Warning"] or "").startswith('299 - "'), f"a sparse index is warned of: {answer}")
        is_manifest(name, tag, content, kind)
        is_manifest(name, named, content, kind)
        wide = digest(content, "sha512")
        content, answer = put(name, wide, document, kind)
        check(answer.status == 201 and answer["Docker-Content-Digest"] == wide, f"{tag} by sha512: {answer}")
        is_manifest(name, wide, content, kind)
    nested = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        descriptor(json.dumps(cases["empty-index"][0]).encode(), INDEX), descriptor(json.dumps(first).encode(), MANIFEST)]}
    content, answer = put(name, "nested", nested, INDEX)
    check(answer.status == 201 and not answer["Warning"], f"nested index: {answer}")
    is_manifest(name, "nested", content, INDEX)
    padding = 4 * MIB - len(json.dumps({**first, "annotations": {"p": ""}}))
    content, answer = put(name, "large", {**first, "annotations": {"p": "x" * padding}})
    check(len(content) == 4 * MIB and answer.status == 201, f"4 MiB: {answer}")
    is_manifest(name, "large", content, MANIFEST)
    _, answer = put(name, "larger", {**first, "annotations": {"p": "x" * (padding + 1)}})
    check(answer.status == 413 and answer.code == "SIZE_INVALID", f"4 MiB and a byte: {answer}")
    check(call("HEAD", f"/v2/{name}/manifests/larger").status == 404, "nothing of it is stored")
    for wrong, code in ((b"", "MANIFEST_INVALID"), (b"{", "MANIFEST_INVALID"), (b"[]", "MANIFEST_INVALID"),
                        (b"null", "MANIFEST_INVALID"), (b"\xff\xfe", "MANIFEST_INVALID"),
                        (json.dumps({**first, "schemaVersion": 1}).encode(), "MANIFEST_INVALID"),
                        (json.dumps({**first, "config": "text"}).encode(), "MANIFEST_INVALID"),
                        (json.dumps({**first, "mediaType": INDEX}).encode(), "MANIFEST_INVALID"),
                        (json.dumps({**first, "layers": [{**first["layers"][0], "size": -1}]}).encode(), "MANIFEST_INVALID"),
                        (json.dumps({**first, "layers": [{**first["layers"][0], "digest": "sha256:x"}]}).encode(), "MANIFEST_INVALID"),
                        (json.dumps({**first, "layers": [descriptor(b"never pushed", LAYER)]}).encode(), "MANIFEST_BLOB_UNKNOWN"),
                        (json.dumps({**first, "config": descriptor(b"nor this", CONFIG)}).encode(), "MANIFEST_BLOB_UNKNOWN")):
        answer = put(name, "wrong", wrong)[1]
        check(400 <= answer.status < 500 and answer.code == code, f"{wrong[:60]!r} is {code}: {answer}")
        check(call("HEAD", f"/v2/{name}/manifests/wrong").status == 404, f"{wrong[:60]!r} is not stored")
    answer = put(name, digest(b"something else"), first)[1]
    check(answer.status == 400 and answer.code == "DIGEST_INVALID", f"PUT by another digest: {answer}")
    for tag in ("-dash", ".dot", "x" * 129, "sp%20ace", "a%2Fb"):
        answer = put(name, tag, first)[1]
        check(answer.status in (400, 404), f"PUT as tag {tag}: {answer}")
    check(put(name, "x" * 128, first)[1].status == 201, "a tag of 128 characters")


def tags():
    name = repository("tags")
    content = json.dumps(image(name, "tags")).encode()
    names = [f"t{number:02}" for number in range(12)] + ["A", "Z", "_under", "9"]
    for tag in names:
        put(name, tag, content)
    names.sort()
    listed = call("GET", f"/v2/{name}/tags/list")
    check(listed.status == 200 and listed.json == {"name": name, "tags": names}, f"all, in byte order: {listed}")
    seen, path = [], f"/v2/{name}/tags/list?n=5"
    for _ in range(10):
        page = call("GET", path)
        seen += page.json["tags"]
        check(len(page.json["tags"]) <= 5, f"at most five: {page}")
        link = page["Link"]
        if not link:
            break
        check(link.startswith("<") and link.endswith('>; rel="next"'), f"Link: {link}")
        path = place(urllib.parse.urljoin(sys.argv[1], link[1:link.index(">")]))
    check(seen == names, f"the pages hold everything once: {seen}")
    exact = call("GET", f"/v2/{name}/tags/list?n={len(names)}")
    check(exact.json["tags"] == names and not exact["Link"], f"a page that fits has no next: {exact}")
    check(call("GET", f"/v2/{name}/tags/list?n=0").json["tags"] == [], "n=0")
    after = call("GET", f"/v2/{name}/tags/list?last=t03&n=2")
    check(after.json["tags"] == ["t04", "t05"], f"after last: {after}")
    check(call("GET", f"/v2/{name}/tags/list?last=zzz").json["tags"] == [], "after everything")
    check(call("GET", f"/v2/{name}/tags/list?last=t035&n=1").json["tags"] == ["t04"], "after one that is not there")
    for text in ("x", "-1", "1.5", ""):
        check(call("GET", f"/v2/{name}/tags/list?n={text}").status in (200, 400), f"n={text}")
    # By digest, with its tags in the query: the version in development.
    for algorithm in ("sha256", "sha512"):
        named = digest(content, algorithm)
        many = [f"{algorithm}-{number}" for number in range(10)]
        answer = put(name, named + "?" + "&".join("tag=" + tag for tag in many), content)[1]
        check(answer.status == 201 and answer["Docker-Content-Digest"] == named, f"?tag= with {algorithm}: {answer}")
        check(sorted(answer.headers.get_all("OCI-Tag") or []) == sorted(many), f"OCI-Tag: {answer}")
        for tag in many:
            check(call("HEAD", f"/v2/{name}/manifests/{tag}")["Docker-Content-Digest"] == named, f"{tag} stands for {named}")
    answer = put(name, digest(content) + "?tag=good&tag=-bad", content)[1]
    check(answer.status == 400, f"?tag= that is none: {answer}")
    check(call("HEAD", f"/v2/{name}/manifests/good").status == 404, "all tags or none")


def catalog():
    base = repository("listed")
    for number in range(5):
        put(f"{base}-{number}", "a", image(f"{base}-{number}", "c"))
    push(f"{base}-blob-only", b"no image")
    mine = [f"{base}-{number}" for number in range(5)]
    listed = call("GET", "/v2/_catalog")
    check(listed.status == 200 and [name for name in listed.json["repositories"] if name.startswith(base)] == mine,
          f"_catalog: {listed}")
    seen, path = [], "/v2/_catalog?n=2"
    while path:
        page = call("GET", path)
        seen += page.json["repositories"]
        link = page["Link"]
        path = place(urllib.parse.urljoin(sys.argv[1], link[1:link.index(">")])) if link else None
    check(seen == listed.json["repositories"], f"_catalog in pages: {seen}")


def referrers():
    name = repository("referrers")
    subject = image(name, "subject")
    content = json.dumps(subject).encode()
    named = digest(content)
    path = f"/v2/{name}/referrers/{named}"

    def listed(query=""):
        answer = call("GET", path + query)
        check(answer.status == 200 and answer["Content-Type"] == INDEX, f"referrers: {answer}")
        check(answer.json["schemaVersion"] == 2 and answer.json["mediaType"] == INDEX, f"an index: {answer}")
        return answer, [entry["digest"] for entry in answer.json["manifests"]]

    check(listed()[1] == [], "none of a missing subject")
    about = {"mediaType": MANIFEST, "digest": named, "size": len(content)}
    push(name, b"{}")
    empty = descriptor(b"{}", EMPTY)
    documents = {
        "signature": {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x.sig", "config": empty,
                      "layers": [empty], "subject": about, "annotations": {"by": "me"}},
        "by-config": {"schemaVersion": 2, "mediaType": MANIFEST, "config": {**empty, "mediaType": "application/x.config"},
                      "layers": [empty], "subject": about},
        "index": {"schemaVersion": 2, "mediaType": INDEX, "artifactType": "application/x.sig", "manifests": [], "subject": about},
        "missing-subject-size": {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x.other", "config": empty,
                                 "layers": [], "subject": about},
    }
    sent = {}
    for key, document in documents.items():
        kind = document["mediaType"]
        raw = json.dumps(document).encode()
        # The subject is not there yet.
        _, answer = put(name, digest(raw), raw, kind)
        check(answer.status == 201 and answer["OCI-Subject"] == named, f"{key} says OCI-Subject: {answer}")
        sent[key] = digest(raw)
        check(sent[key] in listed()[1], f"{key} is listed at once")
    put(name, "subject", content)
    answer, found = listed()
    check(sorted(found) == sorted(sent.values()), f"all are listed: {found}")
    entries = {entry["digest"]: entry for entry in answer.json["manifests"]}
    check(entries[sent["signature"]]["artifactType"] == "application/x.sig", "artifactType of a manifest")
    check(entries[sent["signature"]]["annotations"] == {"by": "me"}, "its annotations")
    check(entries[sent["by-config"]]["artifactType"] == "application/x.config", "else its config's media type")
    check(entries[sent["index"]]["mediaType"] == INDEX, "an index refers too")
    answer, found = listed("?artifactType=application/x.sig")
    check(sorted(found) == sorted([sent["signature"], sent["index"]]), f"filtered: {found}")
    check(answer["OCI-Filters-Applied"] == "artifactType", f"OCI-Filters-Applied: {answer}")
    check(listed("?artifactType=none/such")[1] == [], "a filter that nothing passes")
    check(listed()[0]["OCI-Filters-Applied"] is None, "no filter, no header")
    call("DELETE", f"/v2/{name}/manifests/{sent['index']}")
    check(sent["index"] not in listed()[1], "gone with its deletion")
    call("DELETE", f"/v2/{name}/manifests/{named}")
    check(sent["signature"] in listed()[1], "they outlive their subject")
    # What clients write that do not know the list: an index under a tag made of the digest.
    fallback = named.replace(":", "-")
    raw = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"mediaType": MANIFEST, "digest": sent["signature"], "size": 1}]}
    check(put(name, fallback, raw, INDEX)[1].status == 201, "the fallback tag can be pushed")
    check(call("GET", f"/v2/{name}/manifests/{fallback}").status == 200, "and pulled")
    wide = digest(content, "sha512")
    raw = json.dumps({**documents["signature"], "subject": {**about, "digest": wide}}).encode()
    check(put(name, digest(raw), raw)[1]["OCI-Subject"] == wide, "a subject by sha512")
    answer = call("GET", f"/v2/{name}/referrers/{wide}")
    check([entry["digest"] for entry in answer.json["manifests"]] == [digest(raw)], f"referrers by sha512: {answer}")


def deletes():
    name = repository("deletes")
    content = json.dumps(image(name, "deleted")).encode()
    named = digest(content)
    for tag in ("one", "two"):
        put(name, tag, content)
    check(call("DELETE", f"/v2/{name}/manifests/one").status == 202, "DELETE of a tag")
    check(call("HEAD", f"/v2/{name}/manifests/one").status == 404, "the tag is gone at once")
    check(call("GET", f"/v2/{name}/tags/list").json["tags"] == ["two"], "and from the list")
    check(call("HEAD", f"/v2/{name}/manifests/{named}").status == 200, "its manifest stays")
    check(call("DELETE", f"/v2/{name}/manifests/{named}").status == 202, "DELETE of a manifest")
    for reference in (named, "two"):
        answer = call("GET", f"/v2/{name}/manifests/{reference}")
        check(answer.status == 404 and answer.code == "MANIFEST_UNKNOWN", f"{reference} is gone: {answer}")
    check(call("GET", f"/v2/{name}/tags/list").json["tags"] == [], "and all its tags")
    for reference in (named, "two", "never"):
        answer = call("DELETE", f"/v2/{name}/manifests/{reference}")
        check(answer.status == 404 and answer.code == "MANIFEST_UNKNOWN", f"DELETE of what is not there: {answer}")
    put(name, "again", content)
    is_manifest(name, "again", content, MANIFEST)


def hostile():
    """Bodies that end early, and uploads nobody ends."""
    name, content = repository("hostile"), os.urandom(200_000)
    location = place(begin(name))
    for head, path in (("PATCH", location), ("PUT", location + "?digest=" + digest(content)),
                       ("POST", f"/v2/{name}/blobs/uploads/?digest={digest(content)}")):
        with socket.create_connection((URL.hostname, URL.port), timeout=60) as broken:
            broken.sendall(f"{head} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n".encode())
            broken.sendall(content[:150_000])
            broken.shutdown(socket.SHUT_WR)
            said = broken.recv(4096)
            check(not said or b" 4" in said[:14], f"{head} with half a body: {said[:80]}")
    no_blob(name, digest(content))
    status = call("GET", location)
    check(status.status == 204, f"the upload can go on: {status}")
    at = int(status["Range"].split("-")[1]) + 1 if status["Range"] != "0-0" else 0
    ended = call("PUT", place(location, digest=digest(content)), content[at:], Content_Type=BYTES)
    check(ended.status == 201, f"and ends well: {ended}")
    path = f"/v2/{name}/manifests/half"
    with socket.create_connection((URL.hostname, URL.port), timeout=60) as broken:
        broken.sendall(f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {MANIFEST}\r\nContent-Length: 500\r\n\r\n{{}}".encode())
        broken.shutdown(socket.SHUT_WR)
        broken.recv(4096)
    check(call("HEAD", path).status == 404, "half a manifest is none")
    opened = [call("POST", f"/v2/{name}/blobs/uploads/", Content_Length="0") for _ in range(1500)]
    good = [answer for answer in opened if answer.status == 202]
    full = [answer for answer in opened if answer.status == 429 and answer.code == "TOOMANYREQUESTS"]
    check(len(good) + len(full) == 1500 and 500 <= len(good), f"fifteen hundred uploads: {len(good)} begun, {len(full)} refused")
    check(call("GET", "/v2/").status == 200, "the server goes on")
    for answer in good:
        call("DELETE", place(answer["Location"]))
    check(call("PUT", place(begin(name), digest=digest(b"after")), b"after", Content_Type=BYTES).status == 201, "room again")


GROUPS = {run.__name__: run for run in (api, blobs, sessions, digests, mounts, ranges, manifests, tags, catalog, referrers,
                                        deletes, hostile)}
for name in sys.argv[2:] or GROUPS:
    current["group"] = name
    GROUPS[name]()
print(json.dumps(counts))
sys.exit(1 if failed else 0)
