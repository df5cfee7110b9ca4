import Diagnostics

/// References as they are listed, bounded in number.
struct ReferenceList {
  private(set) var references: [RemoteReference] = []
  private var count = 0

  /// Adds one, or what an annotated tag before it points at (`name^{}`).
  ///
  /// Names that no repository could have are left out rather than believed.
  mutating func add(
    _ id: ObjectID, named name: Substring, peeled: ObjectID? = nil, symbolicTarget: String? = nil, limits: GitLimits
  ) throws(Failure) {
    count += 1
    if count > limits.references {
      throw .gitLimit("references", "remote lists more than \(limits.references) references")
    }
    if name.hasSuffix("^{}") {
      guard let last = references.indices.last, references[last].name == name.dropLast(3) else { return }
      references[last].peeled = id
      return
    }
    guard name == "HEAD" || name.hasPrefix("refs/") && ReferenceName.isValid(name) else { return }
    references.append(
      RemoteReference(name: String(name), id: id, peeled: peeled, symbolicTarget: symbolicTarget))
  }

  /// What symbolic references name, from capabilities `symref=HEAD:refs/heads/main`.
  mutating func apply(symbolic: [String]) {
    for text in symbolic {
      let parts = text.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, ReferenceName.isValid(parts[1]),
        let index = references.firstIndex(where: { $0.name == parts[0] })
      else { continue }
      references[index].symbolicTarget = String(parts[1])
    }
  }
}
