import Diagnostics
import FoundationEssentials
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A program `docker-credential-NAME` that keeps credentials (docker/docker-credential-helpers): `get` reads a host from
/// standard input and writes a JSON object.
struct CredentialHelper {
  private struct Answer: Decodable {
    var Username: String
    var Secret: String
  }

  let name: String
  /// What the helper is started with; its PATH is where the helper is looked for.
  let environment: [String: String]
  /// The configuration that names the helper, for messages.
  let config: FilePath
  var patience = Duration.seconds(10)

  /// Nil when the helper keeps nothing for the host.
  func credential(for host: String) async throws(Failure) -> RegistryCredential? {
    guard !name.isEmpty, name.utf8.allSatisfy({ isWord($0) }) else {
      throw failed("its name is not letters, digits, '-', '_' and '.'")
    }
    let program = "docker-credential-" + name
    let folders = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    guard let folder = folders.first(where: { access("\($0)/\(program)", X_OK) == 0 }) else {
      throw Failure(
        .failedPrecondition, reason: "credential-helper-failed",
        "'\(config)' names the helper '\(program)', which is missing",
        hint: "install it, or log in without it: docker login")
    }
    let (status, output) = try run("\(folder)/\(program)", input: host)
    guard status == 0 else {
      // The only word of the protocol for nothing kept.
      if output.contains("credentials not found") { return nil }
      throw failed("it ended with status \(status)")
    }
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(output.utf8)) else {
      throw failed("it did not answer in JSON")
    }
    if answer.Secret.isEmpty { return nil }
    return answer.Username == "<token>"
      ? .identityToken(answer.Secret) : .password(user: answer.Username, secret: answer.Secret)
  }

  private func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x61...0x7a, 0x41...0x5a, 0x30...0x39, 0x2d, 0x2e, 0x5f: true
    default: false
    }
  }

  private func failed(_ why: String) -> Failure {
    Failure(
      .failedPrecondition, reason: "credential-helper-failed",
      "the credential helper '\(name)' of '\(config)' failed: \(why)",
      hint: "try it: echo HOST | docker-credential-\(name) get")
  }

  #if canImport(Glibc)
    private static let socketKind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    private static let noMoreWriting = Int32(SHUT_WR)
  #else
    private static let socketKind = SOCK_STREAM
    private static let noMoreWriting = SHUT_WR
  #endif

  /// Runs the helper with the rest of the patience; more than 64 KiB of answer is no answer.
  private func run(_ program: String, input: String) throws(Failure) -> (status: Int32, output: String) {
    // One socket for both ways: its ends are closed on exec from the beginning, which pipe(2) cannot have.
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Self.socketKind, 0, &ends) == 0 else { throw failed("no socket") }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var child: pid_t = 0
    var arguments = [strdup(program), strdup("get"), nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    let error = posix_spawn(&child, program, &actions, nil, &arguments, &variables)
    // Shorter than the socket's buffer, so that this never waits; our own second end keeps SIGPIPE away.
    _ = input.withCString { write(ends[0], $0, strlen($0)) }
    shutdown(ends[0], Self.noMoreWriting)
    close(ends[1])
    guard error == 0 else { throw failed(String(cString: strerror(error))) }
    let output = read(ends[0])
    if output == nil { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    guard let output else { throw failed("it did not answer within 10 s") }
    return (status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f), String(decoding: output, as: UTF8.self))
  }

  /// Nil when the time is over, the task is cancelled or the answer does not end.
  private func read(_ descriptor: Int32) -> [UInt8]? {
    let end = ContinuousClock.now + patience
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count <= 64 << 10, ContinuousClock.now < end, !Task.isCancelled {
      var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&wanted, 1, 100) > 0 else { continue }
      let count = systemRead(descriptor, &buffer, buffer.count)
      if count == 0 { return bytes }
      if count < 0, errno != EINTR { return nil }
      if count > 0 { bytes += buffer[..<count] }
    }
    return nil
  }
}

/// read(2), which a method of the same name hides.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(descriptor, buffer, count)
}
