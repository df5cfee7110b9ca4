/// Splits an instruction's arguments.
enum Words {
  /// The words between runs of blanks; quotes mean nothing.
  static func separatedByBlanks(_ bytes: ArraySlice<UInt8>) -> [String] {
    bytes.split(whereSeparator: \.isBlank).map(\.text)
  }

  /// The first word and what follows the blanks after it.
  static func first(of bytes: ArraySlice<UInt8>) -> (word: ArraySlice<UInt8>, rest: ArraySlice<UInt8>) {
    let line = bytes.trimmed()
    guard let end = line.firstIndex(where: \.isBlank) else { return (line, line[line.endIndex...]) }
    return (line[..<end], line[end...].trimmed())
  }

  /// The words of ENV, LABEL and ARG: quoted blanks do not split, and quotes and escapes stay for expansion.
  static func keepingQuotes(_ bytes: ArraySlice<UInt8>, escape: UInt8) -> [String] {
    var words: [String] = []
    var word: [UInt8] = []
    var quote: UInt8?
    var isInWord = false
    var index = bytes.startIndex
    while index < bytes.endIndex {
      let byte = bytes[index]
      index += 1
      if quote == nil, byte.isBlank {
        if isInWord { words.append(word.text) }
        word = []
        isInWord = false
        continue
      }
      isInWord = true
      if byte == escape, quote != Byte.singleQuote {
        // An escape at the very end has nothing to escape and is dropped.
        guard index < bytes.endIndex else { break }
        word += [byte, bytes[index]]
        index += 1
        continue
      }
      if byte == quote {
        quote = nil
      } else if quote == nil, byte == Byte.singleQuote || byte == Byte.doubleQuote {
        quote = byte
      }
      word.append(byte)
    }
    if isInWord, !word.isEmpty { words.append(word.text) }
    return words
  }
}
