import ArgumentParser
import Diagnostics

/// What was typed, brought into the order the parser wants; nothing is interpreted beyond the words that name commands.
enum Words {
  /// Options every command has, that take a value; they may stand before the command too (contract §4.1).
  static let sharedValues: Set<String> = [
    "-o", "--output", "--api-endpoint", "--token", "--org-name", "--timeout", "--config", "--data-dir",
  ]
  /// The same without a value.
  static let sharedFlags: Set<String> = ["--debug"]

  /// `words` without a leading `ignite` (`dodil ignite build …` is the vendor's spelling of `build …`), with shared
  /// options moved behind the command, and with `build PATH` sent to its own command.
  ///
  /// Throws `command-unknown` for a first word that names no command.
  static func prepared(_ words: [String], root: any ParsableCommand.Type) throws(Failure) -> [String] {
    var (shared, rest) = leadingOptions(of: words[...])
    if rest.first == "ignite" {
      let again = leadingOptions(of: rest.dropFirst())
      shared += again.shared
      rest = again.rest
    }
    var command: [String] = []
    var node = root
    while let word = rest.first, let child = subcommand(word, of: node) {
      command.append(word)
      rest.removeFirst()
      node = child
      let more = leadingOptions(of: rest)
      // Below the last command the options are where they belong.
      guard let next = more.rest.first, subcommand(next, of: node) != nil else { break }
      shared += more.shared
      rest = more.rest
    }
    if command.isEmpty, let word = rest.first, !word.hasPrefix("-"), word != "help" {
      throw unknown(word, of: root)
    }
    if node == BuildCommand.self, !rest.isEmpty, !rest.allSatisfy(isHelp) {
      command.append(BuildPathCommand.name)
    }
    return command + shared + rest
  }

  private static func unknown(_ word: String, of root: any ParsableCommand.Type) -> Failure {
    let known = names(below: root)
    let hint = Nearest.word(to: word, among: known).map { "did you mean '\($0)'?" }
    return Failure(
      .invalidArgument,
      reason: "command-unknown",
      "'\(word)' is not a command",
      hint: hint ?? "the commands are \(known.joined(separator: ", "))"
    )
  }

  /// The commands below `node` that help shows.
  static func names(below node: any ParsableCommand.Type) -> [String] {
    children(of: node).filter { $0.configuration.shouldDisplay }.compactMap { $0.configuration.commandName }
  }

  private static func children(of node: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
    node.configuration.subcommands
  }

  private static func isHelp(_ word: String) -> Bool { ["-h", "--help", "-help", "help"].contains(word) }

  private static func leadingOptions(of words: ArraySlice<String>) -> (shared: [String], rest: ArraySlice<String>) {
    var shared: [String] = []
    var rest = words
    while let word = rest.first {
      let name = word.split(separator: "=", maxSplits: 1).first.map(String.init) ?? word
      if sharedFlags.contains(word) || (name != word && sharedValues.contains(name)) {
        shared.append(word)
        rest = rest.dropFirst()
      } else if sharedValues.contains(word), rest.count > 1 {
        shared += rest.prefix(2)
        rest = rest.dropFirst(2)
      } else {
        break
      }
    }
    return (shared, rest)
  }

  private static func subcommand(_ word: String, of node: any ParsableCommand.Type) -> (any ParsableCommand.Type)? {
    children(of: node).first {
      $0.configuration.commandName == word || $0.configuration.aliases.contains(word)
    }
  }
}
