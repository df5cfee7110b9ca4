import Testing

@testable import Git

@Suite("inflating objects")
struct ObjectInflaterTests {
  private static func inflaters() throws -> [any ObjectInflater] { [try makeObjectInflater(), try ZlibInflater()] }

  /// Inflates the stream at the start of `bytes`, given in pieces, and answers how many bytes it took.
  private static func run(
    _ inflater: any ObjectInflater, _ bytes: [UInt8], piece: Int, room: Int
  ) throws -> (content: [UInt8], taken: Int) {
    inflater.restart()
    var content: [UInt8] = []
    var output = [UInt8](repeating: 0, count: room)
    var start = 0
    while start < bytes.count {
      let end = min(start + piece, bytes.count)
      var next = start
      while true {
        let step = try bytes.withUnsafeBytes { all in
          try output.withUnsafeMutableBytes {
            try inflater.inflate(UnsafeRawBufferPointer(rebasing: all[next..<end]), into: $0)
          }
        }
        next += step.consumed
        content += output.prefix(step.produced)
        if step.ended { return (content, next) }
        if next == end, step.produced < room { break }
      }
      start = end
    }
    return (content, -1)
  }

  @Test(
    "ends where the stream ends, with any pieces and any room", arguments: [1, 2, 3, 7, 64, 100_000],
    [1, 5, 100, 100_000])
  func ends(_ piece: Int, _ room: Int) throws {
    for inflater in try Self.inflaters() {
      for size in [0, 1, 2, 50, 100, 500, 501, 2000] {
        let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 18) }
        let stream = HandmadePack.zlib(content)
        let result = try Self.run(inflater, stream + stream + [1, 2, 3, 4, 5, 6, 7, 8], piece: piece, room: room)
        #expect(result.content == content)
        #expect(result.taken == stream.count, "size \(size)")
      }
    }
  }
}
