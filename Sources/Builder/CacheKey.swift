import Archive
import Diagnostics
import OCI
import Storage
import SystemPackage

/// What a step's result depends on, as one digest. One function for look-up and store; every part is framed by its
/// length, so that no two lists of parts read the same. Never a time of modification (design, "How a build is fast").
struct CacheKey {
  private let running = RunningDigest(.sha256)

  /// Raised when the same inputs begin to make different layers.
  private static let version = "1"

  private init(_ kind: String) {
    add(Self.version)
    add(kind)
  }

  /// A RUN: the layers below it and everything its command sees.
  static func run(_ action: RunAction, layers: [LayerRecord], platform: Platform) -> Digest {
    let key = CacheKey("run")
    key.add(platform.description)
    key.add(layers.map(\.diffID.description))
    key.add(action.arguments)
    key.add(
      action.environment.filter { entry in
        !PredefinedArguments.proxies.contains(String(entry.prefix { $0 != "=" }))
      })
    key.add(action.user)
    key.add(action.workingDirectory)
    key.add(action.script ?? "")
    key.add(action.network.rawValue)
    return key.running.digest()
  }

  /// A COPY or ADD: exactly what its layer holds, wherever it came from and whatever lies below.
  static func copy(_ entries: [LayerEntry]) -> Digest {
    let key = CacheKey("copy")
    for entry in entries {
      key.add(entry.tar.path.string)
      key.add(entry.tar.kindDescription)
      key.add("\(entry.tar.mode) \(entry.tar.uid) \(entry.tar.gid) \(entry.tar.size)")
      key.add(entry.digest?.description ?? "")
      for name in entry.tar.xattrs.keys.sorted() {
        key.add(name)
        key.add(bytes: entry.tar.xattrs[name] ?? [])
      }
    }
    return key.running.digest()
  }

  private func add(_ texts: [String]) {
    add("\(texts.count)")
    for text in texts { add(text) }
  }
  private func add(_ text: String) { add(bytes: Array(text.utf8)) }
  private func add(bytes: [UInt8]) {
    running.update("\(bytes.count):".utf8)
    running.update(bytes)
  }
}

extension TarEntry {
  fileprivate var kindDescription: String {
    switch kind {
    case .file: "file"
    case .directory: "directory"
    case .symlink(let target): "symlink \(target)"
    case .hardLink(let target): "link \(target)"
    case .characterDevice(let major, let minor): "character \(major) \(minor)"
    case .blockDevice(let major, let minor): "block \(major) \(minor)"
    case .fifo: "fifo"
    }
  }
}
