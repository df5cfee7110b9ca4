import Diagnostics

/// One conversation with `git-upload-pack` behind ssh.
final class SSHSession: Sendable {
  let advertisement: Advertisement
  private let child: ChildPipe
  private let limits: GitLimits

  /// Connects and reads the first answer; `prefixes` as for `AdvertisementReader`.
  init(_ command: SSHCommand, prefixes: [String] = [], limits: GitLimits) async throws(Failure) {
    let child = try ChildPipe(command.program, arguments: command.arguments, environment: command.environment)
    var reader = AdvertisementReader(prefixes: prefixes, limits: limits)
    try await Self.read(child, limits: limits) { packet throws(Failure) in
      try reader.take(packet)
      return reader.isComplete
    }
    advertisement = try reader.finish()
    self.child = child
    self.limits = limits
  }

  func references(prefixes: [String]) async throws(Failure) -> [RemoteReference] {
    try await child.write(
      ReferenceQuery.request(prefixes: prefixes, advertisement: advertisement), idle: limits.idleTimeout)
    var list = ReferenceQueryReader(format: advertisement.format, prefixes: prefixes, limits: limits)
    try await Self.read(child, limits: limits) { packet throws(Failure) in
      try list.take(packet)
      return list.isComplete
    }
    return try list.finish()
  }

  func fetch(
    _ request: FetchRequest, bases: any ObjectSource, into sink: any PackSink,
    progress: @Sendable (GitProgress) throws(Failure) -> Void
  ) async throws(Failure) -> [ObjectID] {
    let order = FetchOrder(request: request, advertisement: advertisement)
    try order.refuseImpossible()
    try await child.write(order.bytes, idle: limits.idleTimeout)
    let receiver = FetchReceiver(order: order, bases: bases, into: sink, limits: limits)
    while !receiver.isComplete {
      let piece = try await child.read(idle: limits.idleTimeout)
      if piece.isEmpty { throw lost() }
      try Self.withBytes(of: piece) { bytes throws(Failure) in try receiver.receive(bytes, progress: progress) }
    }
    return try receiver.finish(progress: progress)
  }

  private func lost() -> Failure { Self.lost(child) }

  /// ssh and the remote's git say on standard error why they end.
  private static func lost(_ child: ChildPipe) -> Failure {
    let words = child.errorText
    var failure = Failure.gitConnectionLost("ssh ended before the answer was complete")
    failure.cause = words.isEmpty ? nil : words
    let spoken = words.lowercased()
    if spoken.contains("permission denied") || spoken.contains("host key verification failed") {
      failure.code = .permissionDenied
      failure.reason = "git-auth-refused"
      failure.message = "ssh can't log in"
      failure.hint =
        "check that the key is in ssh-agent and the host in known_hosts: `ssh -T` must work without questions"
    } else if spoken.contains("does not appear to be a git repository") || spoken.contains("not found") {
      failure.code = .notFound
      failure.reason = "git-repository-not-found"
      failure.message = "remote has no such repository"
      failure.hint = "check the path of the address"
    }
    return failure
  }

  /// Hands on packets until `body` says that it has all.
  private static func read(
    _ child: ChildPipe, limits: GitLimits, _ body: (PktLine) throws(Failure) -> Bool
  ) async throws(Failure) {
    let packets = PktLineReader()
    var pace = ReceivePace(limits: limits, start: .now)
    var size: Int64 = 0
    var isComplete = false
    while !isComplete {
      let piece = try await child.read(idle: limits.idleTimeout)
      if piece.isEmpty { throw lost(child) }
      size += Int64(piece.count)
      if size > limits.listSize.bytes {
        throw .listTooLarge(limits.listSize)
      }
      try pace.record(piece.count, at: .now)
      try withBytes(of: piece) { bytes throws(Failure) in
        try packets.read(bytes) { packet throws(Failure) in isComplete = try body(packet) }
      }
    }
  }

  private static func withBytes(
    of piece: [UInt8], _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    var thrown: Failure?
    piece.withUnsafeBytes { bytes in
      do throws(Failure) { try body(bytes) } catch { thrown = error }
    }
    if let thrown { throw thrown }
  }
}
