import Archive
import Diagnostics

/// What crossed the wire; 0 when everything was at hand.
package struct GitTransfer: Sendable, Hashable {
  package var objects: Int
  package var bytes: ByteCount
  package init(objects: Int = 0, bytes: ByteCount = ByteCount(0)) {
    self.objects = objects
    self.bytes = bytes
  }
}

/// The files of a commit as a build context: indexed where they lie in the store, not copied.
package struct FetchedTree: Sendable {
  package var commit: ObjectID
  /// The full name of the reference that was asked for, or the commit's id.
  package var reference: String
  package var index: ArchiveIndex
  /// What a reader should know: submodules that are left out, files that only point into Git LFS.
  package var notes: [String]
  package var transferred: GitTransfer
  /// Keeps the index's files; to be released when nobody reads them any more.
  package var lease: GitLease
}
