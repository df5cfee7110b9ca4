import Diagnostics
import OCI
import Storage
import SystemPackage
import Testing

@Suite struct BlobStoreTests {
  @Test("a blob written in pieces has the digest of the whole and can be read back")
  func roundTrip() throws {
    let scratch = try Scratch()
    let data = try scratch.open(.durable)
    let writer = try data.blobs.writer()
    try writer.write([1, 2, 3])
    try writer.write([])
    try writer.write([4, 5])
    #expect(writer.count == 5)
    let (digest, size) = try writer.commit(expecting: Digest(sha256Of: [1, 2, 3, 4, 5]))
    #expect(size == ByteCount(5))
    #expect(data.blobs.size(of: digest) == ByteCount(5))
    #expect(try data.blobs.bytes(of: digest, limit: .kibibytes(1)) == [1, 2, 3, 4, 5])
    #expect(Failure.reason { _ = try data.blobs.bytes(of: digest, limit: ByteCount(4)) } == "file-too-large")
    #expect(try scratch.names("work/uploads").isEmpty)
  }

  @Test("a blob of no bytes is a blob")
  func empty() throws {
    let data = try Scratch().open()
    let (digest, size) = try data.blobs.writer().commit()
    #expect(size == ByteCount(0))
    #expect(data.blobs.contains(digest))
  }

  @Test("content with another digest than announced is not stored, and nothing is left of it")
  func mismatch() throws {
    let scratch = try Scratch()
    let data = try scratch.open()
    let writer = try data.blobs.writer()
    try writer.write([1])
    #expect(Failure.reason { _ = try writer.commit(expecting: Digest(sha256Of: [2])) } == "digest-invalid")
    #expect(!data.blobs.contains(Digest(sha256Of: [1])))
    #expect(try scratch.names("work/uploads").isEmpty)
    #expect(Failure.reason { try writer.write([1]) } == "blob-writer-closed")
  }

  @Test(
    "the digest at the end may be of another algorithm than the beginning said",
    arguments: Digest.Algorithm.allCases
  )
  func otherAlgorithm(started: Digest.Algorithm) throws {
    let data = try Scratch().open()
    for expected in Digest.Algorithm.allCases {
      let running = RunningDigest(expected)
      running.update([7, 8, 9])
      let writer = try data.blobs.writer(started)
      try writer.write([7, 8, 9])
      #expect(try writer.commit(expecting: running.digest()).digest == running.digest())
      #expect(data.blobs.contains(running.digest()))
    }
  }

  @Test("equal content is stored once, and a torn file of the same name is replaced")
  func deduplication() throws {
    let scratch = try Scratch()
    let data = try scratch.open()
    let digest = try data.blobs.put([1, 2, 3])
    #expect(try data.blobs.put([1, 2, 3]) == digest)
    #expect(try scratch.names("oci/blobs/sha256") == [digest.hex])
    let torn = try FileDescriptor.open(data.blobs.path(of: digest), .writeOnly, options: .truncate)
    try torn.close()
    try data.blobs.put([1, 2, 3])
    #expect(data.blobs.size(of: digest) == ByteCount(3))
  }

  @Test("a dropped writer takes its temporary file with it")
  func drop() throws {
    let scratch = try Scratch()
    let data = try scratch.open()
    do {
      let writer = try data.blobs.writer()
      try writer.write([1])
      #expect(try scratch.names("work/uploads").count == 1)
    }
    #expect(try scratch.names("work/uploads").isEmpty)
  }

  @Test("a missing blob is unknown, and collecting says whether there was one")
  func missing() throws {
    let data = try Scratch().open(.durable)
    let digest = Digest(sha256Of: [1])
    #expect(Failure.reason { _ = try data.blobs.open(digest) } == "blob-unknown")
    #expect(Failure.reason { try data.blobs.makeDurable([digest]) } == "blob-unknown")
    #expect(try data.blobs.collect(digest, unpacked: "/none") == nil)
    try data.blobs.put([1], durably: false)
    try data.blobs.makeDurable([digest])
    // Just brought, so that it is nobody's to take.
    #expect(data.blobs.leases.retire([digest], untouchedSince: Timestamp(milliseconds: 0)) == [])
    #expect(try data.blobs.collect(digest, unpacked: "/none") == nil)
    #expect(data.blobs.leases.retire([digest], untouchedSince: Timestamp(milliseconds: .max)) == [digest])
    #expect(!data.blobs.keep(digest))
    #expect(try data.blobs.collect(digest, unpacked: "/none") == ByteCount(1))
    #expect(!data.blobs.contains(digest))
  }

  @Test("the folder is an OCI image layout")
  func layout() throws {
    let scratch = try Scratch()
    _ = try scratch.open()
    #expect(try scratch.names("oci") == ["blobs", "index.json", "oci-layout"])
    let layout = try bytes(of: scratch.path.appending("data/oci/oci-layout"))
    #expect(String(decoding: layout, as: UTF8.self) == #"{"imageLayoutVersion":"1.0.0"}"#)
  }

  @Test("contexts are deduplicated and unused ones removed after a grace")
  func contexts() throws {
    let data = try Scratch().open()
    let writer = try data.contexts.writer()
    try writer.write([1])
    let kept = try writer.commit().digest
    let other = try data.contexts.writer()
    try other.write([2])
    let unused = try other.commit().digest
    try data.contexts.saveIndex([1, 2], of: kept)
    try data.contexts.saveIndex([3], of: unused)
    try data.contexts.saveIndex([4], of: unused)
    #expect(data.contexts.index(of: unused) == [4])
    #expect(try data.contexts.removeUnused(except: [kept], uploadedBefore: Timestamp(milliseconds: 0)) == 0)
    #expect(try data.contexts.removeUnused(except: [kept], uploadedBefore: Timestamp(milliseconds: .max)) == 1)
    #expect(data.contexts.path(of: kept) != nil)
    #expect(data.contexts.path(of: unused) == nil)
    #expect(data.contexts.index(of: kept) == [1, 2])
    #expect(data.contexts.index(of: unused) == nil)
  }
}
