import Diagnostics
import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// A socket with an owner and mode of its own that leads to an ssh agent's: the agent's own may be open to its user
/// alone, and a command can have any number.
final class AgentForwarder: Sendable {
  /// Where the command's socket is.
  let path: FilePath
  private let agent: FilePath
  private let listener: FileDescriptor
  /// Closing the write end ends every connection.
  private let stop: (read: FileDescriptor, write: FileDescriptor)
  private let work = DispatchGroup()
  private let isStopped = Atomic<Bool>(false)

  /// Throws `ssh-agent-unreachable` when nobody listens at `agent`.
  init(agent: FilePath, path: FilePath, owner: RunOwner) throws(Failure) {
    self.path = path
    self.agent = agent
    do {
      guard let probe = Self.connect(to: agent) else {
        throw Failure(
          .failedPrecondition, reason: "ssh-agent-unreachable", "ssh agent at '\(agent)' does not answer",
          hint: "start one with ssh-agent, and add a key with ssh-add", cause: Errno(rawValue: errno).description)
      }
      try? probe.close()
    }
    guard let listener = Self.listen(at: path) else { throw Self.failure(path) }
    self.listener = listener
    guard chown(path.string, owner.uid, owner.gid) == 0, chmod(path.string, mode_t(owner.mode)) == 0,
      let ends = try? FileDescriptor.pipe()
    else {
      let failure = Self.failure(path)
      try? listener.close()
      throw failure
    }
    stop = (ends.readEnd, ends.writeEnd)
    for end in [ends.readEnd, ends.writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
    // A serial queue has a thread of its own while it works.
    DispatchQueue(label: "agent").async(group: work) { self.serve() }
  }

  /// Ends all connections, and returns when no thread of this is left.
  func end() {
    guard isStopped.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else { return }
    try? stop.write.close()
    work.wait()
    try? listener.close()
    try? stop.read.close()
  }

  /// Accepts connections and passes bytes both ways, until all is to end.
  private func serve() {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    defer { buffer.deallocate() }
    // Each followed by where its bytes go: a client by its connection to the agent, and that one by the client.
    var ends: [(from: FileDescriptor, to: FileDescriptor)] = []
    defer { for end in ends { try? end.from.close() } }
    while true {
      let descriptors = [stop.read, listener] + ends.map(\.from)
      var polled = descriptors.map { pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0) }
      guard poll(&polled, nfds_t(polled.count), -1) >= 0 || errno == EINTR, polled[0].revents == 0 else { return }
      for index in ends.indices.reversed() where polled[index + 2].revents != 0 {
        // Its partner may have ended both a moment ago.
        guard index < ends.count, ends[index].from == descriptors[index + 2], !pass(ends[index], buffer) else {
          continue
        }
        let (from, to) = ends[index]
        ends.removeAll { $0.from == from || $0.from == to }
        for descriptor in [from, to] { try? descriptor.close() }
      }
      if polled[1].revents != 0, let (client, server) = accept() { ends += [(client, server), (server, client)] }
    }
  }

  private func accept() -> (FileDescriptor, FileDescriptor)? {
    let connection = Glibc.accept(listener.rawValue, nil, nil)
    guard connection >= 0 else { return nil }
    _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
    let client = FileDescriptor(rawValue: connection)
    guard let server = Self.connect(to: agent) else {
      try? client.close()
      return nil
    }
    var patience = timeval(tv_sec: 10, tv_usec: 0)
    for end in [client, server] {
      setsockopt(end.rawValue, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }
    return (client, server)
  }

  /// Passes what one side says to the other; false when either has ended.
  ///
  /// A write may wait for its reader, but not for long: messages of the protocol are short and take turns.
  private func pass(
    _ end: (from: FileDescriptor, to: FileDescriptor), _ buffer: UnsafeMutableRawBufferPointer
  ) -> Bool {
    let count = recv(end.from.rawValue, buffer.baseAddress, buffer.count, 0)
    guard count > 0 else { return false }
    var sent = 0
    while sent < count {
      let rest = UnsafeRawBufferPointer(rebasing: buffer[sent..<count])
      let written = send(end.to.rawValue, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      guard written > 0 else { return false }
      sent += written
    }
    return true
  }

  private static func connect(to path: FilePath) -> FileDescriptor? {
    socket(at: path) { Glibc.connect($0, $1, $2) }
  }

  private static func listen(at path: FilePath) -> FileDescriptor? {
    socket(at: path) { descriptor, address, length in
      bind(descriptor, address, length) == 0 ? Glibc.listen(descriptor, 16) : -1
    }
  }

  /// A socket on which `use` went well. Longer paths than an address holds go by their directory's descriptor.
  private static func socket(
    at path: FilePath, _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> FileDescriptor? {
    guard let name = path.lastComponent,
      let directory = try? FileDescriptor.open(
        path.removingLastComponent(), FileDescriptor.AccessMode(rawValue: O_RDONLY),
        options: [.directory, .closeOnExec])
    else { return nil }
    defer { try? directory.close() }
    let short = Array("/proc/self/fd/\(directory.rawValue)/\(name)".utf8)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard short.count < MemoryLayout.size(ofValue: address.sun_path) else {
      errno = ENAMETOOLONG
      return nil
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: short) }
    let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    let result = withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        use(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    if result == 0 { return FileDescriptor(rawValue: descriptor) }
    let code = errno
    close(descriptor)
    errno = code
    return nil
  }

  private static func failure(_ path: FilePath) -> Failure {
    Failure(
      .internal, reason: "ssh-agent-socket", "socket of an ssh agent cannot be made at '\(path)'",
      cause: Errno(rawValue: errno).description)
  }
}
