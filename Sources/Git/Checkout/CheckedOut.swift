import Diagnostics

/// What a checkout into a directory made.
package struct CheckedOut: Sendable, Hashable {
  package var commit: ObjectID
  /// The full name of the reference that was asked for, or the commit's id.
  package var reference: String
  /// Files and links.
  package var files: Int
  package var bytes: ByteCount
  /// What a reader should know: submodules that are left out, files that only point into Git LFS.
  package var notes: [String]
  package var transferred: GitTransfer
}
