import Diagnostics
import Runner

/// Stand in for parts of the runner that are not there yet.
struct AbsentReplicas: ReplicaStarter {
  func start(_ plan: ReplicaPlan) async throws(Failure) -> any Replica {
    throw Failure(.unimplemented, reason: "runner-absent", "this server cannot run apps yet")
  }
}

struct AbsentCalls: AppCaller {
  let fleet: any AppFleet

  func call(_ request: AppRequest) async throws(Failure) -> AppAnswer {
    if let revision = request.revision { _ = try await fleet.admit(revision) } else {
      _ = try await fleet.admit(request.app)
    }
    throw Failure(.unimplemented, reason: "runner-absent", "this server cannot call apps yet")
  }
}
