import Diagnostics
import Storage
import Synchronization

/// All apps' replicas: started at the first call, several when one is too few, ended when nobody calls, replaced
/// without a gap. Everything about one app is its `AppDriver`'s.
package final class Fleet: AppFleet {
  private struct Drivers {
    var all: [AppID: AppDriver] = [:]
    var isStopped = false
  }

  private let tools: AppDriver.Tools
  private let drivers = Mutex(Drivers())

  package init(
    starter: any ReplicaStarter, source: any RevisionSource, settings: FleetSettings = FleetSettings(),
    probe: any ReplicaProbe = HealthProbe(), clock: any FleetClock = SystemFleetClock()
  ) {
    tools = AppDriver.Tools(starter: starter, source: source, probe: probe, clock: clock, settings: settings)
  }

  // MARK: Calls

  package func admitNow(_ app: AppID) -> Admission? { known(app)?.admitNow() }

  package func admit(_ app: AppID) async throws(Failure) -> Admission {
    if let driver = known(app), driver.isActive { return try await driver.admit(nil) }
    // Asked before there is a driver, so that names of no app leave nothing behind.
    let revision = try await tools.source.active(app)
    let driver = try driver(of: app)
    driver.learn(revision)
    return try await driver.admit(nil)
  }

  package func admit(_ revision: AppRevision) async throws(Failure) -> Admission {
    try await driver(of: revision.app).admit(revision)
  }

  // MARK: Revisions

  package func activate(_ revision: AppRevision) async throws(Failure) {
    try await driver(of: revision.app).activate(revision)
  }

  package func keep(_ apps: [AppID]) async {
    for app in apps {
      do throws(Failure) {
        let revision = try await tools.source.active(app)
        try driver(of: app).learn(revision)
      } catch {
        // It has published nothing, or the server stops; its first call will say which.
        continue
      }
    }
  }

  package func remove(_ app: AppID) async {
    let driver = drivers.withLock { $0.all.removeValue(forKey: app) }
    await driver?.close(.removed(app), grace: min(tools.settings.stopGrace, .seconds(1)))
  }

  package func stop(grace: Duration) async {
    let all = drivers.withLock { drivers in
      drivers.isStopped = true
      defer { drivers.all = [:] }
      return Array(drivers.all.values)
    }
    await withTaskGroup(of: Void.self) { group in
      for driver in all { group.addTask { await driver.close(.fleetStopping, grace: grace) } }
    }
  }

  // MARK: What is to be seen

  package func status(of app: AppID) -> FleetStatus { known(app)?.status() ?? FleetStatus() }
  package func logs(of app: AppID) -> [ReplicaLog] { known(app)?.logs() ?? [] }

  package func followLogs(of app: AppID) -> AsyncStream<AppLogLine> {
    do throws(Failure) { return try driver(of: app).followLogs() } catch { return AsyncStream { $0.finish() } }
  }

  private func known(_ app: AppID) -> AppDriver? { drivers.withLock { $0.all[app] } }

  private func driver(of app: AppID) throws(Failure) -> AppDriver {
    let driver = drivers.withLock { drivers -> AppDriver? in
      guard !drivers.isStopped else { return nil }
      if let driver = drivers.all[app] { return driver }
      let driver = AppDriver(app: app, tools: tools)
      drivers.all[app] = driver
      return driver
    }
    guard let driver else { throw .fleetStopping }
    return driver
  }
}
