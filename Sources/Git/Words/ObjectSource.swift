import Diagnostics
import OCI
import SystemPackage

/// Where an object's content lies, uncompressed and whole, in a file of the store.
package struct StoredObject: Sendable, Hashable {
  package var kind: ObjectKind
  package var file: FilePath
  /// Of the content's first byte; the object's header is not stored.
  package var offset: Int64
  package var size: Int64
  /// SHA-256 of the content, for blobs; nil where nobody asked for it.
  package var digest: Digest?

  package init(kind: ObjectKind, file: FilePath, offset: Int64, size: Int64, digest: Digest?) {
    self.kind = kind
    self.file = file
    self.offset = offset
    self.size = size
    self.digest = digest
  }
}

/// Objects that are at hand.
package protocol ObjectSource: Sendable {
  /// Nil when the object is not there.
  func find(_ id: ObjectID) throws(Failure) -> StoredObject?
}

/// Several sources, asked in order.
package struct ObjectSources: ObjectSource {
  package var sources: [any ObjectSource]
  package init(_ sources: [any ObjectSource]) { self.sources = sources }
  package func find(_ id: ObjectID) throws(Failure) -> StoredObject? {
    for source in sources { if let found = try source.find(id) { return found } }
    return nil
  }
}

/// Takes objects one after the other: what a pack or a local repository is poured into.
package protocol ObjectSink: AnyObject {
  /// Bytes to follow with `write`, exactly `size` of them, then `endObject`.
  func beginObject(_ kind: ObjectKind, size: Int64) throws(Failure)
  func write(_ bytes: UnsafeRawBufferPointer) throws(Failure)
  /// The name the content turned out to have.
  @discardableResult func endObject() throws(Failure) -> ObjectID
}
