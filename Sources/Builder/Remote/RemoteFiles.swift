import Archive
import Diagnostics
import OCI
import Storage
import SystemPackage

/// Where ADD gets the files behind URLs from; the builder itself knows no network.
package protocol RemoteFiles: Sendable {
  /// Fetches the order's URL (http or https, redirects followed) into the new file `target`.
  ///
  /// Throws what keeps it from that, with the URL named without its user and query.
  func fetch(_ order: RemoteFileOrder, into target: FilePath) async throws(Failure) -> RemoteFile
}

/// A file as ADD names it.
package struct RemoteFileOrder: Sendable {
  package var url: String
  /// Whose kept files may be used; nothing is shared between organisations.
  package var organization: OrganizationName
  /// Whether the file is to come anew, whatever is kept of it.
  package var isFresh: Bool
  package var watch: TransferMeter.Watch

  package init(
    url: String, organization: OrganizationName, isFresh: Bool = false,
    watch: @escaping TransferMeter.Watch = { _ in }
  ) {
    self.url = url
    self.organization = organization
    self.isFresh = isFresh
    self.watch = watch
  }
}

/// A file that was fetched.
package struct RemoteFile: Sendable, Hashable {
  package var size: ByteCount
  /// SHA-256 of the bytes.
  package var digest: Digest
  /// The answer's `Last-Modified`.
  package var lastModified: FileTime?

  package init(size: ByteCount, digest: Digest, lastModified: FileTime?) {
    self.size = size
    self.digest = digest
    self.lastModified = lastModified
  }
}

/// Where ADD gets the files of git repositories from.
package protocol RemoteTrees: Sendable {
  /// The files of the commit that `order` means; nothing is shared between organisations.
  func fetch(
    _ order: RemoteTreeOrder, for organization: OrganizationName, watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> RemoteTree
}

/// A git repository as ADD names it.
package struct RemoteTreeOrder: Sendable, Hashable {
  /// As written, with `#ref:directory` or a query.
  package var source: String
  /// The beginning of the commit's name, at least seven digits; the builder checks it.
  package var checksum: String?
  /// `--keep-git-dir`: a `.git` directory is among the files.
  package var keepsGitDirectory: Bool

  package init(source: String, checksum: String? = nil, keepsGitDirectory: Bool = false) {
    self.source = source
    self.checksum = checksum
    self.keepsGitDirectory = keepsGitDirectory
  }
}

/// The files of one commit.
package struct RemoteTree: Sendable {
  /// The commit's full name.
  package var commit: String
  package var index: ArchiveIndex
  /// Keeps the files of the index while the step needs them.
  package var lease: (any Sendable)?

  package init(commit: String, index: ArchiveIndex, lease: (any Sendable)? = nil) {
    self.commit = commit
    self.index = index
    self.lease = lease
  }
}

/// For a builder without a way out: every remote source is refused.
package struct NoRemoteSources: RemoteFiles, RemoteTrees {
  package init() {}

  package func fetch(_ order: RemoteFileOrder, into target: FilePath) async throws(Failure) -> RemoteFile {
    throw refusal(order.url)
  }

  package func fetch(
    _ order: RemoteTreeOrder, for organization: OrganizationName, watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> RemoteTree { throw refusal(order.source) }

  private func refusal(_ source: String) -> Failure {
    Failure(
      .unimplemented, reason: "add-remote-unavailable", "ADD of '\(RemoteSource.shown(source))' is not available here",
      hint: "put the file into the context and use COPY")
  }
}
