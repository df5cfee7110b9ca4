import ArgumentParser
import Foundation
import Terminal

/// The process's beginning: words in, exit status out.
@main
enum Entry {
  static func main() async {
    // A reader that goes away (`| head`) is reported by write(2) instead of killing us.
    signal(SIGPIPE, SIG_IGN)
    let typed = Array(CommandLine.arguments.dropFirst())
    do {
      let words = try Words.prepared(typed, root: Kindling.self)
      var command = try await Kindling.asyncParseAsRoot(words)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      exit(Complaint(error, words: typed).report())
    }
  }
}
