/// The bytes a `Range` header asks for (RFC 9110 §14.1.2).
enum ByteRange: Equatable {
  /// No header, or one that may be ignored: another unit, several ranges, not well-formed.
  case whole
  case part(Range<Int64>)
  /// 416.
  case unsatisfiable

  init(_ header: String?, size: Int64) {
    self = .whole
    guard let header, header.hasPrefix("bytes="), !header.contains(",") else { return }
    let bounds = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
      .map { $0.trimming(" ") }
    guard bounds.count == 2, bounds.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else { return }
    switch (bounds[0].isEmpty, bounds[1].isEmpty) {
    case (true, true): return
    case (true, false):
      // A number beyond 63 bits asks for all of it.
      let length = min(Int64(bounds[1]) ?? .max, size)
      self = length > 0 ? .part(size - length..<size) : .unsatisfiable
    case (false, true):
      guard let first = Int64(bounds[0]), first < size else {
        self = .unsatisfiable
        return
      }
      self = .part(first..<size)
    case (false, false):
      let last = Int64(bounds[1]) ?? .max
      // Spec: a range whose end lies before its start is not well-formed and may be ignored. Here: it is 416, as the
      // conformance suite wants it.
      guard let first = Int64(bounds[0]), first < size, first <= last else {
        self = .unsatisfiable
        return
      }
      self = .part(first..<min(last, size - 1) + 1)
    }
  }
}

extension Substring {
  /// Without that character at both ends.
  func trimming(_ character: Character) -> Substring {
    var rest = drop { $0 == character }
    while rest.last == character { rest.removeLast() }
    return rest
  }
}
