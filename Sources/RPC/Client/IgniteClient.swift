import API
import Diagnostics
import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2
import SystemPackage

/// The contract's services as their caller sees them: over plaintext HTTP/2, with the caller's token.
///
/// Every method throws what the server's own `Failure` was, or `server-unreachable`.
package struct IgniteClient: Sendable {
  typealias Transport = HTTP2ClientTransport.Posix

  /// Bytes of an archive in one message, as the contract recommends.
  package static let chunk = ByteCount.kibibytes(512)

  private let builds: Dodil_Ignite_V1_BuildService.Client<Transport>
  let secrets: Dodil_Ignite_V1_SecretService.Client<Transport>
  let compute: Dodil_Ignite_V1_ComputeService.Client<Transport>
  private let server: Door.Address
  let metadata: Metadata

  /// Opens a connection, which lasts as long as `body` runs. `token` is sent as it is; nil sends none.
  package static func withConnection<Result: Sendable>(
    to server: Door.Address,
    token: String?,
    _ body: (IgniteClient) async throws -> Result
  ) async throws(Failure) -> Result {
    // A server with `--protoset` takes others' numbers, and ours from whoever says so.
    var metadata: Metadata = [FieldNumbers.ownKey: .string(FieldNumbers.ownValue)]
    if let token {
      guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
        throw Failure(
          .unauthenticated,
          reason: "token-invalid",
          "the token has characters that no token has",
          hint: "get one with: kindling token"
        )
      }
      metadata.addString("Bearer \(token)", forKey: "authorization")
    }
    var done: Result?
    do {
      var config = Transport.Config.defaults
      config.http2.maxFrameSize = 1 << 20
      config.connection.flushCoalescing = nil
      let transport = try Transport(
        target: .dns(host: server.host, port: server.port),
        transportSecurity: .plaintext,
        config: config
      )
      return try await withGRPCClient(transport: transport) { client in
        let result = try await body(IgniteClient(client, server: server, metadata: metadata))
        done = result
        return result
      }
    } catch {
      // A body that called nothing can end before the connection begins, which the library calls an error.
      if let done, (error as? RuntimeError)?.code == .clientIsStopped { return done }
      throw Failure(answer: error, server: server)
    }
  }

  private init(_ client: GRPCClient<Transport>, server: Door.Address, metadata: Metadata) {
    builds = Dodil_Ignite_V1_BuildService.Client(wrapping: client)
    secrets = Dodil_Ignite_V1_SecretService.Client(wrapping: client)
    compute = Dodil_Ignite_V1_ComputeService.Client(wrapping: client)
    self.server = server
    self.metadata = metadata
  }

  /// Queues a build.
  package func createBuild(
    _ message: Dodil_Ignite_V1_CreateBuildRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_CreateBuildResponse {
    try await answer { try await builds.createBuild(message, metadata: metadata, options: Self.options) }
  }

  /// One build.
  package func getBuild(_ id: String) async throws(Failure) -> Dodil_Ignite_V1_Build {
    var message = Dodil_Ignite_V1_GetBuildRequest()
    message.buildID = id
    let request = message
    return try await answer {
      try await builds.getBuild(request, metadata: metadata, options: Self.options).build
    }
  }

  /// One page of builds.
  package func listBuilds(
    _ message: Dodil_Ignite_V1_ListBuildsRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_ListBuildsResponse {
    try await answer { try await builds.listBuilds(message, metadata: metadata, options: Self.options) }
  }

  /// Hands each line of the log to `each` until the build is terminal.
  package func streamLogs(
    of id: String,
    fromStart: Bool,
    _ each: @escaping @Sendable (Dodil_Ignite_V1_StreamBuildLogsResponse) async throws -> Void
  ) async throws(Failure) {
    var message = Dodil_Ignite_V1_StreamBuildLogsRequest()
    message.buildID = id
    message.fromStart = fromStart
    let request = message
    try await answer {
      try await builds.streamBuildLogs(request, metadata: metadata, options: Self.options) { response in
        for try await line in response.messages { try await each(line) }
      }
    }
  }

  /// Stops a build.
  package func cancelBuild(_ id: String) async throws(Failure) -> Dodil_Ignite_V1_CancelBuildResponse {
    var message = Dodil_Ignite_V1_CancelBuildRequest()
    message.buildID = id
    let request = message
    return try await answer { try await builds.cancelBuild(request, metadata: metadata, options: Self.options) }
  }

  /// Replaces the groups of secrets that the message carries.
  package func saveBuildSecrets(_ message: Dodil_Ignite_V1_SaveBuildSecretsRequest) async throws(Failure) {
    _ = try await answer { try await builds.saveBuildSecrets(message, metadata: metadata, options: Self.options) }
  }

  /// Sends what `file` holds from its present position to its end. `progress` hears of the bytes sent so far.
  package func uploadContext(
    _ upload: Dodil_Ignite_V1_UploadBuildContextMetadata,
    from file: FileDescriptor,
    progress: @escaping @Sendable (ByteCount) -> Void = { _ in }
  ) async throws(Failure) -> Dodil_Ignite_V1_UploadBuildContextResponse {
    try await uploadContext(upload, progress: progress) { buffer in try file.read(into: buffer) }
  }

  /// Sends what `read` produces: it fills the buffer, of `chunk` bytes, and answers how many; 0 is the end.
  package func uploadContext(
    _ upload: Dodil_Ignite_V1_UploadBuildContextMetadata,
    progress: @escaping @Sendable (ByteCount) -> Void = { _ in },
    read: @escaping @Sendable (UnsafeMutableRawBufferPointer) async throws -> Int
  ) async throws(Failure) -> Dodil_Ignite_V1_UploadBuildContextResponse {
    try await answer {
      try await builds.uploadBuildContext(metadata: metadata, options: Self.options) { writer in
        var first = Dodil_Ignite_V1_UploadBuildContextRequest()
        first.metadata = upload
        try await writer.write(first)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(Self.chunk.bytes), alignment: 16)
        defer { buffer.deallocate() }
        var sent: Int64 = 0
        while case let count = try await read(buffer), count > 0 {
          var message = Dodil_Ignite_V1_UploadBuildContextRequest()
          message.chunk = Data(buffer.prefix(count))
          try await writer.write(message)
          sent += Int64(count)
          progress(ByteCount(sent))
        }
      }
    }
  }

  static var options: CallOptions {
    var options = CallOptions.defaults
    // A server that is not there is an answer too; waiting for it is the caller's choice.
    options.waitForReady = false
    return options
  }

  func answer<Answer>(_ call: () async throws -> Answer) async throws(Failure) -> Answer {
    do { return try await call() } catch { throw Failure(answer: error, server: server) }
  }
}
