import Diagnostics
import Foundation
import OCI
import Storage
import SystemPackage
import TestSupport

@testable import Runner

/// A place to start replicas of the test app in: its program is the only file of the image.
final class ReplicaBench: Sendable {
  let folder: TemporaryFolder
  let replicas: SandboxedReplicas

  static let isAble = geteuid() == 0

  init(groups: ControlGroups? = nil) async throws {
    folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path("layer"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: try await TestApp.shared.program(), toPath: folder.path("layer/app"))
    let place = FilePath(folder.path("replicas"))
    replicas =
      if let groups {
        try SandboxedReplicas(folder: place, executable: "/proc/self/exe", groups: groups)
      } else {
        try SandboxedReplicas(folder: place)
      }
  }

  deinit { folder.remove() }

  func plan(
    user: String? = "65532", environment: [String: String] = [:], limits: ReplicaLimits = ReplicaLimits(),
    relaxations: Relaxations = [], outbound: OutboundReach = .nowhere,
    _ change: (inout ImageConfig.Container) -> Void = { _ in }
  ) throws -> ReplicaPlan {
    let app = AppID(organization: try OrganizationName("dev"), name: try AppName("app"))
    let revision = AppRevision(app: app, version: AppVersion(1), configuration: 1, policy: AppPolicy())
    var image = ImageConfig.Container()
    image.user = user
    image.cmd = ["/app"]
    change(&image)
    var config = ImageConfig(platform: .host)
    config.config = image
    return ReplicaPlan(
      revision: revision, imageReference: "localhost:4480/dev/app:v1", lowers: [FilePath(folder.path("layer"))],
      config: config, environment: environment, limits: limits, relaxations: relaxations, outbound: outbound)
  }

  /// A replica that listens.
  func listening(_ plan: ReplicaPlan) async throws -> any Replica {
    let replica = try await replicas.start(plan)
    try await replica.waits(for: "listening on")
    return replica
  }

  /// Starts a replica, gives it to `body`, and ends it.
  func with<Value>(_ plan: ReplicaPlan, _ body: (any Replica) async throws -> Value) async throws -> Value {
    let replica = try await listening(plan)
    do {
      let value = try await body(replica)
      await replica.stop(grace: .zero)
      return value
    } catch {
      await replica.stop(grace: .zero)
      throw error
    }
  }
}

struct AppReply: Equatable {
  var status: Int
  var body: String
}

extension Replica {
  /// Until it has written a line that begins so.
  func waits(for beginning: String) async throws {
    let coming = log.follow()
    if log.last(100).contains(where: { $0.text.hasPrefix(beginning) }) { return }
    for await line in coming where line.text.hasPrefix(beginning) { return }
    throw Failure(.internal, reason: "test", "ended: \(log.last(20).map(\.text))")
  }

  /// One call, on a connection of its own and a thread that may block.
  func get(_ target: String, method: String = "GET") async throws -> AppReply {
    let socket = try socket()
    let text = try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try exchange(socket, "\(method) \(target)") })
      }
    }
    let halves = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
    let status = Int(halves[0].split(separator: " ").dropFirst().first ?? "") ?? 0
    return AppReply(status: status, body: halves.count > 1 ? String(halves[1]) : "")
  }
}

private func exchange(_ socket: FileDescriptor, _ words: String) throws -> String {
  defer { try? socket.close() }
  _ = fcntl(socket.rawValue, F_SETFL, fcntl(socket.rawValue, F_GETFL) & ~O_NONBLOCK)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(80).bigEndian
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  let connected = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(socket.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  guard connected == 0 else { throw Errno(rawValue: errno) }
  try socket.writeAll("\(words) HTTP/1.1\r\nhost: app\r\nconnection: close\r\n\r\n".utf8)
  var bytes: [UInt8] = []
  let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
  defer { piece.deallocate() }
  // An app that dies in the middle resets the connection.
  while let count = try? socket.read(into: piece), count > 0 { bytes.append(contentsOf: piece[..<count]) }
  return String(decoding: bytes, as: UTF8.self)
}
