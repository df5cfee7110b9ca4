import Diagnostics

/// What a build needs of a commit.
package struct Commit: Sendable, Hashable {
  package var tree: ObjectID
  package var parents: [ObjectID]
  /// When it was committed; 1970 for commits whose committer line has no readable time.
  package var committerTime: Timestamp

  /// Parses the content of a commit object; throws `git-object-corrupt` unless it begins with a tree and its parents.
  package init(_ content: [UInt8], id: ObjectID) throws(Failure) {
    var lines = HeaderLines(content)
    guard let tree = lines.take("tree").flatMap({ ObjectID(hex: $0) }), tree.format == id.format else {
      throw .objectCorrupt(id, "a commit has no tree")
    }
    self.tree = tree
    parents = []
    while let line = lines.take("parent") {
      guard let parent = ObjectID(hex: line), parent.format == id.format else {
        throw .objectCorrupt(id, "a commit's parent is no object name")
      }
      parents.append(parent)
    }
    guard lines.take("author") != nil else { throw .objectCorrupt(id, "a commit has no author") }
    guard let committer = lines.take("committer") else { throw .objectCorrupt(id, "a commit has no committer") }
    committerTime = Timestamp(milliseconds: Self.seconds(committer) * 1000)
  }

  /// From `name <address> seconds zone`; old commits have been seen without.
  private static func seconds(_ line: String) -> Int64 {
    let fields = line.split(separator: " ")
    guard fields.count >= 3, let seconds = Int64(fields[fields.count - 2]), (0...253_402_300_799).contains(seconds)
    else { return 0 }
    return seconds
  }
}
