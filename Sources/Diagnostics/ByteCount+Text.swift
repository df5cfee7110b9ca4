extension ByteCount {
  /// Reads what people write: `4096`, `64KiB`, `512MiB`, `10GiB`, `1TiB`, and the decimal `kB`, `MB`, `GB`, `TB`; nil
  /// for anything else, and beyond an exbibyte.
  package init?(text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let units: [String: Int64] = [
      "": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "kB": 1000, "MB": 1_000_000,
      "GB": 1_000_000_000, "TB": 1_000_000_000_000,
    ]
    guard let number = Int64(digits), let unit = units[String(text.dropFirst(digits.count))] else { return nil }
    let (bytes, isTooLarge) = number.multipliedReportingOverflow(by: unit)
    guard !isTooLarge, bytes <= 1 << 60 else { return nil }
    self.init(bytes)
  }
}
