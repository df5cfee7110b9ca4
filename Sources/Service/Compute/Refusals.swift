import Diagnostics
import Runner
import Storage
import Synchronization

/// What the configurations of apps' images say against ever starting them, remembered: an image that is pinned by its
/// digest never changes, and states are asked for often.
final class Refusals: Sendable {
  private static let limit = 4096
  private let known = Mutex<[AppImage: Failure?]>([:])

  /// What is remembered of the image, or what `find` says of it; what `find` throws is not kept.
  func refusal(of image: AppImage, _ find: () throws(Failure) -> Failure?) throws(Failure) -> Failure? {
    if let found = known.withLock({ $0[image] }) { return found }
    let failure = try find()
    known.withLock { known in
      if known.count >= Self.limit { known = [:] }
      known[image] = .some(failure)
    }
    return failure
  }
}
