import Glibc
import NIOCore
import Synchronization

/// How many connections to the outside one replica may have at once, and all together: each takes descriptors of the
/// server, which everybody else needs too.
final class OutboundPlaces: Sendable {
  /// Of one replica.
  static let usualLimit = 1024

  /// Of all replicas: with the two ends that each has, at most half of what the server may open.
  private static let common = OutboundPlaces(
    limit: {
      var files = rlimit()
      guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0 else { return usualLimit }
      return max(16, Int(clamping: files.rlim_cur / 4))
    }(), parent: nil)

  private let limit: Int
  private let parent: OutboundPlaces?
  private let taken = Atomic<Int>(0)

  convenience init(limit: Int = OutboundPlaces.usualLimit) { self.init(limit: limit, parent: .common) }

  private init(limit: Int, parent: OutboundPlaces?) {
    self.limit = limit
    self.parent = parent
  }

  /// Nil when all are taken.
  func take() -> OutboundPlace? {
    guard enter() else { return nil }
    return OutboundPlace(self)
  }

  private func enter() -> Bool {
    guard taken.add(1, ordering: .relaxed).newValue <= limit, parent?.enter() ?? true else {
      taken.subtract(1, ordering: .relaxed)
      return false
    }
    return true
  }

  fileprivate func leave() {
    taken.subtract(1, ordering: .relaxed)
    parent?.leave()
  }
}

/// One connection's place; free again with the last reference.
final class OutboundPlace: Sendable {
  private let places: OutboundPlaces

  fileprivate init(_ places: OutboundPlaces) { self.places = places }
  deinit { places.leave() }

  /// Keeps the place until the channel is closed.
  func end(with channel: any Channel) {
    channel.closeFuture.whenComplete { _ in withExtendedLifetime(self) {} }
  }
}
