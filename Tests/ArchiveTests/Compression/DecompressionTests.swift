import Diagnostics
import Testing

@testable import Archive

@Suite struct DecompressionTests {
  struct Packer: CustomTestStringConvertible {
    var command: [String]
    var compression: Compression
    var testDescription: String { compression.rawValue }
  }

  static let packers = [
    Packer(command: ["gzip", "-c"], compression: .gzip),
    Packer(command: ["zstd", "-qc"], compression: .zstd),
    Packer(command: ["xz", "-c"], compression: .xz),
    Packer(command: ["bzip2", "-c"], compression: .bzip2),
    Packer(command: ["cat"], compression: .none),
  ]

  private func unpack(_ bytes: [UInt8], pieceSize: Int = .max, limit: ByteCount = .mebibytes(64)) throws -> [UInt8] {
    try Decompression.reader(over: BytesReader(bytes, pieceSize: pieceSize), limit: limit).contents(limit: limit)
  }

  @Test("what other programs pack is told by content and unpacked", arguments: packers)
  func foreign(_ packer: Packer) throws {
    for bytes in [Sample.text(3_000_000), Sample.noise(1_000_000), [7], []] {
      let packed = try Sample.run(packer.command, input: bytes)
      #expect(Compression.detect(packed) == packer.compression)
      #expect(Sample.same(try unpack(packed), bytes))
    }
  }

  @Test("members one after the other are one stream, however they arrive", arguments: packers, [1, 7, 4096])
  func members(_ packer: Packer, pieceSize: Int) throws {
    let (a, b) = (Sample.text(40_000), Sample.noise(30_000))
    let packed = try Sample.run(packer.command, input: a) + Sample.run(packer.command, input: b)
    #expect(Sample.same(try unpack(packed, pieceSize: pieceSize), a + b))
  }

  @Test("a stream cut anywhere is truncated, never short", arguments: packers.dropLast())
  func truncated(_ packer: Packer) throws {
    let packed = try Sample.run(packer.command, input: Sample.text(2000))
    for count in Compression.prefixLength..<packed.count {
      #expect(Sample.reason { _ = try unpack(Array(packed[..<count])) } == "archive-truncated", "\(count) bytes")
    }
  }

  @Test("a damaged stream is corrupt", arguments: packers.dropLast())
  func corrupt(_ packer: Packer) throws {
    // `zstd` checks content by default as the others do.
    var packed = try Sample.run(packer.command, input: Sample.noise(20_000))
    packed[packed.count / 2] ^= 0x55
    #expect(Sample.reason { _ = try unpack(packed) } == "archive-corrupt")
  }

  @Test("bytes behind a gzip stream are corrupt, zeros are padding")
  func trailing() throws {
    let packed = try Sample.run(["gzip", "-c"], input: Sample.text(1000))
    #expect(try unpack(packed + [UInt8](repeating: 0, count: 300_000)) == Sample.text(1000))
    #expect(Sample.reason { _ = try unpack(packed + [0, 0, 1]) } == "archive-corrupt")
    #expect(Sample.reason { _ = try unpack(packed + [UInt8]("junk".utf8)) } == "archive-corrupt")
  }

  @Test("gzip headers with name, comment, extra field and header checksum are read over")
  func gzipHeader() throws {
    let body = Array(try Sample.run(["gzip", "-nc"], input: Sample.text(1000)).dropFirst(10))
    let header: [UInt8] = [0x1F, 0x8B, 8, 4 + 8 + 16, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3]
    #expect(try unpack(header + Array("../../name\0comment\0".utf8) + body, pieceSize: 3) == Sample.text(1000))
  }

  @Test("a bomb stops at the limit", arguments: packers.dropLast())
  func bomb(_ packer: Packer) throws {
    let packed = try Sample.run(packer.command, input: [UInt8](repeating: 0, count: 8 << 20))
    #expect(Sample.reason { _ = try unpack(packed, limit: .mebibytes(1)) } == "archive-too-large")
    #expect(try unpack(packed, limit: .mebibytes(8)).count == 8 << 20)
  }

  @Test("zlib inflates what ISA-L inflates, for machines without it", arguments: [1, 5, 100_000])
  func zlib(pieceSize: Int) throws {
    let bytes = Sample.text(200_000)
    let packed = try Sample.run(["gzip", "-c"], input: bytes)
    let reader = DecodingReader(over: BytesReader(packed + packed, pieceSize: pieceSize), decoder: ZlibDecoder(.gzip))
    #expect(try reader.contents(limit: .mebibytes(1)) == bytes + bytes)
    let cut = DecodingReader(over: BytesReader(Array(packed.dropLast())), decoder: ZlibDecoder(.gzip))
    #expect(Sample.reason { try cut.drain() } == "archive-truncated")
  }
}
