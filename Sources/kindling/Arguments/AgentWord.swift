import Diagnostics
import SystemPackage

/// The words that name ssh agents for builds: `default`, `ID` or `ID=SOCKET`, as BuildKit's `--ssh` has them.
enum AgentWord {
  /// The sockets by their ids; without one it is that of `SSH_AUTH_SOCK`. Throws `ssh-agent-unknown`.
  static func sockets(
    _ words: [String], of flag: String, _ environment: [String: String]
  ) throws(Failure) -> [String: FilePath] {
    var sockets: [String: FilePath] = [:]
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard let path = parts.count == 2 ? parts[1] : environment["SSH_AUTH_SOCK"], !parts[0].isEmpty, !path.isEmpty
      else {
        throw Failure(
          .invalidArgument, reason: "ssh-agent-unknown", "'\(flag) \(word)' names no agent's socket",
          hint: "set SSH_AUTH_SOCK, as ssh-agent says, or write ID=SOCKET")
      }
      sockets[parts[0]] = FilePath(path)
    }
    return sockets
  }

  /// Throws for what is no socket, such as a key, which BuildKit takes here too.
  static func check(_ path: FilePath) throws(Failure) {
    let type = (try? path.stat())?.type
    if type == .socket { return }
    let isThere = type != nil
    throw Failure(
      .invalidArgument, reason: "ssh-agent-unknown", "'\(path)' \(isThere ? "is no agent's socket" : "is not there")",
      hint: "start an agent with: eval $(ssh-agent); give it the key with: ssh-add KEY")
  }
}
