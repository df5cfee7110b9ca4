import Diagnostics
import SystemPackage

/// The call of the system's ssh that reaches a repository.
struct SSHCommand {
  let program: FilePath
  let arguments: [String]
  let environment: [String: String]

  /// Finds ssh in `PATH`; throws `git-ssh-missing`, or `git-address-transport` for another address.
  init(address: GitAddress, environment: [String: String], connectTimeout: Duration) throws(Failure) {
    guard address.transport == .ssh, var host = address.host else {
      throw Failure(.invalidArgument, reason: "git-address-transport", "address \"\(address.url)\" is not one for ssh")
    }
    program = try Self.find("ssh", in: environment["PATH"] ?? "")
    if host.hasPrefix("[") { host = String(host.dropFirst().dropLast()) }
    let destination = address.user.map { "\($0)@\(host)" } ?? host
    // What ssh takes for an option, it obeys (CVE-2017-1000117); the address was read so that this cannot be.
    if destination.hasPrefix("-") || address.path.hasPrefix("-") {
      throw Failure(.invalidArgument, reason: "git-address-syntax", "address \"\(address.url)\" begins with \"-\"")
    }
    var arguments = [
      "-o", "BatchMode=yes", "-o", "ConnectTimeout=\(max(1, connectTimeout.components.seconds))", "-o",
      "SendEnv=GIT_PROTOCOL",
    ]
    if let port = address.port { arguments += ["-p", String(port)] }
    self.arguments = arguments + ["--", destination, "git-upload-pack \(Self.quoted(address.path))"]
    self.environment = environment.merging(["GIT_PROTOCOL": "version=2"]) { $1 }
  }

  /// One word for the remote's shell, whatever is in it; `!` is apart for shells that keep a history.
  static func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: #"'\''"#).replacing("!", with: #"'\!'"#) + "'"
  }

  private static func find(_ name: String, in path: String) throws(Failure) -> FilePath {
    for folder in path.split(separator: ":") where folder.hasPrefix("/") {
      let candidate = FilePath(String(folder)).appending(name)
      if access(candidate) { return candidate }
    }
    throw Failure(
      .failedPrecondition, reason: "git-ssh-missing", "program \"ssh\" is not in PATH, and an ssh address needs it",
      hint: "install openssh-client (apt-get install openssh-client), or use the https:// address of the repository")
  }

  private static func access(_ path: FilePath) -> Bool {
    guard let descriptor = try? FileDescriptor.open(path, .readOnly) else { return false }
    try? descriptor.close()
    return true
  }
}
