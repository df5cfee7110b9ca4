import Diagnostics
import GRPCCore
import GRPCNIOTransportHTTP2
import Foundation
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Synchronization
import SystemPackage

@testable import RPC

/// Says nothing.
let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A door on a free port, closed when `body` is through.
func withDoor<Result: Sendable>(
  services: [any RegistrableRPCService] = [],
  limits: Door.Limits = Door.Limits(),
  guests: Door.Guests? = nil,
  isReady: @escaping @Sendable () -> Bool = { true },
  responder: @escaping HTTPChannelHandler.Responder = hello,
  _ body: @escaping @Sendable (DoorServer, Int) async throws -> Result
) async throws -> Result {
  let (ready, announce) = AsyncStream<[Door.Address]>.makeStream()
  let door = DoorServer(
    addresses: [Door.Address(host: "127.0.0.1", port: 0)],
    responder: responder,
    services: services,
    guests: guests,
    isReady: isReady,
    limits: limits,
    logger: quiet,
    onReady: { announce.yield($0) }
  )
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask {
      defer { announce.finish() }
      try await door.run()
    }
    var first: [Door.Address]?
    for await addresses in ready {
      first = addresses
      break
    }
    guard let port = first?.first?.port else {
      try await group.waitForAll()
      throw Failure(.internal, reason: "no-door", "the door ended before it was ready")
    }
    let result = try await body(door, port)
    door.beginShutdown()
    try await group.waitForAll()
    return result
  }
}

/// Answers every request with its method and path.
@Sendable func hello(request: Request, writer: consuming ResponseWriter, channel: any Channel) async throws {
  let text = "\(request.method.rawValue) \(request.uri.path)"
  var body = try await writer.writeHead(
    HTTPResponse(status: .ok, headerFields: [.contentLength: String(text.utf8.count)])
  )
  try await body.write(ByteBuffer(string: text))
  try await body.finish(nil)
}

/// Bytes on a TCP connection, without any protocol.
struct RawConnection: Sendable {
  private let channel: any Channel
  private let reader: Reader

  /// Collects what arrives and tells whoever waits for it.
  final class Reader: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let stream: AsyncStream<String>
    private let arrived: AsyncStream<String>.Continuation
    init() { (stream, arrived) = AsyncStream<String>.makeStream() }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      arrived.yield(String(buffer: Self.unwrapInboundIn(data)))
    }
    func channelInactive(context: ChannelHandlerContext) { arrived.finish() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  init(port: Int) async throws {
    let reader = Reader()
    self.reader = reader
    self.channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: false)
      .channelInitializer { $0.pipeline.addHandler(reader) }
      .connect(host: "127.0.0.1", port: port).get()
  }

  func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

  /// Reads until the text so far contains `end`, or the peer closes.
  func read(until end: String) async -> String {
    var text = ""
    for await piece in reader.stream {
      text += piece
      if text.contains(end) { break }
    }
    return text
  }

  /// Reads until the peer closes.
  func readToEnd() async -> String {
    var text = ""
    for await piece in reader.stream { text += piece }
    return text
  }

  func close() async throws { try await channel.close() }
}

/// A port nobody listens on, as far as one can know.
enum FreePort {
  static func find() async throws -> Int {
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = listener.localAddress?.port ?? 0
    try await listener.close()
    return port
  }
}

/// A gRPC client of the test's own.
func withGRPC<Result: Sendable>(
  port: Int,
  _ body: (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Result
) async throws -> Result {
  try await withGRPCClient(
    transport: try .http2NIOPosix(target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext),
    handleClient: body
  )
}

/// A folder that is gone when `body` is through.
func withFolder<Result>(_ body: (FilePath) async throws -> Result) async throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rpc-tests-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try await body(FilePath(folder.path))
}
