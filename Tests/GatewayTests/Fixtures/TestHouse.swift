import Diagnostics
import Foundation
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import OCI
import Registry
import Storage
import SystemPackage
import Wire

@testable import Gateway
@testable import Service

/// The gateway over a real data directory, registry and queue; builds do what their name says.
final class TestHouse: Sendable {
  let gateway: HTTPGateway
  let data: DataDirectory
  let identities: IdentityService
  private let folder: FilePath
  private let queue: BuildQueue

  /// `name` of a build → its end: `fails…` fails, `waits…` runs until it is cancelled, others print a line and succeed.
  private static func work(_ record: BuildRecord, _ reporter: EventReporter) async throws(Failure) -> FinishedBuild {
    if record.name.hasPrefix("fails") {
      throw Failure(.invalidArgument, reason: "exit-status", "step 1 failed", hint: "look at it")
    }
    if record.name.hasPrefix("waits") {
      do { try await Task.sleep(for: .seconds(600)) } catch {
        throw Failure(.cancelled, reason: "cancelled", "the build was cancelled")
      }
    }
    try reporter.report([
      .planned([.init(step: 1, stage: "0", instruction: "RUN echo", line: 2)]), .stepStarted(step: 1),
      .output(step: 1, stream: .stdout, line: "<b>\u{1b}[31mhello\u{1b}[0m"),
      .stepFinished(.init(step: 1, result: .ran, durationMilliseconds: 5)),
    ])
    return FinishedBuild(
      references: ["localhost/\(record.organization)/\(record.name):latest"],
      manifest: Digest(.sha256, bytes: [UInt8](repeating: 1, count: 32)),
      size: ByteCount(10),
      layers: 1,
      cachedSteps: 0
    )
  }

  init(
    mode: AuthenticationMode = .tokens,
    registryAuth: Bool = false,
    allowedHosts: [String] = [],
    isShared: Bool = false,
    obstacle: Failure? = nil,
    readiness: Readiness = Readiness(ready: true, parts: [])
  ) async throws {
    folder = FilePath(NSTemporaryDirectory()).appending("gateway-\(UUID().uuidString)")
    data = try DataDirectory.open(at: folder, durability: .ephemeral)
    identities = try IdentityService(mode: mode, mint: await TokenMint(key: data.key))
    let registry = ImageRegistry(data: data)
    let images = LocalImages(registry: registry, ownHosts: { ["localhost:4480"] })
    queue = BuildQueue(data: data, obstacle: obstacle?.message, work: Self.work)
    let builds = BuildService(data: data, queue: queue, obstacle: obstacle)
    gateway = HTTPGateway(
      builds: builds,
      calls: ContractCalls(builds: BuildCalls(builds), secrets: SecretCalls(SecretService(data: data))),
      identities: identities,
      registry: registry,
      imports: ImageImportService(data: data, registry: registry, images: images, threads: BuildThreads()),
      data: data,
      settings: GatewaySettings(
        version: "9.9.9",
        allowedHosts: allowedHosts,
        registryAuthRequired: registryAuth,
        isShared: isShared,
        heartbeat: .milliseconds(5)
      ),
      readiness: { readiness }
    )
  }

  deinit {
    // A test may be over before its builds are, and those must not find the ledger closed.
    Task.detached { [queue, data, folder] in
      await queue.stop()
      data.close()
      try? FileManager.default.removeItem(atPath: folder.string)
    }
  }

  func token(_ organization: String = "dev") async throws -> String {
    try await identities.mintToken(for: OrganizationName(organization))
  }

  /// Sends one request; `authority` is its `Host`.
  func send(
    _ method: HTTPRequest.Method,
    _ path: String,
    token: String? = nil,
    headers: HTTPFields = [:],
    body: String = "",
    authority: String? = "localhost:4480",
    isFromLoopback: Bool = true
  ) async throws -> Answer {
    try await send(
      method,
      path,
      token: token,
      headers: headers,
      bytes: ByteBuffer(string: body),
      authority: authority,
      isFromLoopback: isFromLoopback
    )
  }

  func send(
    _ method: HTTPRequest.Method,
    _ path: String,
    token: String? = nil,
    headers: HTTPFields = [:],
    bytes: ByteBuffer,
    authority: String? = "localhost:4480",
    isFromLoopback: Bool = true
  ) async throws -> Answer {
    var headers = headers
    if let token { headers[.authorization] = "Bearer \(token)" }
    let head = HTTPRequest(method: method, scheme: "http", authority: authority, path: path, headerFields: headers)
    let context = GatewayContext(isFromLoopback: isFromLoopback, logger: Logger(label: "test"))
    let request = Request(head: head, body: RequestBody(buffer: bytes))
    return try await Answer(await gateway.respond(to: request, context: context))
  }

  /// Creates a build and answers with its id.
  func build(_ name: String, token: String) async throws -> String {
    // An empty gzip member; nothing unpacks it here.
    let body = #"{"name":"\#(name)","zippedCode":"H4sIAAAAAAAAAwMAAAAAAAAAAAA="}"#
    let answer = try await send(.post, "/v1/ignite/builds", token: token, body: body)
    return answer.json["buildId"] as? String ?? answer.text
  }
}
