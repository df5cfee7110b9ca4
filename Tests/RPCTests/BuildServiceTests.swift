import API
import Diagnostics
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import Service
import Storage
import Synchronization
import SystemPackage
import Testing
import Wire

@testable import RPC

@Suite(.timeLimit(.minutes(1))) struct BuildServiceTests {
  /// The real service on a data directory of its own, behind a door; builds say "working" and then do `ending`.
  private func withService(
    ending: @escaping @Sendable () async throws(Failure) -> Void = { () throws(Failure) in throw Self.outcome },
    _ body: @escaping @Sendable (Door.Address, IdentityService) async throws -> Void
  ) async throws {
    try await withFolder { folder in
      let data = try DataDirectory.open(at: folder.appending("data"), durability: .ephemeral)
      defer { data.close() }
      let queue = BuildQueue(data: data) { _, reporter throws(Failure) in
        try reporter.report([.note("working")])
        try await ending()
        throw Self.outcome
      }
      let identities = try IdentityService(mode: .tokens, mint: await TokenMint(key: data.key))
      let calls = ContractCalls(
        builds: BuildCalls(BuildService(data: data, queue: queue)),
        secrets: SecretCalls(SecretService(data: data)))
      try await withDoor(services: [BuildServiceRPC(identities: identities) { calls }]) { _, port in
        try await body(Door.Address(host: "127.0.0.1", port: port), identities)
      }
      await queue.stop()
    }
  }

  private static let outcome = Failure(
    .failedPrecondition,
    reason: "scripted",
    "step 'RUN false' failed",
    hint: "mend it"
  )

  private static func token(_ identities: IdentityService, _ organization: String = "acme") async throws -> String {
    try await identities.mintToken(for: try OrganizationName(organization))
  }

  private static func request(_ name: String = "greeter") -> Dodil_Ignite_V1_CreateBuildRequest {
    var request = Dodil_Ignite_V1_CreateBuildRequest()
    request.name = name
    request.zippedCode = Data("an archive".utf8)
    return request
  }

  @Test("a connection that nothing is asked over ends with what its body found")
  func silent() async throws {
    for number in 0..<500 {
      let found = try await IgniteClient.withConnection(to: Door.Address(host: "127.0.0.1", port: 1), token: nil) { _ in
        number
      }
      #expect(found == number)
    }
  }

  @Test("a build is queued, its log followed to the end, and its failure read")
  func failing() async throws {
    try await withService { server, identities in
      let token = try await Self.token(identities)
      try await IgniteClient.withConnection(to: server, token: token) { client in
        let created = try await client.createBuild(Self.request())
        #expect(created.status == .pending)
        let lines = Mutex<[String]>([])
        try await client.streamLogs(of: created.buildID, fromStart: true) { line in
          lines.withLock { $0.append(line.line) }
        }
        #expect(lines.withLock { $0 }.prefix(3) == ["queued", "started", "working"])
        let build = try await client.getBuild(created.buildID)
        #expect(build.status == .failed && build.organizationName == "acme")
        #expect(build.error == "step 'RUN false' failed; mend it")
      }
    }
  }

  @Test("no token is UNAUTHENTICATED, on unary calls, streams and uploads")
  func anonymous() async throws {
    try await withService { server, _ in
      try await IgniteClient.withConnection(to: server, token: nil) { client in
        let unary = await #expect(throws: Failure.self) { try await client.getBuild("bld_1") }
        #expect(unary?.code == .unauthenticated && unary?.reason == "token-missing")
        #expect(unary?.hint?.contains("kindling token") == true)
        let stream = await #expect(throws: Failure.self) {
          try await client.streamLogs(of: "bld_1", fromStart: true) { _ in }
        }
        #expect(stream?.reason == "token-missing")
        let upload = await #expect(throws: Failure.self) {
          try await client.uploadContext(Dodil_Ignite_V1_UploadBuildContextMetadata()) { _ in 0 }
        }
        #expect(upload?.reason == "token-missing")
      }
    }
  }

  @Test("another organisation's build does not exist")
  func otherOrganization() async throws {
    try await withService { server, identities in
      let mine = try await Self.token(identities)
      let theirs = try await Self.token(identities, "other")
      let id = try await IgniteClient.withConnection(to: server, token: mine) { client in
        try await client.createBuild(Self.request()).buildID
      }
      try await IgniteClient.withConnection(to: server, token: theirs) { client in
        let failure = await #expect(throws: Failure.self) { try await client.getBuild(id) }
        #expect(failure?.code == .notFound && failure?.reason == "build-unknown")
      }
    }
  }

  @Test("an archive of several chunks is uploaded, with its progress, and can be built from")
  func upload() async throws {
    try await withService { server, identities in
      let token = try await Self.token(identities)
      try await withFolder { folder in
        let size = 3 * 512 * 1024 + 7
        let file = try FileDescriptor.open(
          folder.appending("context"),
          .readWrite,
          options: .create,
          permissions: .ownerReadWrite
        )
        defer { try? file.close() }
        try file.writeAll(repeatElement(UInt8(ascii: "x"), count: size))
        try file.seek(offset: 0, from: .start)
        try await IgniteClient.withConnection(to: server, token: token) { client in
          var metadata = Dodil_Ignite_V1_UploadBuildContextMetadata()
          metadata.name = "context"
          metadata.expectedSizeBytes = UInt64(size)
          let sent = Mutex<[Int64]>([])
          let receipt = try await client.uploadContext(metadata, from: file) { count in
            sent.withLock { $0.append(count.bytes) }
          }
          #expect(receipt.sizeBytes == UInt64(size))
          #expect(sent.withLock { $0 } == [524_288, 1_048_576, 1_572_864, Int64(size)])
          var request = Dodil_Ignite_V1_CreateBuildRequest()
          request.name = "greeter"
          request.contextID = receipt.contextID
          let created = try await client.createBuild(request)
          #expect(try await client.getBuild(created.buildID).contextID == receipt.contextID)
        }
      }
    }
  }

  @Test(
    "an upload out of order is refused with what is wrong",
    arguments: [
      ([], "upload-metadata-missing"),
      (["chunk"], "upload-metadata-missing"),
      (["metadata", "metadata"], "upload-metadata-twice"),
      (["metadata", ""], "upload-payload-missing"),
      (["metadata"], "context-empty"),
      (["nameless", "chunk"], "context-name-missing"),
    ]
  )
  func uploadOrder(messages: [String], reason: String) async throws {
    try await withService { server, identities in
      let token = try await Self.token(identities)
      try await withGRPC(port: server.port) { client in
        let builds = Dodil_Ignite_V1_BuildService.Client(wrapping: client)
        let error = await #expect(throws: RPCError.self) {
          try await builds.uploadBuildContext(metadata: ["authorization": "Bearer \(token)"]) { writer in
            for text in messages {
              var message = Dodil_Ignite_V1_UploadBuildContextRequest()
              switch text {
              case "metadata": message.metadata.name = "n"
              case "nameless": message.metadata.contentType = "application/gzip"
              case "chunk": message.chunk = Data("bytes".utf8)
              default: break
              }
              try await writer.write(message)
            }
          }
        }
        let failure = Failure(answer: try #require(error), server: server)
        #expect(failure.code == .invalidArgument && failure.reason == reason)
      }
    }
  }

  @Test("a running build is cancelled once, and a second time refused")
  func cancel() async throws {
    let ending = { @Sendable () async throws(Failure) in
      do { try await Task.sleep(for: .seconds(3600)) } catch { throw Failure(wrapping: error, while: "waiting") }
    }
    try await withService(ending: ending) { server, identities in
      let token = try await Self.token(identities)
      try await IgniteClient.withConnection(to: server, token: token) { client in
        let id = try await client.createBuild(Self.request()).buildID
        let answer = try await client.cancelBuild(id)
        #expect(answer.success && answer.status == .cancelled)
        let again = await #expect(throws: Failure.self) { try await client.cancelBuild(id) }
        #expect(again?.code == .failedPrecondition && again?.reason == "build-finished")
      }
    }
  }

  @Test("a reader who leaves a live log leaves nothing behind")
  func leavingReader() async throws {
    let ending = { @Sendable () async throws(Failure) in
      do { try await Task.sleep(for: .seconds(3600)) } catch { throw Failure(wrapping: error, while: "waiting") }
    }
    struct Enough: Error {}
    // The door would wait for its grace of 10 s if the stream went on, and the test's limit for its hour.
    let clock = ContinuousClock()
    let begun = clock.now
    try await withService(ending: ending) { server, identities in
      let token = try await Self.token(identities)
      await #expect(throws: Failure.self) {
        try await IgniteClient.withConnection(to: server, token: token) { client in
          let id = try await client.createBuild(Self.request()).buildID
          try await client.streamLogs(of: id, fromStart: true) { line in
            if line.line == "working" { throw Enough() }
          }
        }
      }
    }
    #expect(clock.now - begun < .seconds(8))
  }

  @Test("builds are listed newest first, a page at a time")
  func pages() async throws {
    try await withService { server, identities in
      let token = try await Self.token(identities)
      try await IgniteClient.withConnection(to: server, token: token) { client in
        var made: Set<String> = []
        for name in ["one", "two", "three"] { made.insert(try await client.createBuild(Self.request(name)).buildID) }
        var request = Dodil_Ignite_V1_ListBuildsRequest()
        request.limit = 2
        let first = try await client.listBuilds(request)
        #expect(first.builds.count == 2 && !first.nextCursor.isEmpty)
        request.cursor = first.nextCursor
        let second = try await client.listBuilds(request)
        #expect(second.builds.count == 1 && second.nextCursor.isEmpty)
        #expect(Set((first.builds + second.builds).map(\.buildID)) == made)
        request.status = .UNRECOGNIZED(77)
        let strange = request
        let failure = await #expect(throws: Failure.self) { _ = try await client.listBuilds(strange) }
        #expect(failure?.reason == "status-unknown")
      }
    }
  }

  @Test("saved secrets are acknowledged")
  func secrets() async throws {
    try await withService { server, identities in
      let token = try await Self.token(identities)
      try await IgniteClient.withConnection(to: server, token: token) { client in
        var request = Dodil_Ignite_V1_SaveBuildSecretsRequest()
        request.buildSecrets = ["NPM_TOKEN": "s"]
        try await client.saveBuildSecrets(request)
      }
    }
  }
}
