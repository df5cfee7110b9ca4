/// Numbers in a record of a zip archive; offsets beyond its end read as 0, so lengths are checked beforehand.
struct LittleEndianFields {
  let bytes: [UInt8]

  init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

  func u16(_ offset: Int) -> Int { Int(number(offset, 2)) }
  func u32(_ offset: Int) -> Int64 { Int64(number(offset, 4)) }
  /// Numbers beyond 63 bits become the largest that is one, which no file can hold.
  func u64(_ offset: Int) -> Int64 { Int64(clamping: number(offset, 8)) }

  private func number(_ offset: Int, _ count: Int) -> UInt64 {
    guard offset >= 0, offset + count <= bytes.count else { return 0 }
    return (0..<count).reversed().reduce(0) { $0 << 8 | UInt64(bytes[offset + $1]) }
  }
}
