import Archive
import Builder
import Diagnostics
import Foundation
import OCI
import Storage
import SystemPackage

/// Cache entries in an OCI layout (image-spec, image-layout.md), each under its tag as `ref.name`. Several executors may
/// use one folder at once: blobs come under names of their own first, and the index is changed under a lock.
struct LayoutCache: CacheRepository {
  let folder: FilePath
  let blobs: BlobStore
  /// A number no other executor has, for the names of unfinished files.
  let mark: String

  var name: String { "oci:\(folder)" }

  private static let refName = "org.opencontainers.image.ref.name"
  private static let layout = #"{"imageLayoutVersion":"1.0.0"}"#
  private static let indexLimit = ByteCount.mebibytes(64)
  private static let manifestLimit = ByteCount.mebibytes(8)
  private static let lockPatience: Duration = .seconds(10)

  private var indexPath: FilePath { folder.appending("index.json") }

  func manifest(_ tag: Tag) throws(Failure) -> [UInt8]? {
    guard Self.exists(indexPath) else { return nil }
    let entry = try index().manifests.last { $0.annotations?[Self.refName] == tag.name }
    guard let entry else { return nil }
    guard (0...Self.manifestLimit.bytes).contains(entry.size) else {
      throw unusable("manifest '\(entry.digest)' cannot have \(entry.size) bytes")
    }
    return try bytes(of: entry)
  }

  func bytes(of descriptor: Descriptor) throws(Failure) -> [UInt8] {
    let bytes = try reader(descriptor).contents(limit: ByteCount(descriptor.size))
    let running = RunningDigest(descriptor.digest.algorithm)
    running.update(bytes)
    guard running.digest() == descriptor.digest else { throw unusable("blob '\(descriptor.digest)' is another") }
    return bytes
  }

  func fetch(_ descriptor: Descriptor) throws(Failure) {
    guard blobs.size(of: descriptor.digest)?.bytes != descriptor.size else { return }
    let blob = try blobs.writer(descriptor.digest.algorithm)
    do throws(Failure) {
      _ = try reader(descriptor).copy(to: BlobSink(blob))
      _ = try blob.commit(expecting: descriptor.digest, durably: false)
    } catch {
      blob.cancel()
      throw error
    }
  }

  func put(_ entry: CacheEntry.Documents, as tag: Tag) throws(Failure) {
    try prepare()
    try write(entry.layer) { (writer) throws(Failure) in
      _ = try FileReader(try blobs.open(entry.layer.digest), closing: true).copy(to: writer)
    }
    try write(entry.config) { (writer) throws(Failure) in try writer.write(entry.configBytes) }
    var manifest = Descriptor(
      mediaType: .ociManifest, digest: entry.manifest, size: Int64(entry.manifestBytes.count))
    try write(manifest) { (writer) throws(Failure) in try writer.write(entry.manifestBytes) }
    manifest.annotations = [Self.refName: tag.name]
    let lock = try locked()
    defer { close(lock) }
    var index = Self.exists(indexPath) ? try index() : Index(manifests: [])
    index.manifests.removeAll { $0.annotations?[Self.refName] == tag.name }
    index.manifests.append(manifest)
    let bytes: [UInt8]
    do { bytes = try CanonicalJSON.encode(index) } catch {
      throw Failure(wrapping: error, while: "writing the index of '\(name)'")
    }
    let partial = folder.appending("index.json.\(mark)")
    try OutputFile.write(bytes, to: partial)
    try OutputFile.rename(partial, to: indexPath)
  }

  private func index() throws(Failure) -> Index {
    try checkIsFile(indexPath)
    let bytes = try FileReader(path: indexPath).contents(limit: Self.indexLimit)
    do { return try CanonicalJSON.decode(Index.self, from: bytes) } catch {
      throw Failure(
        .failedPrecondition, reason: "cache-layout-broken", "'\(indexPath)' is not the index of an OCI layout",
        hint: "name another folder with --cache-repo, or remove this one", cause: String(describing: error))
    }
  }

  private func reader(_ descriptor: Descriptor) throws(Failure) -> FileReader {
    let path = path(of: descriptor.digest)
    guard Self.exists(path) else { throw unusable("blob '\(descriptor.digest)' is not in '\(name)'") }
    guard descriptor.size >= 0 else {
      throw unusable("blob '\(descriptor.digest)' cannot have \(descriptor.size) bytes")
    }
    try checkIsFile(path)
    // One byte more than it may have tells a longer file.
    return try FileReader(path: path, length: descriptor.size + 1)
  }

