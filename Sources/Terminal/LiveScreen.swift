/// The bytes that turn one frame on the screen into the next; knows what it drew last.
///
/// Works in the normal screen with relative moves only, so that scrollback keeps every settled line.
struct LiveScreen: Sendable {
  private var last: [String] = []

  /// Draws `frame` over the live lines of the last one. `width` is the terminal's now: after it shrank, a line drawn
  /// before takes several rows.
  mutating func draw(_ frame: TTYProgress.Frame, width: Int) -> String {
    guard !frame.settled.isEmpty || frame.live != last else { return "" }
    var text = ""
    let rows = last.reduce(0) { $0 + max(1, ($1.displayWidth + width - 1) / max(1, width)) }
    if rows > 0 { text += "\r\u{1b}[\(rows)A\u{1b}[J" }
    for line in frame.settled + frame.live { text += line + "\n" }
    last = frame.live
    return text
  }
}
