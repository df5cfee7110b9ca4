import Diagnostics

/// Finds a directory of a commit.
struct Subtree {
  let contents: ObjectContents
  private static let limit = ByteCount.mebibytes(64)

  /// The tree of `directory`, a normalized path; throws `git-directory-missing` with what is there instead, and
  /// `git-directory-link` for a path through a symbolic link, which is never followed.
  func tree(_ directory: String, in root: ObjectID) throws(Failure) -> ObjectID {
    var tree = root
    var walked: [Substring] = []
    for part in directory.split(separator: "/") {
      guard let entry = try entry(Array(part.utf8), in: tree) else {
        throw try missing(directory, at: walked.joined(separator: "/"), tree)
      }
      walked.append(part)
      let path = walked.joined(separator: "/")
      switch entry.mode {
      case .directory: tree = entry.id
      case .link:
        throw Failure(
          .invalidArgument, reason: "git-directory-link",
          "directory '\(directory)' of the repository leads through the symbolic link '\(path)'",
          hint: "name the directory that the link points to")
      case .submodule:
        throw Failure(
          .invalidArgument, reason: "git-directory-submodule",
          "directory '\(directory)' of the repository lies in the submodule '\(path)'",
          hint: "fetch the submodule's own repository")
      case .file, .executable:
        throw Failure(
          .invalidArgument, reason: "git-directory-missing", "'\(path)' in the repository is a file, not a directory",
          hint: "name the directory the file is in")
      }
    }
    return tree
  }

  /// The entry of this name in one tree.
  func entry(_ name: [UInt8], in tree: ObjectID) throws(Failure) -> TreeEntry? {
    var entries = TreeReader(try contents.bytes(tree, .tree, limit: Self.limit), id: tree)
    while let entry = try entries.next() { if entry.name == name { return entry } }
    return nil
  }

  private func missing(_ directory: String, at place: String, _ tree: ObjectID) throws(Failure) -> Failure {
    var entries = TreeReader(try contents.bytes(tree, .tree, limit: Self.limit), id: tree)
    var names: [String] = []
    while let entry = try entries.next() { if entry.mode == .directory { names.append(quoted(entry.name)) } }
    let shown = names.prefix(12).joined(separator: ", ") + (names.count > 12 ? ", …" : "")
    let where_ = place.isEmpty ? "the repository's root" : "'\(place)'"
    return Failure(
      .notFound, reason: "git-directory-missing", "the commit holds no directory '\(directory)'",
      hint: names.isEmpty ? "\(where_) holds no directories" : "\(where_) holds the directories \(shown)")
  }
}