  private func path(of digest: Digest) -> FilePath {
    folder.appending("blobs").appending(digest.algorithm.rawValue).appending(digest.hex)
  }

  private func write(
    _ descriptor: Descriptor, _ fill: (FileWriter) throws(Failure) -> Void
  ) throws(Failure) {
    let path = path(of: descriptor.digest)
    if holds(descriptor) { return }
    let partial = FilePath(path.string + "." + mark)
    let writer = try OutputFile.writer(partial)
    do throws(Failure) {
      try fill(writer)
      try writer.finish()
      try OutputFile.rename(partial, to: path)
    } catch {
      OutputFile.remove(partial)
      throw error
    }
  }

  /// By its content: a blob that was damaged is written anew.
  private func holds(_ descriptor: Descriptor) -> Bool {
    guard Self.size(path(of: descriptor.digest)) == descriptor.size, let reader = try? reader(descriptor) else {
      return false
    }
    let hashed = HashingReader(over: reader, algorithm: descriptor.digest.algorithm)
    return (try? hashed.drain()) != nil && hashed.digest == descriptor.digest
  }

  private var layoutPath: FilePath { folder.appending("oci-layout") }

  /// Makes the folder; throws `cache-layout-broken` for one that holds something else.
  private func prepare() throws(Failure) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []
    // Another executor may just be making it.
    guard names.isEmpty || !Set(names).isDisjoint(with: ["oci-layout", "blobs"]) else {
      throw Failure(
        .failedPrecondition, reason: "cache-layout-broken", "'\(folder)' holds files and is no OCI layout",
        hint: "name an empty folder with --cache-repo")
    }
    try OutputFile.makeFolder(folder)
  }

  /// The file `oci-layout`, made where it is missing and locked; closing it gives the lock back.
  private func locked() throws(Failure) -> Int32 {
    let path = layoutPath
    if Self.exists(path) { try checkIsFile(path) }
    let descriptor = path.withPlatformString { open($0, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
    guard descriptor >= 0 else { throw failed("opened", path) }
    var region = flock()
    region.l_type = Int16(F_WRLCK)
    region.l_whence = Int16(SEEK_SET)
    // F_OFD_SETLK, which the C library hides behind a feature macro: a lock of this opening, not of the process. Others
    // hold it for a moment; who holds it longer must not hold up a build.
    let end = ContinuousClock.now + Self.lockPatience
    while fcntl(descriptor, 37, &region) == -1 {
      let isHeld = errno == EAGAIN || errno == EACCES
      if errno == EINTR || (isHeld && ContinuousClock.now < end && !Task.isCancelled) {
        usleep(10_000)
        continue
      }
      defer { close(descriptor) }
      throw failed("locked", path)
    }
    // Never replaced by another file: who waits for the lock has opened this one.
    if Self.size(path) == 0 {
      let writer = FileWriter(FileDescriptor(rawValue: descriptor))
      do throws(Failure) {
        try writer.write(Array(Self.layout.utf8))
        try writer.finish()
      } catch {
        close(descriptor)
        throw error
      }
    }
    return descriptor
  }

  private func unusable(_ why: String) -> Failure {
    Failure(.failedPrecondition, reason: "cache-entry-unusable", why)
  }

  private func failed(_ doing: String, _ path: FilePath) -> Failure {
    Failure(
      .failedPrecondition, reason: "cache-layout-broken", "'\(path)' cannot be \(doing)",
      hint: "name a folder you may write to with --cache-repo, or give --no-push-cache",
      cause: Errno(rawValue: errno).description)
  }

  /// To open a pipe waits for somebody who writes to it, which may be nobody.
  private func checkIsFile(_ path: FilePath) throws(Failure) {
    let target = URL(filePath: path.string).resolvingSymlinksInPath().path
    let type = (try? FileManager.default.attributesOfItem(atPath: target))?[.type] as? FileAttributeType
    guard type == .typeRegular else {
      throw Failure(
        .failedPrecondition, reason: "cache-layout-broken", "'\(path)' is no regular file",
        hint: "name another folder with --cache-repo, or remove this one")
    }
  }

  private static func exists(_ path: FilePath) -> Bool { path.withPlatformString { access($0, F_OK) } == 0 }

  private static func size(_ path: FilePath) -> Int64? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path.string)
    return (attributes?[.size] as? NSNumber)?.int64Value
  }
}
