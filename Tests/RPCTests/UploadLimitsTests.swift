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

@Suite(.timeLimit(.minutes(1))) struct UploadLimitsTests {
  private func withService(
    _ contexts: ContextLimits = ContextLimits(), patience: Duration = .seconds(60),
    _ body: @escaping @Sendable (DataDirectory, Int, Metadata) async throws -> Void
  ) async throws {
    try await withFolder { folder in
      let data = try DataDirectory.open(at: folder.appending("data"), durability: .ephemeral)
      defer { data.close() }
      let queue = BuildQueue(data: data, isOpen: false) { _, _ throws(Failure) in
        throw Failure(.internal, reason: "never", "no build begins here")
      }
      let identities = try IdentityService(mode: .tokens, mint: await TokenMint(key: data.key))
      let calls = ContractCalls(
        builds: BuildCalls(BuildService(data: data, queue: queue, contexts: contexts)),
        secrets: SecretCalls(SecretService(data: data)))
      let token = try await identities.mintToken(for: try OrganizationName("acme"))
      let service = BuildServiceRPC(identities: identities, patience: patience) { calls }
      try await withDoor(services: [service]) { _, port in
        try await body(data, port, ["authorization": "Bearer \(token)"])
      }
      await queue.stop()
    }
  }

  private static func leftovers(_ data: DataDirectory) throws -> [String] {
    let folders = [data.path(.work).appending("uploads"), data.root.appending("contexts")]
    return try folders.flatMap { try FileManager.default.contentsOfDirectory(atPath: $0.string) }
  }

  @Test("one that brings nothing is ended, and nothing of it stays")
  func idle() async throws {
    try await withService(patience: .milliseconds(200)) { data, port, metadata in
      try await withGRPC(port: port) { client in
        let builds = Dodil_Ignite_V1_BuildService.Client(wrapping: client)
        let error = await #expect(throws: RPCError.self) {
          try await builds.uploadBuildContext(metadata: metadata) { writer in
            var message = Dodil_Ignite_V1_UploadBuildContextRequest()
            message.metadata.name = "n"
            try await writer.write(message)
            message.chunk = Data("half".utf8)
            try await writer.write(message)
            try await Task.sleep(for: .seconds(600))
          }
        }
        #expect(
          error?.code == .deadlineExceeded && error?.message.contains("brought nothing") == true, "\(error as Any)")
      }
      #expect(try Self.leftovers(data) == [])
    }
  }

  @Test("one beyond the quota is refused while it is received, with what to do, and nothing of it stays")
  func quota() async throws {
    var limits = ContextLimits()
    limits.organization = .mebibytes(1)
    try await withService(limits) { data, port, metadata in
      try await withGRPC(port: port) { client in
        let builds = Dodil_Ignite_V1_BuildService.Client(wrapping: client)
        let error = await #expect(throws: RPCError.self) {
          try await builds.uploadBuildContext(metadata: metadata) { writer in
            var message = Dodil_Ignite_V1_UploadBuildContextRequest()
            message.metadata.name = "n"
            try await writer.write(message)
            message.chunk = Data(count: 512 << 10)
            for _ in 0..<3 { try await writer.write(message) }
          }
        }
        #expect(error?.code == .resourceExhausted, "\(error as Any)")
        #expect(error?.message.contains("--context-lifetime") == true, "\(error as Any)")
      }
      #expect(try Self.leftovers(data) == [])
    }
  }

  @Test("a message that is too large for the contract is answered in words, not with a reset")
  func largeMessage() async throws {
    try await withService { _, port, metadata in
      try await withGRPC(port: port) { client in
        let builds = Dodil_Ignite_V1_BuildService.Client(wrapping: client)
        var request = Dodil_Ignite_V1_CreateBuildRequest()
        request.name = "app"
        request.zippedCode = Data(count: 40 << 20)
        let message = request
        let error = await #expect(throws: RPCError.self) {
          try await builds.createBuild(message, metadata: metadata)
        }
        #expect(error?.code == .invalidArgument, "\(error as Any)")
        #expect(error?.message.contains("UploadBuildContext") == true, "\(error as Any)")
      }
    }
  }

  @Test("content that an organisation has is a context again without being sent; another's is not seen")
  func adopted() async throws {
    try await withFolder { folder in
      let data = try DataDirectory.open(at: folder.appending("data"), durability: .ephemeral)
      defer { data.close() }
      let queue = BuildQueue(data: data, isOpen: false) { _, _ throws(Failure) in
        throw Failure(.internal, reason: "never", "no build begins here")
      }
      let builds = BuildService(data: data, queue: queue)
      let acme = Identity(organization: try OrganizationName("acme"), subject: "")
      let other = Identity(organization: try OrganizationName("other"), subject: "")
      let upload = try await builds.beginUpload(name: "n", contentType: "", expectedSize: nil, as: acme)
      try Data("bytes".utf8).withUnsafeBytes { try upload.append($0) }
      let first = try await upload.finish()
      let digest = try #require(try data.ledger.context(first.id, of: acme.organization)).digest
      #expect(try await builds.adoptContext(digest, name: "m", as: other) == nil)
      let second = try #require(try await builds.adoptContext(digest, name: "m", as: acme))
      #expect(second.id != first.id && second.size == first.size)
      try data.contexts.delete(digest)
      #expect(try await builds.adoptContext(digest, name: "m", as: acme) == nil)
      await queue.stop()
    }
  }
}
