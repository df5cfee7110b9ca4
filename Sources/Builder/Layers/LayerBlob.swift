import Archive
import Diagnostics
import OCI
import Storage

/// Writes one layer in one pass: tar → diffID hash → packing → digest hash → blob. Memory is the buffers between them.
package struct LayerBlob {
  let store: BlobStore
  let format: LayerFormat

  package init(store: BlobStore, format: LayerFormat = LayerFormat()) {
    self.store = store
    self.format = format
  }

  /// `fill` writes the tar's entries; the blob is made durable only when an image is committed with it.
  package func write(_ fill: (TarWriter) throws(Failure) -> Void) throws(Failure) -> LayerRecord {
    try compress { (hashed) throws(Failure) in
      let tar = TarWriter(into: hashed)
      try fill(tar)
      try tar.finish()
    }
  }

  /// A layer from the bytes of a tar that already exists, such as one in a docker archive.
  package func write(tar reader: any ByteReader) throws(Failure) -> LayerRecord {
    try compress { (hashed) throws(Failure) in
      _ = try reader.copy(to: hashed)
      try hashed.finish()
    }
  }

  private func compress(_ fill: (HashingWriter) throws(Failure) -> Void) throws(Failure) -> LayerRecord {
    let blob = try store.writer()
    let hashed = HashingWriter(into: try packer(into: RelayWriter(into: BlobSink(blob))))
    do {
      try fill(hashed)
    } catch {
      blob.cancel()
      throw error
    }
    let stored = try blob.commit(durably: false)
    return LayerRecord(digest: stored.digest, diffID: hashed.digest, size: stored.size, mediaType: format.mediaType)
  }

  private func packer(into sink: any ByteWriter) throws(Failure) -> any ByteWriter {
    guard format.isPacked else { return sink }
    return switch (format.packing, format.level) {
    case (.gzip, let level?): GzipWriter(into: sink, level: level)
    case (.gzip, nil): GzipWriter(into: sink)
    case (.zstd, let level?): try ZstdWriter(into: sink, level: level)
    case (.zstd, nil): try ZstdWriter(into: sink)
    }
  }
}
