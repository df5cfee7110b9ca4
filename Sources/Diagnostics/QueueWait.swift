#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Why a build that was accepted does not run yet, and how many go before it.
///
/// Builds of other organisations are a number here and nothing else.
package struct QueueWait: Sendable, Hashable, Codable {
  /// Builds that begin before this one, as things stand now.
  package var ahead: Int
  /// How many of those are of the same organisation.
  package var aheadOfSameOrganization: Int
  package var busyWorkers: Int
  package var workers: Int
  /// Since when nothing begins, because somebody paused the queue.
  package var pausedAt: Timestamp?
  /// What keeps this server from building at all.
  package var obstacle: String?

  package init(
    ahead: Int, aheadOfSameOrganization: Int, busyWorkers: Int, workers: Int, pausedAt: Timestamp? = nil,
    obstacle: String? = nil
  ) {
    self.ahead = ahead
    self.aheadOfSameOrganization = aheadOfSameOrganization
    self.busyWorkers = busyWorkers
    self.workers = workers
    self.pausedAt = pausedAt
    self.obstacle = obstacle
  }

  /// The place in the line, from 1.
  package var position: Int { ahead + 1 }

  /// One line, as every display says it.
  package var text: String {
    if let obstacle { return "waiting: \(obstacle)" }
    if let pausedAt {
      return "waiting: the queue is paused since \(pausedAt.clockText)" + (ahead > 0 ? "; \(behind)" : "")
    }
    let busy = "(\(busyWorkers) of \(workers) busy)"
    return ahead == 0 ? "waiting for a free worker \(busy)" : "waiting \(behind) \(busy)"
  }

  private var behind: String {
    let builds = ahead == 1 ? "1 build" : "\(ahead) builds"
    switch aheadOfSameOrganization {
    case ahead: return "behind \(builds) of your organisation"
    case 0: return "behind \(builds)"
    default: return "behind \(builds), \(aheadOfSameOrganization) of your organisation"
    }
  }
}

extension Timestamp {
  /// `2026-11-21 15:04:05 UTC`.
  package var clockText: String { parts { "\($0) \($1) UTC" } }

  /// `2026-11-21T15:04:05.678Z`, as machines write it.
  package var internetText: String {
    let rest = "\(1000 + (milliseconds % 1000 + 1000) % 1000)".dropFirst()
    return parts { "\($0)T\($1).\(rest)Z" }
  }

  private func parts(_ join: (_ day: String, _ time: String) -> String) -> String {
    var moment = time_t(milliseconds / 1000)
    var parts = tm()
    gmtime_r(&moment, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return join(
      "\(1900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))",
      "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))")
  }
}
