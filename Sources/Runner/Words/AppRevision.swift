import Diagnostics
import Storage

/// One version of an app with one configuration: what all replicas that may answer a call have in common.
package struct AppRevision: Sendable, Hashable {
  package let app: AppID
  /// 0 is the draft, which answers TestDraft alone.
  package let version: AppVersion
  /// Counts the app's configurations; a replica of another one is replaced.
  package let configuration: Int64
  package let policy: AppPolicy

  package init(app: AppID, version: AppVersion, configuration: Int64, policy: AppPolicy) {
    self.app = app
    self.version = version
    self.configuration = configuration
    self.policy = policy
  }
}

/// How an app's replicas are kept, as far as it is decided without its image.
package struct AppPolicy: Sendable, Hashable {
  /// The ports calls may go to; the first is the main one and is injected as `PORT`. Never empty.
  package var ports: [AppPort] = [.standard]
  /// Asked with GET; 2xx says ready, and alive.
  package var healthPath = "/healthz"
  /// At least 1.
  package var maximumReplicas = 1
  /// As many are kept when nobody calls.
  package var reservedReplicas = 0
  /// Calls one replica may have at once; 0 sets no bound.
  package var maximumConcurrency = 0
  /// From a call's arrival at the replica to the end of its answer.
  package var callTimeout: Duration = .seconds(120)

  package init() {}
}

/// A TCP port inside an app's own network.
package struct AppPort: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let number: UInt16
  /// The platform's default (contract §1.2, the container contract).
  package static let standard = AppPort(unchecked: 80)

  /// Nil for 0 and for what is no port.
  package init?(_ number: some BinaryInteger) {
    guard let port = UInt16(exactly: number), port > 0 else { return nil }
    self.number = port
  }

  private init(unchecked number: UInt16) { self.number = number }
  package var description: String { String(number) }
  package static func < (a: Self, b: Self) -> Bool { a.number < b.number }
}
