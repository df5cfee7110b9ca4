import Diagnostics
import Testing

@testable import Gateway

@Suite struct RangeTests {
  @Test(
    "a range of 2,048 bytes",
    arguments: [
      ("bytes=500-1499", .part(500..<1500)), ("bytes=500-", .part(500..<2048)), ("bytes=-500", .part(1548..<2048)),
      ("bytes=2000-5000", .part(2000..<2048)), ("bytes=0-0", .part(0..<1)), ("bytes=-5000", .part(0..<2048)),
      ("bytes=500-0", .unsatisfiable), ("bytes=5000-10000", .unsatisfiable), ("bytes=2048-", .unsatisfiable),
      ("bytes=-0", .unsatisfiable), ("bytes=0-99999999999999999999", .part(0..<2048)),
      ("bytes=99999999999999999999-", .unsatisfiable), ("bytes=-99999999999999999999", .part(0..<2048)),
      (nil, .whole), ("bytes=", .whole), ("bytes=-", .whole), ("bytes=a-b", .whole), ("bytes=0-1,3-4", .whole),
      ("lines=0-1", .whole), ("bytes=1--2", .whole), ("bytes=0-9223372036854775807", .part(0..<2048)),
    ] as [(String?, ByteRange)]
  )
  func ranges(header: String?, expected: ByteRange) {
    #expect(ByteRange(header, size: 2048) == expected)
  }

  @Test("no range of an empty blob can be satisfied", arguments: ["bytes=0-", "bytes=-1", "bytes=0-0"])
  func empty(header: String) {
    #expect(ByteRange(header, size: 0) == .unsatisfiable)
  }

  @Test(
    "a chunk's range counts both ends",
    arguments: [("0-9", 0, 10), ("10-10", 10, 1), ("bytes 5-9/100", 5, 5), ("bytes=5-9", 5, 5)]
  )
  func chunks(header: String, first: Int64, count: Int64) throws {
    let range = try #require(try ChunkRange(header))
    #expect(range.first == first)
    #expect(range.count == count)
  }

  @Test(
    "a chunk's range that makes no sense is refused",
    arguments: ["", "9-0", "a-b", "-5", "5-", "0-9223372036854775807", "1-2-3"]
  )
  func badChunks(header: String) {
    #expect(#expect(throws: Failure.self) { try ChunkRange(header) }?.reason == "range-invalid")
  }
}
