import Diagnostics
import Service
import Storage
import SystemPackage

/// Finds the server and the token to talk to it with; the sources are injected, the order is the subject.
struct ServerLookup: Sendable {
  var environment: [String: String]
  /// The running server's own word, by data directory.
  var runFile: @Sendable (FilePath) -> RunFile?
  /// A small file's text, nil when it isn't there or may not be read.
  var text: @Sendable (FilePath) -> String?

  static func live(_ environment: [String: String]) -> ServerLookup {
    ServerLookup(
      environment: environment,
      runFile: { DataDirectory.readRunFile(at: $0) },
      text: { SmallFile.text(of: $0) }
    )
  }

  /// `--api-endpoint`, else `IGNITE_API_ENDPOINT`, else what `run.json` says, else 127.0.0.1:4480.
  func endpoint(_ options: SharedOptions) throws(Failure) -> Endpoint {
    if let option = options.apiEndpoint { return try Endpoint(option) }
    if let variable = value("IGNITE_API_ENDPOINT") { return try Endpoint(variable) }
    if let folder = try? DataLocation(flag: options.dataDir, environment: environment).path, let file = runFile(folder)
    {
      return try Endpoint(file.urls.http)
    }
    return Endpoint(host: "127.0.0.1", port: Endpoint.defaultPort)
  }

  /// `--token`, else `DODIL_TOKEN`, else `IGNITE_TOKEN`, else one made for `--org-name` (or `IGNITE_ORG_NAME`) with the
  /// data directory's key, else the file `token` that `kindling start` made; nil when there is none.
  ///
  /// What lies in the data directory is this machine's own, and is only sent to this machine.
  func token(_ options: SharedOptions, for endpoint: Endpoint) async throws(Failure) -> String? {
    if let option = options.token { return option }
    if let variable = value("DODIL_TOKEN") ?? value("IGNITE_TOKEN") { return variable }
    guard endpoint.isThisMachine else { return nil }
    if let name = options.orgName ?? value("IGNITE_ORG_NAME") {
      let folder = try DataLocation(flag: options.dataDir, environment: environment).path
      return try await LocalMint.token(for: OrganizationName(name), lifetime: .seconds(3600), in: folder)
    }
    guard let folder = try? DataLocation(flag: options.dataDir, environment: environment).path,
      let stored = text(folder.appending("token"))
    else { return nil }
    let trimmed = stored.filter { !$0.isWhitespace }
    return trimmed.isEmpty ? nil : trimmed
  }

  private func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
}

/// Makes tokens without the server, from the key in its data directory.
enum LocalMint {
  static func token(
    for organization: OrganizationName,
    scopes: Set<Scope>? = nil,
    lifetime: Duration,
    in folder: FilePath
  ) async throws(Failure) -> String {
    let path = folder.appending("key")
    guard let key = SmallFile.bytes(of: path), !key.isEmpty else {
      throw Failure(
        .notFound,
        reason: "key-missing",
        "there is no readable key at '\(path)'",
        hint: "start the server once with: kindling start (or name its data directory with --data-dir)"
      )
    }
    guard key.count == 32 else {
      throw Failure(
        .dataLoss,
        reason: "key-damaged",
        "key file '\(path)' has \(key.count) bytes instead of 32",
        hint: "restore it from a copy of the data directory"
      )
    }
    return try await TokenMint(key: key).mint(organization: organization, scopes: scopes, lifetime: lifetime)
  }
}

/// Files of a few bytes, read whole.
enum SmallFile {
  private static let most = 64 << 10

  static func bytes(of path: FilePath) -> [UInt8]? {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: most)
    guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) else { return nil }
    return Array(bytes.prefix(count))
  }

  static func text(of path: FilePath) -> String? { bytes(of: path).map { String(decoding: $0, as: UTF8.self) } }
}
