/// A caller's words inside a message of ours.
enum Shown {
  /// Without control characters, which would tear a log or a terminal apart, and not without end.
  static func text(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }.prefix(200)))
  }
}
