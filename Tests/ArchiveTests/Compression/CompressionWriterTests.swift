import Archive
import Diagnostics
import Testing

@Suite struct CompressionWriterTests {
  private func packed(_ bytes: [UInt8], pieceSize: Int = .max, _ make: (any ByteWriter) throws -> any ByteWriter) throws
    -> [UInt8]
  {
    let collected = BytesWriter()
    let writer = try make(collected)
    for start in stride(from: 0, to: bytes.count, by: min(pieceSize, max(1, bytes.count))) {
      try writer.write(Array(bytes[start..<min(bytes.count, start + min(pieceSize, bytes.count))]))
    }
    try writer.finish()
    try writer.finish()
    #expect(collected.isFinished)
    return collected.bytes
  }

  /// Named, because a test's arguments are written out as JSON, which takes seconds for megabytes.
  enum Input: String, CaseIterable {
    case nothing, oneByte, line, onePiece, manyPieces, noise, halfNoise, zeros

    var bytes: [UInt8] {
      switch self {
      case .nothing: []
      case .oneByte: [65]
      case .line: Sample.text(1000)
      case .onePiece: Sample.text(1 << 20)
      case .manyPieces: Sample.text(5_000_001)
      case .noise: Sample.noise(2_500_000)
      case .halfNoise: Sample.noise(1 << 20) + Sample.text(1 << 20)
      case .zeros: [UInt8](repeating: 0, count: 3 << 20)
      }
    }
  }

  @Test("gzip and our own reader unpack what the gzip writer packs", arguments: Input.allCases, [1, 2, 3])
  func gzip(_ input: Input, level: Int) throws {
    let bytes = input.bytes
    let result = try packed(bytes) { GzipWriter(into: $0, level: level) }
    #expect(Sample.same(try Sample.run(["gzip", "-dc"], input: result), bytes))
    #expect(
      try Decompression.reader(over: BytesReader(result), limit: .mebibytes(64)).contents(limit: .mebibytes(64))
        == bytes
    )
  }

  @Test("gzip output depends on the input alone")
  func deterministic() throws {
    let bytes = Sample.text(3_300_000)
    let result = try packed(bytes) { GzipWriter(into: $0) }
    for size in [1000, 1 << 20, 3_000_000] {
      #expect(Sample.same(try packed(bytes, pieceSize: size) { GzipWriter(into: $0) }, result))
    }
    #expect(Array(result[..<10]) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
    #expect(result.count < bytes.count / 2)
  }

  @Test("what doesn't shrink is stored, a few bytes longer")
  func stored() throws {
    let bytes = Sample.noise(4 << 20)
    let result = try packed(bytes) { GzipWriter(into: $0) }
    #expect(result.count < bytes.count + 400)
  }

  @Test("a piece is deflated when a part of it shrinks, wherever that is")
  func partlyNoise() throws {
    for quarter in 0..<4 {
      var bytes = Sample.noise(1 << 20)
      bytes.replaceSubrange(quarter << 18..<(quarter + 1) << 18, with: Sample.text(1 << 18))
      let result = try packed(bytes) { GzipWriter(into: $0) }
      #expect(result.count < bytes.count - (1 << 17), "quarter \(quarter)")
      #expect(Sample.same(try Sample.run(["gzip", "-dc"], input: result), bytes))
    }
  }

  @Test("zstd unpacks what the zstd writer packs", arguments: Input.allCases)
  func zstd(_ input: Input) throws {
    let bytes = input.bytes
    let result = try packed(bytes) { try ZstdWriter(into: $0) }
    #expect(Sample.same(try Sample.run(["zstd", "-dc"], input: result), bytes))
    #expect(Sample.same(try packed(bytes, pieceSize: 77_777) { try ZstdWriter(into: $0) }, result))
  }
}
