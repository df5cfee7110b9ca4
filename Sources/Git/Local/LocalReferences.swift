import Diagnostics
import SystemPackage

/// The references of a repository on this machine: loose files first, then `packed-refs`.
struct LocalReferences {
  private let layout: LocalLayout
  private let limits: GitLimits
  private(set) var direct: [String: ObjectID] = [:]
  private(set) var symbolic: [String: String] = [:]
  private(set) var peeled: [String: ObjectID] = [:]
  /// References of which `packed-refs` says that they lead to no tag object.
  private(set) var plain: Set<String> = []

  /// Reads all of them; throws `git-too-many-references` and what reading files throws.
  init(_ layout: LocalLayout, limits: GitLimits) throws(Failure) {
    self.layout = layout
    self.limits = limits
    try readPacked()
    try readLoose()
    try read("HEAD", at: layout.gitFolder.appending("HEAD"))
  }

  /// The object a reference leads to, through symbolic ones.
  func resolve(_ name: String) -> ObjectID? {
    var name = name
    for _ in 0..<5 {
      if let id = direct[name] { return id }
      guard let next = symbolic[name] else { return nil }
      name = next
    }
    return nil
  }

  private mutating func readPacked() throws(Failure) {
    guard let bytes = try LocalFile.contents(layout.commonFolder.appending("packed-refs"), limit: limits.listSize)
    else { return }
    var last: String?
    var isFullyPeeled = false
    for line in bytes.split(separator: 0x0A) {
      if line.first == 0x23 {
        isFullyPeeled = String(decoding: line, as: UTF8.self).contains(" fully-peeled")
        continue
      }
      if line.first == 0x5E {
        guard let last else { continue }
        plain.remove(last)
        peeled[last] = ObjectID(hex: String(decoding: line.dropFirst(), as: UTF8.self))
        continue
      }
      let parts = line.split(separator: 0x20, maxSplits: 1)
      guard parts.count == 2, let id = ObjectID(hex: String(decoding: parts[0], as: UTF8.self)) else { continue }
      let name = String(decoding: parts[1], as: UTF8.self)
      try add(name, id)
      last = name
      if isFullyPeeled { plain.insert(name) }
    }
  }

  private mutating func readLoose() throws(Failure) {
    var folders = ["refs"]
    while let folder = folders.popLast() {
      try checkGitCancellation()
      for entry in try LocalFile.names(in: layout.commonFolder.appending(folder)) {
        let name = "\(folder)/\(entry)"
        let path = layout.commonFolder.appending(name)
        switch LocalFile.kind(path) {
        case .folder: folders.append(name)
        case .file where !entry.hasSuffix(".lock"): try read(name, at: path)
        // A reference as a symbolic link is from git's first months, and leads out of the repository at will.
        case .file, .link, .other, nil: continue
        }
        guard folders.count <= limits.references else { throw tooMany }
      }
    }
  }

  private mutating func read(_ name: String, at path: FilePath) throws(Failure) {
    guard let line = try LocalLayout.lines(path).first else { return }
    if line.hasPrefix("ref:") {
      symbolic[name] = String(line.dropFirst(4).trimmingPrefix(while: \.isWhitespace))
      direct[name] = nil
    } else if let id = ObjectID(hex: line.prefix { $0.isHexDigit }) {
      peeled[name] = nil
      plain.remove(name)
      try add(name, id)
    }
  }

  private mutating func add(_ name: String, _ id: ObjectID) throws(Failure) {
    guard id.format == layout.format else { return }
    direct[name] = id
    guard direct.count <= limits.references else { throw tooMany }
  }

  private var tooMany: Failure {
    .gitLimit(
      "git-too-many-references", "the repository has more than \(limits.references) references", name: "references")
  }
}
