import Foundation
import TestSupport

/// Two images path by path and setting by setting, told by a Python program that shares no line with ours.
enum ImageComparison {
  /// Lines that only one of two `dir:` images has, `-` of the first and `+` of the second.
  ///
  /// A path's line holds kind, mode, owner, size or target, content and extended attributes, after all layers.
  static func differences(_ first: String, _ second: String) async throws -> [String] {
    let result = try await Tool("python3").run(["-c", script, first, second])
    guard result.status == 0 else { throw Failed(words: result.all) }
    return result.lines
  }

  struct Failed: Error, CustomStringConvertible {
    var words: String
    var description: String { words }
  }

  private static let script = """
    import hashlib, io, json, os, sys, tarfile

    def blob(folder, digest):
      return os.path.join(folder, digest.split(":")[1])

    def tree(folder, manifest):
      paths = {}
      for layer in manifest["layers"]:
        with tarfile.open(blob(folder, layer["digest"]), errors="surrogateescape") as tar:
          for entry in tar:
            name = os.path.normpath("/" + entry.name)
            if name == "/": continue
            parent, last = os.path.split(name)
            if last == ".wh..wh..opq":
              for path in [p for p in paths if p.startswith(parent + "/")]:
                if paths[path][0] != layer["digest"]: del paths[path]
              continue
            gone = os.path.join(parent, last[4:]) if last.startswith(".wh.") else None
            if gone or not entry.isdir():
              for path in [p for p in paths if p == (gone or name) or p.startswith((gone or name) + "/")]: del paths[path]
            if gone: continue
            kind = {b"0": "file", b"\\\\0": "file", b"1": "file", b"2": "link", b"3": "char", b"4": "block",
              b"5": "directory", b"6": "fifo"}[entry.type]
            what = ""
            if entry.islnk():
              what = paths[os.path.normpath("/" + entry.linkname)][1].split(" ", 3)[3]
            elif kind == "file":
              data = tar.extractfile(entry).read()
              what = str(len(data)) + " " + hashlib.sha256(data).hexdigest()[:12]
            elif kind == "link": what = entry.linkname
            elif kind in ("char", "block"): what = "%d:%d" % (entry.devmajor, entry.devminor)
            attributes = sorted(k[13:] + "=" + v for k, v in entry.pax_headers.items() if k.startswith("SCHILY.xattr."))
            if kind == "file" and not entry.islnk(): what += "".join(" " + a for a in attributes)
            mode = "-" if kind == "link" else "%04o" % (entry.mode & 0o7777)
            paths[name] = (layer["digest"], "%s %s %d:%d %s" % (kind, mode, entry.uid, entry.gid, what))
      return {p + " " + line for p, (_, line) in paths.items()}

    def settings(folder, manifest):
      with open(blob(folder, manifest["config"]["digest"])) as file: config = json.load(file)
      lines = {"os " + config["os"], "architecture " + config["architecture"]}
      if config.get("author"): lines.add("author " + config["author"])
      for key, value in (config.get("config") or {}).items():
        if not value or key not in ("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels",
            "StopSignal", "OnBuild", "Shell", "Healthcheck"): continue
        if key == "Env": value = sorted(value)
        if key == "Labels":
          value = {k: v for k, v in value.items() if k != "io.buildah.version"}
          if not value: continue
        lines.add(key + " " + json.dumps(value, sort_keys=True))
      return lines

    def image(folder):
      with open(os.path.join(folder, "manifest.json")) as file: manifest = json.load(file)
      return tree(folder, manifest) | settings(folder, manifest)

    first, second = image(sys.argv[1]), image(sys.argv[2])
    for line in sorted(first - second): print("- " + line)
    for line in sorted(second - first): print("+ " + line)
    """
}
