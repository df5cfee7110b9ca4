/// Finds the word somebody probably meant.
package enum Suggestion {
  /// The candidate nearest to `word`, if it is near enough to be a slip of the keyboard.
  package static func nearest(to word: String, among candidates: [String]) -> String? {
    let letters = Array(word.lowercased().utf8)
    guard letters.count <= 32 else { return nil }
    let ranked = candidates.map { (word: $0, distance: distance(letters, Array($0.lowercased().utf8))) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, min(2, letters.count / 2)) ? best.word : nil
  }

  /// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var before: [Int] = []
    var previous = Array(0...b.count)
    for i in a.indices {
      var current = [i + 1]
      for j in b.indices {
        var cost = min(previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, current[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
        current.append(cost)
      }
      before = previous
      previous = current
    }
    return previous[b.count]
  }
}
