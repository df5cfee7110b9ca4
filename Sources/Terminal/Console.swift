#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One of the process's outputs: what it is, how wide it is, and writing to it.
package struct Console: Sendable {
  private let descriptor: Int32

  package static let standardOutput = Console(descriptor: 1)
  package static let standardError = Console(descriptor: 2)

  /// Whether somebody looks at it in columns and rows.
  package var isTTY: Bool { isatty(descriptor) == 1 }

  /// Columns and rows; nil when it is no terminal or does not tell.
  package var size: (columns: Int, rows: Int)? {
    var window = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else { return nil }
    return (Int(window.ws_col), Int(window.ws_row))
  }

  /// Columns: the terminal's, else `COLUMNS`, else 80.
  package func width(environment: [String: String]) -> Int {
    size?.columns ?? environment["COLUMNS"].flatMap(Int.init).flatMap { $0 > 0 ? $0 : nil } ?? 80
  }

  /// Writes all of `text`; false when nobody reads it any more (`| head`), which is not our failure.
  @discardableResult
  package func write(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { writeAll(UnsafeRawBufferPointer($0)) }
  }

  /// Writes bytes as they are; false when nobody reads them any more.
  @discardableResult
  package func write(bytes: some Collection<UInt8>) -> Bool {
    bytes.withContiguousStorageIfAvailable { writeAll(UnsafeRawBufferPointer($0)) }
      ?? Array(bytes).withUnsafeBytes { writeAll($0) }
  }

  private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var rest = bytes
    while let base = rest.baseAddress, !rest.isEmpty {
      #if canImport(Glibc)
        let count = Glibc.write(descriptor, base, rest.count)
      #else
        let count = Darwin.write(descriptor, base, rest.count)
      #endif
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    return true
  }

  /// Writes each line with its line end, in one go.
  package func write(lines: [String]) {
    guard !lines.isEmpty else { return }
    write(lines.joined(separator: "\n") + "\n")
  }
}
