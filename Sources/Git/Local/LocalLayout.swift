import Diagnostics
import Glibc
import SystemPackage

/// Where the parts of a repository on this machine are, after what makes one dangerous was ruled out.
///
/// Nothing in it is executed or obeyed: of its config only the format is read, hooks and filters never.
struct LocalLayout: Sendable {
  /// As the user wrote it.
  let path: FilePath
  /// What holds HEAD: the repository itself, its `.git`, or the folder of a linked worktree.
  let gitFolder: FilePath
  /// What holds refs and objects: the same, but for a linked worktree the repository it belongs to.
  let commonFolder: FilePath
  /// `objects` folders, the repository's own first and then its alternates.
  let objectFolders: [FilePath]
  let format: ObjectID.Format
  /// Commits whose parents are not here (`shallow`).
  let shallow: Set<ObjectID>

  private static let alternateDepth = 5
  private static let smallFile = ByteCount.mebibytes(1)

  /// Finds the repository in `path`, bare or with a work tree; throws `git-repository-unknown`,
  /// `git-repository-owner`, `git-repository-unsafe` or `git-repository-unsupported`.
  init(_ path: FilePath) throws(Failure) {
    self.path = path
    gitFolder = try Self.gitFolder(path)
    commonFolder = try Self.commonFolder(gitFolder)
    for folder in Set([path, gitFolder, commonFolder]) { try Self.checkOwner(folder) }
    let config = try LocalConfig(commonFolder.appending("config"))
    try config.checkSupported(path)
    format = config.format
    objectFolders = try Self.objectFolders(commonFolder.appending("objects"), inside: commonFolder)
    let lines = try Self.lines(commonFolder.appending("shallow"))
    shallow = Set(lines.compactMap { ObjectID(hex: $0) })
  }

  private static func gitFolder(_ path: FilePath) throws(Failure) -> FilePath {
    let inner = path.appending(".git")
    switch LocalFile.kind(inner) {
    case .folder: return inner
    case .file:
      guard let line = try lines(inner).first, line.hasPrefix("gitdir: ") else { throw unknown(path) }
      return path.pushing(FilePath(String(line.dropFirst(8)))).lexicallyNormalized()
    case .link: throw unsafe(path, "its '.git' is a symbolic link")
    case .other, nil: break
    }
    guard LocalFile.kind(path.appending("HEAD")) == .file, LocalFile.kind(path.appending("objects")) != nil,
      LocalFile.kind(path.appending("refs")) != nil
    else { throw unknown(path) }
    return path
  }

  private static func commonFolder(_ gitFolder: FilePath) throws(Failure) -> FilePath {
    guard LocalFile.kind(gitFolder.appending("HEAD")) == .file else { throw unknown(gitFolder) }
    guard let line = try lines(gitFolder.appending("commondir")).first else { return gitFolder }
    return gitFolder.pushing(FilePath(line)).lexicallyNormalized()
  }

  private static func objectFolders(_ own: FilePath, inside root: FilePath) throws(Failure) -> [FilePath] {
    var folders: [FilePath] = []
    var ahead = [(own, 0)]
    while let (folder, depth) = ahead.popLast() {
      for part in [folder, folder.appending("pack"), folder.appending("info")] where LocalFile.kind(part) == .link {
        throw unsafe(root, "'\(part)' is a symbolic link")
      }
      guard LocalFile.kind(folder) == .folder else {
        throw unsafe(root, "its objects should be in '\(folder)', which is no folder")
      }
      if folders.contains(folder) { continue }
      folders.append(folder)
      guard depth < alternateDepth else { throw unsafe(root, "its alternates are nested too deeply") }
      for line in try lines(folder.appending("info/alternates")) where !line.hasPrefix("#") {
        let other = folder.pushing(FilePath(line)).lexicallyNormalized()
        // Spec: git follows alternates anywhere; here one must belong to who runs this, as the repository itself.
        if !other.starts(with: root) { try checkOwner(other) }
        ahead.append((other, depth + 1))
      }
    }
    return folders
  }

  /// Who owns a repository decides what is in it, so it must be us or root (git's `safe.directory`).
  private static func checkOwner(_ folder: FilePath) throws(Failure) {
    var status = stat()
    try OpenFile.retrying("examined", folder) { folder.withPlatformString { lstat($0, &status) } }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw Failure(
        .permissionDenied, reason: "git-repository-owner",
        "the repository '\(folder)' belongs to user \(status.st_uid), not to the one who runs this",
        hint: "run as its owner, or copy it: git clone --mirror '\(folder)' COPY")
    }
  }

  /// The lines of a small file; none when there is no such file.
  static func lines(_ path: FilePath) throws(Failure) -> [String] {
    guard let bytes = try LocalFile.contents(path, limit: smallFile) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
  }

  private static func unknown(_ path: FilePath) -> Failure {
    Failure(
      .notFound, reason: "git-repository-unknown", "there is no git repository in '\(path)'",
      hint: "give the folder that holds '.git', or a bare repository")
  }

  static func unsafe(_ path: FilePath, _ why: String) -> Failure {
    Failure(
      .permissionDenied, reason: "git-repository-unsafe", "the repository '\(path)' is not used: \(why)",
      hint: "make a clean copy: git clone --mirror '\(path)' COPY")
  }
}
