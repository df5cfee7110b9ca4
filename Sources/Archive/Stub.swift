import Diagnostics
import OCI
import SystemPackage
package struct IndexedEntry: Sendable { package var entry: TarEntry; package var bodyOffset: Int64; package var contentDigest: Digest?
 package init(entry: TarEntry, bodyOffset: Int64, contentDigest: Digest? = nil) { self.entry = entry; self.bodyOffset = bodyOffset; self.contentDigest = contentDigest } }
package struct ArchiveIndex: Sendable { package var bodies: FilePath; package var entries: [IndexedEntry]; package var totalBytes: Int64 }
package enum ArchiveNormalizer { package static func tar(from: FilePath, into: FilePath) throws(Failure) -> ArchiveIndex { throw Failure(.internal, reason: "x", "x") } }
