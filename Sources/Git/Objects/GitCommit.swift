import Diagnostics

/// What a build needs of a commit.
package struct GitCommit: Sendable, Hashable {
  package var tree: ObjectID
  package var parents: [ObjectID]
  /// When it was committed; 1970 for commits whose committer line has no readable time.
  package var committed: Timestamp

  /// Parses the content of a commit object; throws `git-object-corrupt` unless it begins with a tree and its parents.
  package init(_ content: [UInt8], _ format: ObjectID.Format, of id: ObjectID? = nil) throws(Failure) {
    var lines = HeaderLines(content)
    guard let tree = lines.take("tree").flatMap({ ObjectID(hex: $0) }), tree.format == format else {
      throw .objectCorrupt(id, "a commit has no tree")
    }
    self.tree = tree
    parents = []
    while let line = lines.take("parent") {
      guard let parent = ObjectID(hex: line), parent.format == format else {
        throw .objectCorrupt(id, "a commit's parent is no object name")
      }
      parents.append(parent)
    }
    guard lines.take("author") != nil else { throw .objectCorrupt(id, "a commit has no author") }
    guard let committer = lines.take("committer") else { throw .objectCorrupt(id, "a commit has no committer") }
    committed = Timestamp(milliseconds: Self.seconds(committer) * 1000)
  }

  /// From `name <address> seconds zone`; old commits have been seen without.
  private static func seconds(_ line: String) -> Int64 {
    let fields = line.split(separator: " ")
    guard fields.count >= 3, let seconds = Int64(fields[fields.count - 2]), (0...253_402_300_799).contains(seconds)
    else { return 0 }
    return seconds
  }
}

/// An annotated tag.
package struct GitTag: Sendable, Hashable {
  package var object: ObjectID
  package var kind: ObjectKind

  /// Parses the content of a tag object; throws `git-object-corrupt` unless it names an object and its kind.
  package init(_ content: [UInt8], _ format: ObjectID.Format, of id: ObjectID? = nil) throws(Failure) {
    var lines = HeaderLines(content)
    guard let object = lines.take("object").flatMap({ ObjectID(hex: $0) }), object.format == format else {
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

/// The `word value` lines at the start of a commit or tag.
private struct HeaderLines {
  private let content: [UInt8]
  private var position = 0

  init(_ content: [UInt8]) { self.content = content }

  /// The value of the next line when the line begins with `word` and a space.
  mutating func take(_ word: String) -> String? {
    let start = position + word.utf8.count + 1
    guard start <= content.count, content[position..<start].elementsEqual(Array(word.utf8) + [0x20]),
      let end = content[start...].firstIndex(of: 0x0A)
    else { return nil }
    position = end + 1
    return String(decoding: content[start..<end], as: UTF8.self)
  }
}
