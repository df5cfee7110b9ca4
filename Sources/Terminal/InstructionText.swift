/// A Dockerfile instruction shortened to fit a line.
enum InstructionText {
  /// Long paths lose their middle first (their ends tell more), then the line loses its end.
  static func fitted(_ instruction: String, to width: Int, ellipsis: String) -> String {
    let line = Escape.tamed(instruction)
    guard line.displayWidth > width else { return line }
    var words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    while words.joined(separator: " ").displayWidth > width {
      let paths = words.indices.compactMap { index in abridged(words[index], ellipsis: ellipsis).map { (index, $0) } }
      guard let longest = paths.max(by: { words[$0.0].displayWidth < words[$1.0].displayWidth }) else { break }
      words[longest.0] = longest.1
    }
    return words.joined(separator: " ").truncated(to: width, ellipsis: ellipsis)
  }

  /// `/usr/…/bin/tool` from `/usr/local/share/bin/tool`; nil when nothing more can go.
  private static func abridged(_ word: String, ellipsis: String) -> String? {
    var parts = word.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let first = parts.first?.isEmpty == true ? 2 : 1
    guard parts.count > first + 1 else { return nil }
    if parts[first] == ellipsis {
      guard parts.count > first + 2 else { return nil }
      parts.remove(at: first + 1)
    } else {
      parts[first] = ellipsis
    }
    let shorter = parts.joined(separator: "/")
    return shorter.displayWidth < word.displayWidth ? shorter : nil
  }
}
