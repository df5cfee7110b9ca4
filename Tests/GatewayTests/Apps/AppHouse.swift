import Diagnostics
import Foundation
import NIOCore
import NIOPosix
import Runner
import Storage
import TestSupport

@testable import Gateway
@testable import Service

/// The door of the apps on a port of its own, with fleets of replicas that do what a test says.
final class AppHouse: Sendable {
  let port: Int
  let fleet: FakeFleet
  let faults = FaultBoard()
  let replica: FakeReplica
  let app: AppID
  private let server: ScriptedServer
  private let identities: IdentityService
  private let listener: any Channel

  /// `script` is what every app does: `dev/app`, `dev/open` which asks nobody, `public/page`, `acme/other`.
  init(
    timeout: Duration = .seconds(20), idle: Duration = .seconds(20), mode: AuthenticationMode = .tokens,
    _ script: @escaping @Sendable (Peer) throws -> Void
  ) async throws {
    server = try ScriptedServer(script)
    let port = AppPort(server.port) ?? .standard
    func id(_ organization: String, _ name: String) throws -> AppID {
      AppID(organization: try OrganizationName(organization), name: try AppName(name))
    }
    app = try id("dev", "app")
    let apps = [app, try id("dev", "open"), try id("public", "page"), try id("acme", "other"), try id("x-dev", "a")]
    let replicas = apps.map { FakeReplica($0, timeout: timeout) }
    replica = replicas[0]
    fleet = FakeFleet(replicas)
    // Their names say no port: what they listen on is this machine's choice.
    let directory = OnePort(
      port: port,
      labels: Dictionary(uniqueKeysWithValues: apps.map { (AppDomain.label(of: $0), $0) }))
    identities = try IdentityService(mode: mode, mint: await TokenMint(key: [UInt8](repeating: 7, count: 32)))
    let rooms = AppDoor.Rooms(fleet: fleet, directory: directory, faults: faults)
    let door = AppDoor(domain: .standard, identities: identities, idle: idle) { rooms }
    listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { door.serve($0) }
      .bind(host: "127.0.0.1", port: 0).get()
    self.port = listener.localAddress?.port ?? 0
  }

  deinit { listener.close(promise: nil) }

  /// The apps listen no more.
  func silence() { server.stop() }

  var connections: Int { server.connections }

  func token(_ organization: String = "dev", scopes: Set<Scope>? = nil) async throws -> String {
    let caller = Identity(organization: try OrganizationName(organization), subject: "test", scopes: scopes)
    return try await identities.mintToken(for: caller, lifetime: .seconds(600)).token
  }

  /// One connection to the door, with the head of a request of the default organisation's app.
  func visit<Value: Sendable>(
    _ work: @escaping @Sendable (Peer, _ head: String) throws -> Value
  ) async throws -> Value {
    let head = "Host: app-dev.ignite.localhost:4480\r\nAuthorization: Bearer \(try await token())\r\n"
    let port = port
    return try await onThread {
      let peer = try Peer(port: port)
      defer { peer.close() }
      return try work(peer, head)
    }
  }

  private struct OnePort: AppDirectory {
    let port: AppPort
    let labels: [String: AppID]
    func destination(of label: String) -> AppDestination? {
      labels[label].map {
        AppDestination(
          app: $0, port: port, allowsAnonymous: $0.name.name == "open", isPublic: $0.organization.name == "public")
      }
    }
    func destination(of app: AppID, port: AppPort) -> AppDestination? { destination(of: AppDomain.label(of: app)) }
  }
}

/// Scripts of apps.
enum AppScript {
  /// Answers every request with its own head and body.
  @Sendable static func mirror(_ peer: Peer) throws {
    while true {
      let message = try peer.message()
      let text = message.head + message.body
      try peer.write("HTTP/1.1 200 OK\r\ncontent-length: \(text.utf8.count)\r\n\r\n\(text)")
    }
  }
}
