/// The `word value` lines at the start of a commit or tag.
struct HeaderLines {
  private let content: [UInt8]
  private var position = 0

  init(_ content: [UInt8]) { self.content = content }

  /// The value of the next line when the line begins with `word` and a space.
  mutating func take(_ word: String) -> String? {
    let start = position + word.utf8.count + 1
    guard start <= content.count, content[position..<start].elementsEqual(Array(word.utf8) + [0x20]),
      let end = content[start...].firstIndex(of: 0x0A)
    else { return nil }
    position = end + 1
    return String(decoding: content[start..<end], as: UTF8.self)
  }
}
