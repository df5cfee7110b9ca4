import Archive
import Diagnostics
import OCI
import SystemPackage
import Testing

@Suite struct StreamTests {
  @Test("a file written in small and large pieces reads back, whole and in part")
  func fileRoundTrip() throws {
    try Sample.withDirectory { directory in
      let path = directory.appending("file")
      let bytes = Sample.noise(300_000)
      let writer = try FileWriter(creating: path)
      for range in [0..<1, 1..<70_000, 70_000..<70_010, 70_010..<300_000] { try writer.write(Array(bytes[range])) }
      try writer.finish()
      try writer.finish()
      #expect(try FileReader(path: path).contents(limit: .mebibytes(1)) == bytes)
      let part = try FileReader(path: path, offset: 69_990, length: 40).contents(limit: .mebibytes(1))
      #expect(part == Array(bytes[69_990..<70_030]))
      #expect(try FileReader(path: path, offset: 400_000).contents(limit: .mebibytes(1)).isEmpty)
    }
  }

  @Test("readers of parts share one descriptor without moving it")
  func sharedDescriptor() throws {
    try Sample.withDirectory { directory in
      let path = directory.appending("file")
      try Sample.write(Array("0123456789".utf8), to: path)
      let descriptor = try FileDescriptor.open(path, .readOnly)
      defer { try? descriptor.close() }
      let a = FileReader(descriptor, offset: 2, length: 3)
      let b = FileReader(descriptor, offset: 7)
      #expect(try a.contents(limit: .init(10)) == Array("234".utf8))
      #expect(try b.contents(limit: .init(10)) == Array("789".utf8))
      #expect(try FileReader(descriptor).contents(limit: .init(10)) == Array("0123456789".utf8))
    }
  }

  @Test("a missing file is told by name")
  func missingFile() {
    #expect(Sample.reason { _ = try FileReader(path: "/nonexistent/file") } == "file-not-found")
  }

  @Test("hashing filters count and hash what passes")
  func hashing() throws {
    let bytes = Sample.text(100_000)
    let reader = HashingReader(over: BytesReader(bytes, pieceSize: 777))
    let collected = BytesWriter()
    let writer = HashingWriter(into: collected)
    try reader.copy(to: writer)
    try writer.finish()
    #expect(reader.digest == Digest(sha256Of: bytes))
    #expect(writer.digest == reader.digest)
    #expect(reader.count == 100_000 && writer.count == 100_000)
    #expect(collected.isFinished)
  }

  @Test("looking ahead takes nothing away")
  func peeking() throws {
    let bytes = Sample.noise(5000)
    let reader = BufferedReader(over: BytesReader(bytes, pieceSize: 100), capacity: 1024)
    #expect(Array(try reader.peek(6)) == Array(bytes[..<6]))
    #expect(Array(try reader.peek(512)) == Array(bytes[..<512]))
    #expect(try reader.contents(limit: .mebibytes(1)) == bytes)
    #expect(try reader.peek(6).isEmpty)
  }

  @Test("a reader beyond its limit throws, at the limit it doesn't")
  func limit() throws {
    #expect(try BytesReader([1, 2, 3]).contents(limit: .init(3)) == [1, 2, 3])
    #expect(Sample.reason { _ = try BytesReader([1, 2, 3, 4]).contents(limit: .init(3)) } == "archive-too-large")
  }

  @Test("a full disk is told as such")
  func fullDisk() throws {
    let writer = try FileWriter(creating: "/dev/full")
    try writer.write([1, 2, 3])
    #expect(Sample.reason { try writer.finish() } == "disk-full")
  }
}
