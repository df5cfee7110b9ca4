import Diagnostics
import OCI
import Registry
import Storage
import Synchronization
import SystemPackage

/// A registry over a data directory of its own, with a clock that the test moves.
final class House: Sendable {

  let data: DataDirectory
  let registry: ImageRegistry
  let now: Clock

  final class Clock: Sendable {
    private let milliseconds = Mutex<Int64>(1_700_000_000_000)
    var moment: Timestamp { milliseconds.withLock { Timestamp(milliseconds: $0) } }
    func advance(hours: Int64) { milliseconds.withLock { $0 += hours * 3_600_000 } }
  }

  init() throws {
    let path = FilePath("/tmp/kindling-registry-\(UInt64.random(in: .min ... .max))")
    let clock = Clock()
    now = clock
    data = try DataDirectory.open(at: path, durability: .ephemeral, clock: WallClock { clock.moment })
    registry = ImageRegistry(data: data)
  }

  deinit {
    data.close()
    try? FileTree.remove(data.root)
  }

  /// Uploads in one piece.
  @discardableResult
  func push(_ bytes: [UInt8], _ repository: Repository, _ algorithm: Digest.Algorithm = .sha256) throws -> Digest {
    let running = RunningDigest(algorithm)
    running.update(bytes)
    let upload = try registry.startUpload(in: repository, algorithm: algorithm)
    try registry.append(to: upload, in: repository, bytes)
    return try registry.finishUpload(upload, in: repository, expecting: running.digest()).digest
  }

  /// Pushes an image of one layer whose config says `text`.
  @discardableResult
  func pushImage(
    _ text: String,
    _ repository: Repository,
    as reference: ManifestReference,
    subject: Digest? = nil,
    artifactType: String? = nil
  ) throws -> Digest {
    let bytes = try image(text, repository, subject: subject, artifactType: artifactType)
    return try registry.putManifest(bytes, mediaType: .ociManifest, as: reference, in: repository).digest
  }

  func image(
    _ text: String,
    _ repository: Repository,
    subject: Digest? = nil,
    artifactType: String? = nil
  ) throws -> [UInt8] {
    let config = Array(text.utf8)
    let layer = Array("layer of \(text)".utf8)
    var manifest = Manifest(
      mediaType: .ociManifest,
      config: Descriptor(mediaType: .ociConfig, digest: try push(config, repository), size: Int64(config.count)),
      layers: [Descriptor(mediaType: .ociLayer, digest: try push(layer, repository), size: Int64(layer.count))]
    )
    manifest.subject = subject.map { Descriptor(mediaType: .ociManifest, digest: $0, size: 1) }
    manifest.artifactType = artifactType
    return try CanonicalJSON.encode(manifest)
  }

  func bytes(_ digest: Digest, _ repository: Repository) throws -> [UInt8] {
    try registry.bytes(of: digest, in: repository, limit: .mebibytes(1))
  }
}

extension ImageRegistry {
  @discardableResult
  func append(
    to id: UploadID,
    in repository: Repository,
    at offset: Int64? = nil,
    _ bytes: [UInt8]
  ) throws(Failure) -> Int64 {
    try bytes.withUnsafeBytes { buffer in
      Result { () throws(Failure) in try append(to: id, in: repository, at: offset, buffer) }
    }.get()
  }
}

extension ManifestReference {
  static func tag(_ name: String) throws -> ManifestReference { .tag(try Tag(name)) }
}

/// The reason of what `body` throws, or nil when it throws nothing.
func reason(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return (error as? Failure)?.reason ?? String(describing: error)
  }
}
