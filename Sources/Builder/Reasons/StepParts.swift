import Archive
import OCI
import Storage
import SystemPackage

/// The inputs of a step, each by its name and a keyed digest of what it was.
struct StepParts: Sendable, Hashable {
  /// Digests nobody can test guesses with who has only the ledger: build arguments may be short, or secret.
  struct KeyedDigest: Sendable {
    let key: [UInt8]

    /// 16 hex digits: enough to tell two values apart.
    func of(_ text: String) -> String {
      String(Digest(sha256Of: key + Array("step input \(text)".utf8)).hex.prefix(16))
    }
    func of(_ texts: [String]) -> String { of(texts.map { "\($0.utf8.count):\($0)" }.joined()) }
  }

  /// Paths begin with a slash, names of other inputs never do.
  private var digests: [String: String] = [:]

  /// More files than this are told by their directories.
  private static let most = 2000
  /// Files that a reason names.
  private static let named = 3
  private static let layerBelow = "layer below"
  private static let command = "command"

  /// Of a RUN, as its cache key has them.
  init(
    _ action: RunAction, layers: [Digest], platform: Platform, origins: [String], environment: [String],
    _ digest: KeyedDigest
  ) {
    digests[Self.command] = digest.of(action.arguments + [action.script ?? ""])
    digests[Self.layerBelow] = digest.of(layers.map(\.description))
    digests["platform"] = digest.of(platform.description)
    digests["USER"] = digest.of(action.user)
    digests["WORKDIR"] = digest.of(action.workingDirectory)
    digests["--network"] = digest.of(action.network.rawValue)
    digests["--security"] = digest.of("\(action.isInsecure)")
    let ofImage = Set(environment.map { $0.prefix { $0 != "=" } })
    for variable in action.environment {
      let name = variable.prefix { $0 != "=" }
      digests["\(ofImage.contains(name) ? "ENV" : "ARG") \(name)"] = digest.of(variable)
    }
    digests["--mount"] = digest.of(action.mounts.flatMap { $0.keyParts + [""] })
    for (mount, origin) in zip(action.mounts, origins) {
      digests["mount source of \(mount.target ?? "")"] = digest.of(origin)
    }
  }

  /// Of a COPY, ADD or WORKDIR: what its layer holds.
  init(_ entries: [LayerEntry], _ digest: KeyedDigest) {
    let files = entries.map { (path: "/" + $0.tar.path.string, digest: CacheKey.entry($0).hex) }
    guard files.count > Self.most else {
      for file in files { digests[file.path] = digest.of(file.digest) }
      return
    }
    for depth in (1...8).reversed() {
      var groups: [String: [String]] = [:]
      for file in files {
        let words = file.path.split(separator: "/")
        let directory = words.dropLast(words.count > 1 ? 1 : 0).prefix(depth).joined(separator: "/")
        groups["/" + directory, default: []].append(file.path + " " + file.digest)
      }
      guard groups.count <= Self.most || depth == 1 else { continue }
      // A directory of very many is one of the few that hold everything.
      let kept = groups.count <= Self.most ? groups : ["/": groups.values.flatMap { $0 }.sorted()]
      for (path, files) in kept { digests[path] = digest.of(files) }
      return
    }
  }

  /// What `json` wrote; nil when it is nothing of the kind.
  init?(json: [UInt8]) {
    guard let digests = try? CanonicalJSON.decode([String: String].self, from: json) else { return nil }
    self.digests = digests
  }

  var json: [UInt8] { (try? CanonicalJSON.encode(digests)) ?? Array("{}".utf8) }

  private var isCommand: Bool { digests[Self.command] != nil }

  /// `command, layer below (step 4)`, or `COPY contents (2 files: a, b)`.
  func differences(from before: StepParts, below: String, instruction: String) -> String {
    guard isCommand == before.isCommand else { return "instruction" }
    let names = Set(digests.keys).union(before.digests.keys).filter { digests[$0] != before.digests[$0] }.sorted()
    guard isCommand else {
      // A directory above a changed file may have changed only with it, and is not what people look for.
      let files = names.filter { name in !names.contains { $0 != name && $0.hasPrefix(name + "/") } }
      let shown = files.prefix(Self.named).map { String($0.dropFirst()) }.joined(separator: ", ")
      let more = files.count > Self.named ? ", …" : ""
      return "\(instruction) contents (\(files.count) \(files.count == 1 ? "file" : "files"): \(shown)\(more))"
    }
    let first = [Self.command, Self.layerBelow].filter(names.contains)
    let rest = names.filter { !first.contains($0) }
    let shown = (first + rest).map { $0 == Self.layerBelow ? "\($0) (\(below))" : $0 }
    return shown.prefix(Self.named).joined(separator: ", ") + (shown.count > Self.named ? ", …" : "")
  }
}
