import Archive
import Diagnostics
import Glibc
import OCI
import Storage
import SystemPackage

/// What a step's result depends on, as one digest. One function for look-up and store; every part is framed by its
/// length, so that no two lists of parts read the same. Never a time of modification (design, "How a build is fast").
struct CacheKey {
  private let hash = FramedHash()

  /// Raised when the same inputs begin to make different layers.
  private static let version = "4"

  private init(_ kind: String) {
    add(Self.version)
    add(kind)
  }

  /// A RUN: the layers below it and everything its command sees; `origins` says what each mount's origin holds.
  ///
  /// Files that were copied stand in `layers` by the key of what they are: a fresh checkout gives them other times on
  /// every machine, and with them other diffIDs. `SharedCacheTests/"with Kaniko's usual flags …"`.
  static func run(_ action: RunAction, layers: [Digest], platform: Platform, origins: [String]) -> Digest {
    let key = CacheKey("run")
    key.add(platform.description)
    key.add(layers.map(\.description))
    key.add(action.arguments)
    // Not the proxies: where a build's downloads come through must not decide what is built again.
    key.add(action.environment)
    key.add(action.user)
    key.add(action.workingDirectory)
    key.add(action.script ?? "")
    key.add(action.network.rawValue)
    key.add("\(action.isInsecure)")
    key.add("\(action.mounts.count)")
    for mount in action.mounts { key.add(mount.keyParts) }
    key.add(origins)
    return key.hash.digest()
  }

  /// The key of inputs among which is a secret: whoever has the ledger alone cannot test guesses of a short one with it.
  static func keyed(_ inputs: Digest, with secret: [UInt8]) -> Digest {
    let key = CacheKey("keyed")
    key.add(bytes: secret)
    key.add(inputs.description)
    return key.hash.digest()
  }

  /// A COPY or ADD: exactly what its layer holds, wherever it came from and whatever lies below.
  static func copy(_ entries: [LayerEntry]) -> Digest {
    let key = CacheKey("copy")
    key.add("\(entries.count)")
    for entry in entries { key.add(entry) }
    return key.hash.digest()
  }

  /// One of the entries of a COPY, to tell which of them changed.
  static func entry(_ entry: LayerEntry) -> Digest {
    let key = CacheKey("entry")
    key.add(entry)
    return key.hash.digest()
  }

  private func add(_ entry: LayerEntry) {
    add(entry.tar.path)
    add(entry.tar.kind)
    add("\(entry.tar.mode) \(entry.tar.uid) \(entry.tar.gid) \(entry.tar.size)")
    add(entry.digest?.description ?? "")
    add("\(entry.tar.xattrs.count)")
    for name in entry.tar.xattrs.keys.sorted() {
      add(name)
      add(bytes: entry.tar.xattrs[name] ?? [])
    }
  }

  /// A file or directory with everything below it, as a mount of it shows them; times and the path above do not count.
  static func files(at top: FilePath, in tree: some SourceTree) throws(Failure) -> Digest {
    let key = CacheKey("files")
    var open = [top]
    while let path = open.popLast() {
      if Task.isCancelled { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
      guard let node = try tree.node(path) else { continue }
      let entry = node.entry
      key.add(FilePath(root: nil, path.components.dropFirst(top.components.count)))
      key.add(entry.kind)
      key.add("\(entry.mode) \(entry.uid) \(entry.gid) \(entry.size)")
      if case .file = entry.kind { key.add(try node.digestOfBody().description) }
      guard case .directory = entry.kind else { continue }
      let names = try tree.names(in: path)
      key.add("\(names.count)")
      open += names.map { path.appending($0) }
    }
    return key.hash.digest()
  }

  private func add(_ texts: [String]) {
    add("\(texts.count)")
    for text in texts { add(text) }
  }
  private func add(_ text: String) { hash.add(text.utf8) }
  /// By its bytes: as text, all names that are no UTF-8 would look alike.
  private func add(_ path: FilePath) {
    path.withPlatformString { name in hash.add(UnsafeRawBufferPointer(start: name, count: strlen(name))) }
  }
  private func add(bytes: [UInt8]) { hash.add(bytes) }

  private func add(_ kind: TarEntry.Kind) {
    switch kind {
    case .file: add("file")
    case .directory: add("directory")
    case .symlink(let target):
      add("symlink")
      add(target)
    case .hardLink(let target):
      add("link")
      add(target)
    case .characterDevice(let major, let minor): add("character \(major) \(minor)")
    case .blockDevice(let major, let minor): add("block \(major) \(minor)")
    case .fifo: add("fifo")
    }
  }
}
