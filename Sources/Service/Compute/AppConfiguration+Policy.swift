import Diagnostics
import Runner
import Storage

extension AppConfiguration {
  /// How replicas are kept.
  package var policy: AppPolicy {
    var policy = AppPolicy()
    policy.ports = servedPorts
    if !healthPath.isEmpty { policy.healthPath = healthPath }
    policy.maximumReplicas = max(1, Int(maximumReplicas))
    policy.reservedReplicas = Int(reservedReplicas)
    policy.maximumConcurrency = Int(maximumConcurrency)
    if timeoutSeconds > 0 { policy.callTimeout = .seconds(Int64(clamping: timeoutSeconds)) }
    return policy
  }

  /// The main one first.
  package var servedPorts: [AppPort] {
    let named = ports.compactMap { AppPort($0) }
    return named.isEmpty ? [.standard] : named
  }

  var limits: ReplicaLimits { ReplicaLimits(memory: appliedMemory, cpu: appliedCPU) }
}

extension AppRecord {
  func revision(_ version: AppVersion) -> AppRevision {
    AppRevision(app: id, version: version, configuration: configurationNumber, policy: configuration.policy)
  }

  /// What TestDraft runs: another for every draft, every compile of it and every configuration. It keeps no replica when
  /// nobody tests.
  func revision(of draft: AppDraft) -> AppRevision {
    var policy = configuration.policy
    policy.reservedReplicas = 0
    let compiled = draft.deploy.map { $0.moment.milliseconds & 0xfffff } ?? 0
    let number = (draft.number << 40) ^ (compiled << 20) ^ configurationNumber
    return AppRevision(app: id, version: .draft, configuration: number, policy: policy)
  }
}
