import CSandbox
import Diagnostics
import Glibc
import Synchronization
import SystemPackage

/// One started init: reads what its command writes until everything inside is dead.
final class SandboxRun: Sendable {
  /// nil once closed: closing it is what kills.
  private let life: Mutex<FileDescriptor?>
  private let killed = Atomic<Bool>(false)
  private let output: FileDescriptor
  private let errors: FileDescriptor
  private let report: FileDescriptor
  private let pid: pid_t

  /// Where a resident command's listener arrives, if it was wanted; `takeListener` closes it.
  private let control: Mutex<Int32>

  init(executable: FilePath, description: SandboxDescription, wantsListener: Bool = false) throws(Failure) {
    var child = csandbox_child()
    let error = executable.withPlatformString { path in
      description.bytes.withUnsafeBytes { csandbox_launch(path, $0.baseAddress, $0.count, wantsListener, &child) }
    }
    if error != 0 {
      let exhausted = [EMFILE, ENFILE, EAGAIN, ENOMEM].contains(error)
      throw Failure(
        exhausted ? .resourceExhausted : .internal,
        reason: "sandbox-launch",
        "sandbox can't be started",
        hint: exhausted ? "raise the limits of open files and processes, or run fewer builds at once" : nil,
        cause: "\(executable): \(Errno(rawValue: error))"
      )
    }
    pid = child.pid
    output = FileDescriptor(rawValue: child.output)
    errors = FileDescriptor(rawValue: child.errors)
    report = FileDescriptor(rawValue: child.report)
    life = Mutex(FileDescriptor(rawValue: child.life))
    control = Mutex(child.control)
  }

  /// Whether `kill` was called before the run ended by itself.
  var wasKilled: Bool { killed.load(ordering: .acquiring) }

  /// Kills every process inside; returns at once, and may be called at any time.
  func kill() {
    life.withLock { life in
      guard let descriptor = life else { return }
      killed.store(true, ordering: .releasing)
      try? descriptor.close()
      life = nil
    }
  }

  /// The namespaces of the process are those of the sandbox but for mounts and processes; valid until `drain` is over.
  var processID: Int32 { pid }

  /// What calls of `connect` are asked for on; nil when none came.
  func takeListener() -> FileDescriptor? {
    control.withLock { control in
      guard control >= 0 else { return nil }
      let listener = csandbox_listener(control)
      close(control)
      control = -1
      return listener < 0 ? nil : FileDescriptor(rawValue: listener)
    }
  }

  /// Passes a signal on to a resident command.
  func signal(_ number: UInt8) {
    life.withLock { life in
      if let life { csandbox_signal(life.rawValue, number) }
    }
  }

  /// Hands on all output, in order within a stream, and reaps the init. Blocks the thread; called once. `hear` is told
  /// all that the init has said so far whenever it has said more.
  func drain(hear: ([UInt8]) -> Void = { _ in }, _ deliver: (OutputChunk) -> Void) -> [UInt8] {
    // As much as a pipe holds.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    defer { buffer.deallocate() }
    var said: [UInt8] = []
    var polled = [output, errors, report].map { pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0) }
    // The report's end means that all is dead. The streams' ends don't: a descriptor can be passed out of the sandbox
    // by a socket, and then they never come.
    while polled[2].fd >= 0 {
      if poll(&polled, 3, -1) < 0 { continue }
      if polled[0].revents != 0, !forward(output, .stdout, buffer, deliver) { polled[0].fd = -1 }
      if polled[1].revents != 0, !forward(errors, .stderr, buffer, deliver) { polled[1].fd = -1 }
      if polled[2].revents != 0 {
        if !listen(buffer, &said) { polled[2].fd = -1 }
        hear(said)
      }
    }
    while forward(output, .stdout, buffer, deliver) {}
    while forward(errors, .stderr, buffer, deliver) {}
    finish()
    return said
  }

  /// Passes on one read's worth; false at the end, or when nothing is there.
  private func forward(
    _ descriptor: FileDescriptor,
    _ stream: BuildEvent.OutputStream,
    _ buffer: UnsafeMutableRawBufferPointer,
    _ deliver: (OutputChunk) -> Void
  ) -> Bool {
    guard let count = try? descriptor.read(into: buffer), count > 0 else { return false }
    deliver(OutputChunk(stream: stream, bytes: Array(buffer[..<count])))
    return true
  }

  private func listen(_ buffer: UnsafeMutableRawBufferPointer, _ said: inout [UInt8]) -> Bool {
    guard let count = try? report.read(into: buffer), count > 0 else { return false }
    said.append(contentsOf: buffer[..<count].prefix(4096))
    return said.count < 4096
  }

  private func finish() {
    for descriptor in [output, errors, report] { try? descriptor.close() }
    while waitpid(pid, nil, 0) < 0, errno == EINTR {}
    try? takeListener()?.close()
    life.withLock { life in
      try? life?.close()
      life = nil
    }
  }
}
