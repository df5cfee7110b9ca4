import Archive
import Diagnostics
import OCI
import Storage
import SystemPackage

/// What ADD's remote sources turned out to be, checked against their checksums.
struct FetchedSources: Sendable {
  private var files: [CopyAction.Source: FileNode] = [:]
  private var trees: [CopyAction.Source: RemoteTree] = [:]

  /// Nothing was fetched, because nothing is remote.
  init() {}

  /// Fetches what is remote in `action`, one after the other, into `scratch`; `isFresh` makes all come anew.
  ///
  /// Throws `add-checksum-mismatch` with both sums, `url-without-name` and what the fetching throws.
  init(
    _ action: CopyAction, files: any RemoteFiles, trees: any RemoteTrees, organization: OrganizationName,
    isFresh: Bool = false, scratch: ScratchFolder, watch: @escaping TransferMeter.Watch = { _ in }
  ) async throws(Failure) {
    for source in action.sources {
      switch source {
      case .url(let url, let checksum, _):
        let target = scratch.file("url")
        let file = try await files.fetch(
          RemoteFileOrder(url: url, organization: organization, isFresh: isFresh, watch: watch), into: target)
        if let checksum { try Self.check(file, at: target, is: checksum, url) }
        self.files[source] = Self.node(file, at: target)
      case .git(let order):
        let tree = try await trees.fetch(order, for: organization, watch: watch)
        if let checksum = order.checksum, !tree.commit.hasPrefix(checksum.lowercased()) {
          throw Self.mismatch(RemoteSource.shown(order.source), wanted: checksum, got: tree.commit)
        }
        self.trees[source] = tree
      default: continue
      }
    }
  }

  func file(_ source: CopyAction.Source) -> FileNode? { files[source] }

  func tree(_ source: CopyAction.Source) -> IndexTree? { trees[source].map { IndexTree($0.index) } }

  /// Docker: a fetched file is root's alone (0600), as old as the server says; without a word of it, of 1970.
  private static func node(_ file: RemoteFile, at path: FilePath) -> FileNode {
    let entry = TarEntry(
      path: FilePath(), kind: .file, mode: 0o600, size: file.size.bytes,
      mtime: file.lastModified ?? FileTime(seconds: 0))
    return FileNode(
      entry: entry, body: .range(path, offset: 0, length: file.size.bytes), digest: file.digest, link: nil)
  }

  private static func check(
    _ file: RemoteFile, at path: FilePath, is checksum: Digest, _ url: String
  ) throws(Failure) {
    var actual = file.digest
    if checksum.algorithm != actual.algorithm {
      let reader = HashingReader(over: try FileReader(path: path), algorithm: checksum.algorithm)
      try reader.drain()
      actual = reader.digest
    }
    guard actual == checksum else {
      throw mismatch(RemoteSource.shown(url), wanted: checksum.description, got: actual.description)
    }
  }

  private static func mismatch(_ source: String, wanted: String, got: String) -> Failure {
    Failure(
      .failedPrecondition, reason: "add-checksum-mismatch",
      "'\(source)' is '\(got)', where --checksum says '\(wanted)'",
      hint: "look at what changed there; if it is right, write the new sum into the Dockerfile")
  }
}
