import Diagnostics
import NIOCore
import SystemPackage

/// The bytes of a file or of a stream as async-http-client takes them.
struct RequestBodyPieces: AsyncSequence, Sendable {
  typealias Element = ByteBuffer
  let make: @Sendable () -> @Sendable () async throws -> ByteBuffer?

  struct AsyncIterator: AsyncIteratorProtocol {
    let pull: @Sendable () async throws -> ByteBuffer?
    mutating func next() async throws -> ByteBuffer? { try await pull() }
  }

  func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pull: make()) }

  init(next: @escaping @Sendable () async throws(Failure) -> [UInt8]?) {
    make = { { try await next().map { ByteBuffer(bytes: $0) } } }
  }

  init(file: FilePath, offset: Int64, length: Int64) {
    make = {
      let reader = FilePieces(file: file, offset: offset, length: length)
      return { try await reader.next() }
    }
  }
}

/// A part of a file, 256 KiB at a time.
private actor FilePieces {
  private let file: FilePath
  private var offset: Int64
  private let end: Int64
  private var descriptor: SystemPackage.FileDescriptor?

  init(file: FilePath, offset: Int64, length: Int64) {
    self.file = file
    self.offset = offset
    end = offset + length
  }

  deinit { try? descriptor?.close() }

  func next() throws -> ByteBuffer? {
    guard offset < end else { return nil }
    let open = try descriptor ?? SystemPackage.FileDescriptor.open(file, .readOnly, options: [.closeOnExec])
    descriptor = open
    var buffer = ByteBuffer()
    let wanted = Int(Swift.min(end - offset, 256 << 10))
    let position = offset
    let count = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { space in
      try open.read(fromAbsoluteOffset: position, into: UnsafeMutableRawBufferPointer(rebasing: space[..<wanted]))
    }
    guard count > 0 else {
      throw Failure(
        .failedPrecondition, reason: "outbound-body", "file '\(file)' became shorter while it was being sent")
    }
    offset += Int64(count)
    return buffer
  }
}
