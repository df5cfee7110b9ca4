import Diagnostics

/// What one fetch left in the store: which commits it made whole, wholly or in one directory, and the pieces before it
/// that hold the rest of their objects.
struct PieceRecord: Sendable, Hashable {
  /// Of a commit, everything below one directory; the empty path is all of it.
  struct Commit: Sendable, Hashable {
    var id: ObjectID
    var directory: String
    var isWhole: Bool { directory.isEmpty }

    /// Whether everything below `other` is at hand.
    func covers(_ other: String) -> Bool {
      directory.isEmpty || directory == other || other.hasPrefix(directory + "/")
    }
  }

  var commits: [Commit]
  var needs: [Int]

  init(commits: [Commit], needs: [Int]) {
    self.commits = commits
    self.needs = needs
  }

  private static let head = "kindling git piece 1"

  /// Lines of words: a reader of another version sees at the first that it is none of its own.
  var text: String {
    var lines = [Self.head]
    lines += commits.map { "commit \($0.id.hex) \($0.directory)" }
    lines += needs.map { "needs \($0)" }
    // The last line tells a whole record from a cut one.
    return lines.joined(separator: "\n") + "\nend\n"
  }

  /// Nil for what is no whole record of this version.
  init?(text: String) {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    guard lines.popFirst() == Self.head[...], lines.popLast() == "", lines.popLast() == "end" else { return nil }
    self.init(commits: [], needs: [])
    for line in lines {
      let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
      if words.count == 3, words[0] == "commit", let id = ObjectID(hex: words[1]) {
        commits.append(Commit(id: id, directory: String(words[2])))
      } else if words.count == 2, words[0] == "needs", let number = Int(words[1]) {
        needs.append(number)
      } else {
        return nil
      }
    }
  }
}
