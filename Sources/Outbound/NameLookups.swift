import Diagnostics
import Dispatch
import NIOCore
import NIOPosix
import Synchronization

/// Lookups of names under way, each on a thread of its own: getaddrinfo hangs for half a minute on silent name servers,
/// and cannot be stopped.
///
/// The threads are bounded, and those for one domain more narrowly: whoever owns a domain decides how long its name
/// servers are silent, and must not keep others from theirs.
final class NameLookups: Sendable {
  typealias Answer = Result<[NetworkAddress], Failure>

  private struct Lookup {
    var number: Int
    var host: String
    var port: Int
    var box: OnceBox<Answer>
  }

  private struct State {
    var running: [String: Int] = [:]
    var waiting: [Lookup] = []
    var lastNumber = 0
    var total: Int { running.values.reduce(0, +) }
  }

  private let most: Int
  private let perDomain: Int
  private let lookUp: @Sendable (_ host: String, _ port: Int) -> Answer
  private let queue = DispatchQueue(label: "kindling.names", attributes: .concurrent)
  private let state = Mutex(State())

  /// At most `most` lookups run at once, `perDomain` of them for one domain; `lookUp` may block.
  init(
    most: Int = 48, perDomain: Int = 8, lookUp: @escaping @Sendable (_ host: String, _ port: Int) -> Answer
  ) {
    self.most = most
    self.perDomain = perDomain
    self.lookUp = lookUp
  }

  /// Lookups on a thread now, those included that nobody waits for any more.
  var running: Int { state.withLock { $0.total } }
  /// Lookups that wait for a thread.
  var waiting: Int { state.withLock { $0.waiting.count } }

  /// The addresses of a host. Throws what the lookup says, `outbound-timeout` and `cancelled`.
  func addresses(of host: String, port: Int, patience: Duration) async throws(Failure) -> [NetworkAddress] {
    let box = OnceBox<Answer>()
    let number = state.withLock { state in
      state.lastNumber += 1
      state.waiting.append(Lookup(number: state.lastNumber, host: host, port: port, box: box))
      return state.lastNumber
    }
    defer { state.withLock { $0.waiting.removeAll { $0.number == number } } }
    begin()
    let timer = NIOSingletons.posixEventLoopGroup.next().scheduleTask(in: TimeAmount(patience)) {
      box.put(
        .failure(
          Failure(
            .unavailable, reason: "outbound-timeout", "host '\(host)' was not resolved within \(patience.words)",
            hint: "check the name servers of this machine (/etc/resolv.conf)")))
    }
    defer { timer.cancel() }
    let result = await withTaskCancellationHandler {
      await box.value()
    } onCancel: {
      box.put(.failure(Failure(.cancelled, reason: "cancelled", "looking up '\(host)' was cancelled")))
    }
    return try result.get()
  }

  /// Begins what the bounds let begin, the oldest first.
  private func begin() {
    let ready = state.withLock { state in
      var ready: [Lookup] = []
      var rest: [Lookup] = []
      for lookup in state.waiting {
        let domain = Self.domain(of: lookup.host)
        guard state.total < most, state.running[domain, default: 0] < perDomain else {
          rest.append(lookup)
          continue
        }
        state.running[domain, default: 0] += 1
        ready.append(lookup)
      }
      state.waiting = rest
      return ready
    }
    for lookup in ready {
      queue.async {
        lookup.box.put(self.lookUp(lookup.host, lookup.port))
        self.end(Self.domain(of: lookup.host))
      }
    }
  }

  private func end(_ domain: String) {
    state.withLock { state in
      let left = state.running[domain, default: 1] - 1
      state.running[domain] = left > 0 ? left : nil
    }
    begin()
  }

  /// The last two labels of a name, which stand for whoever runs its name servers.
  static func domain(of host: String) -> String {
    host.lowercased().split(separator: ".").suffix(2).joined(separator: ".")
  }
}
