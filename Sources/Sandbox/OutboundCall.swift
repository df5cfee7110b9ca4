import CSandbox
import Glibc
import Synchronization
import SystemPackage

/// The descriptor that calls are asked for on; closed with the last call.
final class OutboundDoor: Sendable {
  let listener: FileDescriptor
  /// Where callers are connected, one after the other: a hostile one holds up the calls of its own command alone.
  let joining = WorkLine()
  init(_ listener: FileDescriptor) { self.listener = listener }
  deinit { try? listener.close() }
}

/// A call of `connect` by a resident command to somewhere outside, which waits until it is answered.
package final class OutboundCall: Sendable {
  private struct Pending: @unchecked Sendable { var call: csandbox_connect }

  private let call: Pending
  private let door: OutboundDoor
  private let resident: Resident?
  private let isAnswered = Atomic<Bool>(false)

  init(_ call: csandbox_connect, door: OutboundDoor, resident: Resident?) {
    self.call = Pending(call: call)
    self.door = door
    self.resident = resident
  }

  /// The destination: an internet address of either family, never one of loopback.
  package var address: sockaddr_storage {
    withUnsafeBytes(of: call.call.address) { $0.loadUnaligned(as: sockaddr_storage.self) }
  }

  /// Whether the caller waits for the connection, and not for the beginning of it alone.
  package var waits: Bool { call.call.waits }

  /// Connects the caller's socket, answers the call, and gives the other end to `then`, nil when it failed. `then` is
  /// called by a thread of the command's own, since the caller can make it take long.
  package func accept(_ then: @escaping @Sendable (FileDescriptor?) -> Void) {
    door.joining.add { [self] in
      let (end, error) = resident?.join(call.call) ?? (nil, ENETUNREACH)
      answer(error: error)
      then(end)
    }
  }

  /// Fails the call.
  package func answer(error: Int32) {
    guard !isAnswered.exchange(true, ordering: .acquiringAndReleasing) else { return }
    withUnsafePointer(to: call.call) { csandbox_answer_connect(door.listener.rawValue, $0, error) }
  }

  deinit {
    answer(error: ECONNABORTED)
    close(call.call.socket)
  }
}
