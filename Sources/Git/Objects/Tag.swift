import Diagnostics

/// An annotated tag.
package struct Tag: Sendable, Hashable {
  package var object: ObjectID
  package var kind: ObjectKind

  /// Parses the content of a tag object; throws `git-object-corrupt` unless it names an object and its kind.
  package init(_ content: [UInt8], id: ObjectID) throws(Failure) {
    var lines = HeaderLines(content)
    guard let object = lines.take("object").flatMap({ ObjectID(hex: $0) }), object.format == id.format else {
      throw .objectCorrupt(id, "a tag names no object")
    }
    guard let word = lines.take("type"), let kind = ObjectKind(name: word) else {
      throw .objectCorrupt(id, "a tag does not say what kind of object it names")
    }
    self.object = object
    self.kind = kind
  }
}

extension ObjectKind {
  /// From the word in an object's header; nil for any other.
  package init?(name: some StringProtocol) {
    switch name {
    case "commit": self = .commit
    case "tree": self = .tree
    case "blob": self = .blob
    case "tag": self = .tag
    default: return nil
    }
  }
}
