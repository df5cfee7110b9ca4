import Diagnostics
import OCI
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension DataDirectory {
  private static let pageSize = 1000
  private static let nameAnnotation = "org.opencontainers.image.ref.name"

  /// Writes `oci/index.json`: every tag under the name `REPOSITORY:TAG`, for tools that open the folder as an OCI image
  /// layout (image-spec, image-layout.md). The ledger is the truth; the file is made of it again at any time.
  package func writeLayoutIndex() throws(Failure) {
    let target = blobs.layout.appending("index.json")
    let fresh = FilePath("\(target).new")
    let descriptor = try fresh.open(O_WRONLY | O_CREAT | O_TRUNC, "writing the layout's index")
    do throws(Failure) {
      defer { try? descriptor.close() }
      try descriptor.writeAll(
        Array(#"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)","manifests":["#.utf8), to: fresh)
      try forEachTag { (page, isFirst) throws(Failure) in
        try descriptor.writeAll((isFirst ? [] : [0x2c]) + page, to: fresh)
      }
      try descriptor.writeAll(Array("]}\n".utf8), to: fresh)
    } catch {
      try? fresh.removeFile()
      throw error
    }
    try fresh.rename(to: target)
  }

  /// Hands over the tags in pieces of JSON.
  private func forEachTag(_ take: ([UInt8], _ isFirst: Bool) throws(Failure) -> Void) throws(Failure) {
    var last: TaggedManifest?
    while true {
      let page = try ledger.taggedManifests(after: last, limit: Self.pageSize)
      guard !page.isEmpty else { return }
      let texts: [[UInt8]]
      do {
        texts = try page.map { tagged in
          var descriptor = Descriptor(mediaType: tagged.mediaType, digest: tagged.digest, size: tagged.size.bytes)
          descriptor.annotations = [Self.nameAnnotation: "\(tagged.repository):\(tagged.tag)"]
          return try CanonicalJSON.encode(descriptor)
        }
      } catch { throw Failure(wrapping: error, while: "writing the layout's index") }
      try take(Array(texts.joined(separator: [0x2c])), last == nil)
      last = page.last
    }
  }
}
