import Diagnostics
import NIOCore
import NIOPosix
import Storage
import Synchronization
import SystemPackage

/// The connections of one event loop to replicas that nobody uses at the moment.
package final class ReplicaConnections {
  private let loop: any EventLoop
  /// Newest last, and used first: the others can be given up.
  private var idle: [ReplicaConnection.Key: [ReplicaConnection]] = [:]
  private var watched: Set<ReplicaID> = []
  private var isSweeping = false

  init(loop: any EventLoop) { self.loop = loop }

  /// How many there are.
  package var idleCount: Int { idle.values.reduce(0) { $0 + $1.count } }

  /// An idle connection; nil when there is none. With `isChecked` it has not been closed by the app meanwhile.
  func take(_ key: ReplicaConnection.Key, isChecked: Bool) -> ReplicaConnection? {
    while let connection = idle[key]?.popLast() {
      guard connection.isOpen else { continue }
      if !isChecked || ReplicaSocket.isQuiet(connection.handle) { return connection }
      connection.close()
    }
    return nil
  }

  /// Opens a connection, and tells when it is there, or why it is not; often before this returns.
  func open(
    to replica: any Replica, port: AppPort, then done: @escaping (Result<ReplicaConnection, CallFailure>) -> Void
  ) {
    let app = replica.plan.revision.app
    let socket: CInt
    do throws(Failure) { socket = try replica.socket().rawValue } catch { return done(.failure(.socket(error))) }
    watch(replica)
    let key = ReplicaConnection.Key(replica: replica.id, port: port)
    let loop = loop
    let pool = NIOLoopBound(self, eventLoop: loop)
    ReplicaSocket.connect(socket, port: port, on: loop)
      .flatMap { handle in
        ClientBootstrap(group: loop)
          .channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
              try ReplicaConnection.configure(
                channel, ReplicaConnection(key: key, handle: handle, pool: pool.value))
            }
          }
          .withConnectedSocket(handle)
      }
      .assumeIsolated()
      .whenComplete { result in
        do {
          done(.success(try result.get().pipeline.syncOperations.handler(type: ReplicaConnection.self)))
        } catch {
          done(.failure(.notListening(app, port, "\(error)")))
        }
      }
  }

  /// Takes a connection back after a call.
  func put(_ connection: ReplicaConnection) {
    guard connection.isOpen, idle[connection.key, default: []].count < CallLimits.idleConnections else {
      return connection.close()
    }
    connection.isUsed = true
    connection.idleSince = .now()
    idle[connection.key, default: []].append(connection)
    sweepLater()
  }

  /// The connection has been closed by somebody.
  func forget(_ connection: ReplicaConnection) {
    guard let place = idle[connection.key]?.firstIndex(where: { $0 === connection }) else { return }
    idle[connection.key]?.remove(at: place)
  }

  /// Closes what leads to a replica that has ended: an open socket keeps its network.
  private func drop(_ replica: ReplicaID) {
    watched.remove(replica)
    for key in idle.keys where key.replica == replica {
      for connection in idle.removeValue(forKey: key) ?? [] { connection.close() }
    }
  }

  private func watch(_ replica: any Replica) {
    guard watched.insert(replica.id).inserted else { return }
    let pool = NIOLoopBound(self, eventLoop: loop)
    let loop = loop
    Task {
      _ = await replica.end()
      loop.execute { pool.value.drop(replica.id) }
    }
  }

  private func sweepLater() {
    guard !isSweeping else { return }
    isSweeping = true
    let pool = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: CallLimits.idleTime) { pool.value.sweep() }
  }

  private func sweep() {
    isSweeping = false
    let oldest = NIODeadline.now() - CallLimits.idleTime
    for key in Array(idle.keys) {
      let old = idle[key]?.prefix { $0.idleSince <= oldest } ?? []
      // Out of the list first: closing tells the list.
      idle[key]?.removeFirst(old.count)
      for connection in old { connection.close() }
      if idle[key]?.isEmpty == true { idle[key] = nil }
    }
    if !idle.isEmpty { sweepLater() }
  }
}

/// The idle connections of every event loop.
package final class ReplicaPools: Sendable {
  private let pools = Mutex<[ObjectIdentifier: NIOLoopBound<ReplicaConnections>]>([:])

  package init() {}

  /// Those of the loop this is called on.
  package func connections(on loop: any EventLoop) -> ReplicaConnections {
    loop.preconditionInEventLoop()
    return pools.withLock { pools in
      let key = ObjectIdentifier(loop)
      if let known = pools[key] { return known }
      let fresh = NIOLoopBound(ReplicaConnections(loop: loop), eventLoop: loop)
      pools[key] = fresh
      return fresh
    }.value
  }
}
