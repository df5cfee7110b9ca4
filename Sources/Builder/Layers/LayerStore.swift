import Archive
import Diagnostics
import OCI
import Storage
import Synchronization
import SystemPackage

/// Layers unpacked on disk, `layers/<algorithm>-<hex of the diffID>`: overlay lower directories, made once, shared by all builds.
///
/// Only a cache of the blobs: nothing here is synced, and what is missing is unpacked again.
struct LayerStore: Sendable {
  let folder: FilePath
  let blobs: BlobStore
  let xattrs: OverlayXattrs
  /// One is held while a layer is unpacked: stages that begin from the same image at once wait instead of unpacking it
  /// each.
  private let gates = (0..<64).map { _ in Gate() }

  private final class Gate: Sendable {
    let lock = Mutex<Void>(())
  }

  /// Bound on one layer when unpacked.
  static let limit = ByteCount.mebibytes(256 << 10)

  /// The layer's directory, unpacked now if nobody did before.
  func directory(of layer: LayerRecord, scratch: ScratchFolder) throws(Failure) -> FilePath {
    let path = path(of: layer.digest)
    guard !FileSystem.exists(path) else { return path }
    let gate = gates[Int(UInt(bitPattern: layer.digest.hashValue) % UInt(gates.count))]
    return try gate.lock.withLock { (_) throws(Failure) in
      guard !FileSystem.exists(path) else { return path }
      if Task.isCancelled { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
      return try unpack(layer, scratch)
    }
  }

  private func unpack(_ layer: LayerRecord, _ scratch: ScratchFolder) throws(Failure) -> FilePath {
    let fresh = try scratch.directory("layer")
    let blob = FileReader(try blobs.open(layer.digest), closing: true)
    let hashed = HashingReader(over: try Decompression.reader(over: blob, limit: Self.limit))
    let reader = TarReader(over: hashed, limits: .layer)
    _ = try LayerUnpacker(root: fresh, xattrs: xattrs).unpack(from: reader)
    // Bytes after the archive's end belong to the diffID too.
    _ = try hashed.drain()
    guard hashed.digest == layer.diffID else {
      throw Failure(
        .dataLoss, reason: "layer-diffid-mismatch",
        "layer '\(layer.digest)' unpacks to '\(hashed.digest)' where its image says '\(layer.diffID)'",
        hint: "import or push the image again")
    }
    return adopt(fresh, as: layer.digest)
  }

  /// Takes over a directory that already is what the layer unpacks to, such as a RUN's upper directory.
  @discardableResult
  func adopt(_ directory: FilePath, as blob: Digest) -> FilePath {
    let path = path(of: blob)
    // Another build may have been first; both made the same, and the second goes with its scratch folder.
    _ = FileSystem.rename(directory, to: path)
    return path
  }

  private func path(of blob: Digest) -> FilePath { folder.appending(blob.folderName) }
}
