import Diagnostics
import Runner
import Storage
import Synchronization

/// Every app there is by its host names, in memory.
///
/// Two apps can have one name: `a-b` of `c` and `a` of `b-c`. The older one keeps it; the other is reached by Invoke.
package final class KnownApps: AppDirectory {
  private struct Entry {
    var app: AppID
    var createdAt: Timestamp
    var destination: AppDestination

    func isBefore(_ other: Entry) -> Bool { (createdAt, app) < (other.createdAt, other.app) }
  }

  private struct State {
    /// The oldest first.
    var labels: [String: [Entry]] = [:]
    var apps: [AppID: [String]] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  package func destination(of label: String) -> AppDestination? {
    state.withLock { $0.labels[label]?.first?.destination }
  }

  package func destination(of app: AppID, port: AppPort) -> AppDestination? {
    state.withLock { state in
      for label in state.apps[app] ?? [] {
        let entry = state.labels[label]?.first { $0.app == app }
        if let entry, entry.destination.port == port { return entry.destination }
      }
      return nil
    }
  }

  /// Takes in an app, or what it is now.
  func set(_ app: AppRecord) {
    state.withLock { state in
      Self.remove(app.id, &state)
      let ports = app.configuration.servedPorts
      for (position, port) in ports.enumerated() {
        let destination = AppDestination(
          app: app.id, port: port, allowsAnonymous: app.configuration.allowsAnonymous,
          isPublic: app.id.organization.name == Self.publicOrganization)
        var labels = port == .standard ? [] : [AppDomain.label(of: app.id, port: port)]
        if position == 0 || port == .standard {
          // With a standard port that is not the first one, the bare name is the standard port's.
          if port == .standard || !ports.contains(.standard) { labels.insert(AppDomain.label(of: app.id), at: 0) }
        }
        let entry = Entry(app: app.id, createdAt: app.createdAt, destination: destination)
        for label in labels {
          state.labels[label, default: []].append(entry)
          state.labels[label]?.sort { $0.isBefore($1) }
        }
        state.apps[app.id, default: []] += labels
      }
    }
  }

  func remove(_ app: AppID) { state.withLock { Self.remove(app, &$0) } }

  /// The host names' labels that lead to the app.
  func labels(of app: AppID) -> [String] {
    state.withLock { state in
      (state.apps[app] ?? []).filter { state.labels[$0]?.first?.app == app }
    }
  }

  /// That a host name of the app is an older app's, in words; nil when it has all of its own.
  func clash(of app: AppID) -> String? {
    state.withLock { state in
      for label in state.apps[app] ?? [] {
        guard let holder = state.labels[label]?.first?.app, holder != app else { continue }
        let other = holder.organization == app.organization ? "app '\(holder)'" : "another organisation's app"
        return
          "the host name \(label) is that of \(other), which is older: call this one with kindling invoke, or rename it"
      }
      return nil
    }
  }

  /// Whose apps anybody with a token may call (contract §1.2).
  static let publicOrganization = "public"

  private static func remove(_ app: AppID, _ state: inout State) {
    for label in state.apps.removeValue(forKey: app) ?? [] {
      state.labels[label]?.removeAll { $0.app == app }
      if state.labels[label]?.isEmpty == true { state.labels[label] = nil }
    }
  }
}
