import Diagnostics
import OCI
import Registry
import Storage
import SystemPackage
import Testing

@Suite struct BlobTests {
  private let app: Repository
  private let other: Repository
  private let foreign: Repository

  init() throws {
    app = try Repository("acme/app")
    other = try Repository("acme/other")
    foreign = try Repository("rival/app")
  }

  @Test("a pushed blob can be read in its repository and nowhere else", arguments: Digest.Algorithm.allCases)
  func visibility(algorithm: Digest.Algorithm) throws {
    let house = try House()
    for bytes in [[], Array("{}".utf8), [UInt8](repeating: 1, count: 300_000)] {
      let digest = try house.push(bytes, app, algorithm)
      let blob = try house.registry.blob(digest, in: app)
      defer { try? blob.descriptor.close() }
      #expect(digest.algorithm == algorithm && blob.size == ByteCount(Int64(bytes.count)))
      #expect(try house.bytes(digest, app) == bytes)
      for repository in [other, foreign] {
        #expect(reason { _ = try house.registry.blob(digest, in: repository) } == "blob-unknown")
      }
    }
  }

  @Test("mounting makes a blob visible; without a source only from the owner's own repositories")
  func mount() throws {
    let house = try House()
    let digest = try house.push([1], app)
    #expect(try house.registry.mount(digest, from: other, into: other) == false)
    #expect(try house.registry.mount(digest, from: nil, into: foreign) == false)
    #expect(try house.registry.mount(Digest(sha256Of: [9]), from: app, into: other) == false)
    #expect(try house.registry.mount(digest, from: nil, into: other))
    #expect(try house.bytes(digest, other) == [1])
    #expect(try house.registry.mount(digest, from: app, into: foreign))
    #expect(try house.bytes(digest, foreign) == [1])
  }

  @Test("a deleted blob is gone from its repository at once and stays in the others")
  func delete() throws {
    let house = try House()
    let digest = try house.push([1], app)
    _ = try house.registry.mount(digest, from: app, into: other)
    #expect(try house.bytes(digest, app) == [1])
    try house.registry.deleteBlob(digest, in: app)
    #expect(reason { _ = try house.registry.blob(digest, in: app) } == "blob-unknown")
    #expect(reason { try house.registry.deleteBlob(digest, in: app) } == "blob-unknown")
    #expect(try house.bytes(digest, other) == [1])
    try house.push([1], app)
    #expect(try house.bytes(digest, app) == [1])
  }

  @Test("chunks add up, a chunk at the wrong place is refused and the upload goes on")
  func chunks() throws {
    let house = try House()
    let upload = try house.registry.startUpload(in: app)
    #expect(try house.registry.append(to: upload, in: app, at: 0, [1, 2]) == 2)
    for wrong in [Int64(0), 1, 3] {
      #expect(reason { try house.registry.append(to: upload, in: app, at: wrong, [9]) } == "range-invalid")
      #expect(reason { try house.registry.checkOffset(wrong, of: upload, in: app) } == "range-invalid")
    }
    #expect(try house.registry.uploadOffset(upload, in: app) == 2)
    try house.registry.checkOffset(2, of: upload, in: app)
    try house.registry.append(to: upload, in: app, at: 2, [3])
    try house.registry.append(to: upload, in: app, [4])
    let digest = Digest(sha256Of: [1, 2, 3, 4])
    #expect(try house.registry.finishUpload(upload, in: app, expecting: digest).size == ByteCount(4))
    #expect(try house.bytes(digest, app) == [1, 2, 3, 4])
    #expect(reason { _ = try house.registry.uploadOffset(upload, in: app) } == "upload-unknown")
  }

  @Test("an upload begun for one algorithm may end with the other's digest")
  func lateAlgorithm() throws {
    let house = try House()
    let running = RunningDigest(.sha512)
    running.update([1, 2])
    let upload = try house.registry.startUpload(in: app)
    try house.registry.append(to: upload, in: app, [1, 2])
    try house.registry.finishUpload(upload, in: app, expecting: running.digest())
    #expect(try house.bytes(running.digest(), app) == [1, 2])
  }

  @Test("a wrong digest stores nothing and ends the upload")
  func wrongDigest() throws {
    let house = try House()
    let upload = try house.registry.startUpload(in: app)
    try house.registry.append(to: upload, in: app, [1])
    let wrong = Digest(sha256Of: [2])
    #expect(reason { try house.registry.finishUpload(upload, in: app, expecting: wrong) } == "digest-invalid")
    for digest in [wrong, Digest(sha256Of: [1])] {
      #expect(reason { _ = try house.registry.blob(digest, in: app) } == "blob-unknown")
    }
    #expect(reason { try house.registry.append(to: upload, in: app, [1]) } == "upload-unknown")
  }

  @Test("an upload belongs to its repository, can be cancelled once, and ends after a day of rest")
  func sessions() throws {
    let house = try House()
    let upload = try house.registry.startUpload(in: app)
    #expect(reason { try house.registry.append(to: upload, in: other, [1]) } == "upload-unknown")
    try house.registry.cancelUpload(upload, in: app)
    #expect(reason { try house.registry.cancelUpload(upload, in: app) } == "upload-unknown")
    let idle = try house.registry.startUpload(in: app)
    house.now.advance(hours: 23)
    let busy = try house.registry.startUpload(in: app)
    #expect(try house.registry.uploadOffset(idle, in: app) == 0)
    house.now.advance(hours: 2)
    _ = try house.registry.startUpload(in: app)
    #expect(reason { _ = try house.registry.uploadOffset(idle, in: app) } == "upload-unknown")
    #expect(try house.registry.uploadOffset(busy, in: app) == 0)
  }

  @Test("writers of the same upload at the same time never mix: each piece is whole or refused")
  func concurrency() async throws {
    let house = try House()
    let upload = try house.registry.startUpload(in: app)
    let piece = [UInt8](repeating: 7, count: 200_000)
    let accepted = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<8 {
        group.addTask { [app] in
          (0..<20).count { _ in
            reason { try house.registry.append(to: upload, in: app, piece) } != "upload-invalid"
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(try house.registry.uploadOffset(upload, in: app) == Int64(accepted * piece.count))
    let digest = Digest(sha256Of: [UInt8](repeating: 7, count: accepted * piece.count))
    #expect(try house.registry.finishUpload(upload, in: app, expecting: digest).digest == digest)
  }

  @Test("too many open uploads are refused until some end")
  func many() throws {
    let house = try House()
    let uploads = try (0..<1024).map { _ in try house.registry.startUpload(in: app) }
    #expect(reason { _ = try house.registry.startUpload(in: app) } == "too-many-requests")
    try house.registry.cancelUpload(uploads[0], in: app)
    _ = try house.registry.startUpload(in: app)
  }

  @Test("an upload's name is read back only in the form it was given")
  func names() throws {
    let house = try House()
    let upload = try house.registry.startUpload(in: app)
    #expect(UploadID(upload.text) == upload)
    for text in ["", "../../key", upload.text + "0", upload.text.uppercased() + "G"] { #expect(UploadID(text) == nil) }
  }
}
