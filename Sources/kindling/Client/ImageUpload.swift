import Archive
import AsyncHTTPClient
import Diagnostics
import Foundation
import NIOCore
import Synchronization
import SystemPackage

/// A file, a directory or standard input as a request's body, read as fast as the server takes it.
struct ImageUpload: Sendable {
  let chunks: FileChunks
  let length: HTTPClientRequest.Body.Length
  private let packing: Packing?

  /// A directory is packed on the way, through a pipe; nothing is written to disk.
  init(_ path: FilePath, isStandardInput: Bool) throws(Failure) {
    if isStandardInput {
      self.init(
        chunks: FileChunks(SystemPackage.FileDescriptor.standardInput, closing: false),
        length: .unknown,
        packing: nil
      )
      return
    }
    var isDirectory = ObjCBool(false)
    guard FileManager.default.fileExists(atPath: path.string, isDirectory: &isDirectory) else {
      throw Failure(.invalidArgument, reason: "image-file-missing", "there is no file or directory '\(path)'")
    }
    do {
      if isDirectory.boolValue {
        let pipe = try SystemPackage.FileDescriptor.pipe()
        self.init(
          chunks: FileChunks(pipe.readEnd, closing: true),
          length: .unknown,
          packing: Packing(path, into: pipe.writeEnd)
        )
      } else {
        let file = try SystemPackage.FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        let size = try file.seek(offset: 0, from: .end)
        try file.seek(offset: 0, from: .start)
        self.init(chunks: FileChunks(file, closing: true), length: .known(size), packing: nil)
      }
    } catch {
      throw Failure(
        .invalidArgument,
        reason: "image-file-unreadable",
        "'\(path)' cannot be read",
        cause: String(describing: error)
      )
    }
  }

  private init(chunks: FileChunks, length: HTTPClientRequest.Body.Length, packing: Packing?) {
    self.chunks = chunks
    self.length = length
    self.packing = packing
  }

  /// Throws what went wrong while packing: the server saw an archive that ended early and complained about that.
  func check() throws(Failure) {
    if let failure = packing?.failure { throw failure }
  }
}

/// Packs a directory into a pipe on a thread of its own.
private final class Packing: Sendable {
  private let state = Mutex<Failure?>(nil)
  var failure: Failure? { state.withLock { $0 } }

  init(_ directory: FilePath, into end: SystemPackage.FileDescriptor) {
    Thread.detachNewThread {
      do throws(Failure) {
        let tar = TarWriter(into: FileWriter(end, closing: true))
        // As a layer, because a root file system's owners, devices and hard links are part of it.
        _ = try LayerPacker(upper: directory, xattrs: .trusted).pack(into: tar)
        try tar.finish()
      } catch {
        self.state.withLock { $0 = error }
        try? end.close()
      }
    }
  }
}

/// A descriptor's bytes to its end, in chunks; each read happens on a thread that may block.
struct FileChunks: AsyncSequence, Sendable {
  private static let size = 256 << 10
  private let file: SystemPackage.FileDescriptor
  private let closing: Bool

  init(_ file: SystemPackage.FileDescriptor, closing: Bool) {
    self.file = file
    self.closing = closing
  }

  struct Iterator: AsyncIteratorProtocol {
    let file: SystemPackage.FileDescriptor
    let closing: Bool

    mutating func next() async throws -> ByteBuffer? {
      let file = file
      let buffer = try await withCheckedThrowingContinuation {
        (continuation: CheckedContinuation<ByteBuffer, any Error>) in
        DispatchQueue.global().async {
          continuation.resume(
            with: Result {
              var buffer = ByteBufferAllocator().buffer(capacity: FileChunks.size)
              _ = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: FileChunks.size) { bytes in
                try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(FileChunks.size)))
              }
              return buffer
            }
          )
        }
      }
      if buffer.readableBytes > 0 { return buffer }
      if closing { try? file.close() }
      return nil
    }
  }

  func makeAsyncIterator() -> Iterator { Iterator(file: file, closing: closing) }
}
