import API
import GRPCCore
import Synchronization
import Testing

@testable import RPC

@Suite(.timeLimit(.minutes(1))) struct HealthTests {
  private static func request(_ service: String) -> Grpc_Health_V1_HealthCheckRequest {
    var request = Grpc_Health_V1_HealthCheckRequest()
    request.service = service
    return request
  }

  @Test("a server whose condition does not hold is not serving")
  func notReady() async throws {
    try await withDoor(isReady: { false }) { _, port in
      try await withGRPC(port: port) { client in
        let health = Grpc_Health_V1_Health.Client(wrapping: client)
        #expect(try await health.check(Self.request("")).status == .notServing)
        let list = try await health.list(Grpc_Health_V1_HealthListRequest()).statuses
        #expect(list["grpc.health.v1.Health"]?.status == .notServing)
      }
    }
  }

  @Test("an unknown service is NOT_FOUND for check and SERVICE_UNKNOWN for watch")
  func unknown() async throws {
    try await withDoor { _, port in
      try await withGRPC(port: port) { client in
        let health = Grpc_Health_V1_Health.Client(wrapping: client)
        let error = await #expect(throws: RPCError.self) { try await health.check(Self.request("no.Such")) }
        #expect(error?.code == .notFound)
        try await health.watch(Self.request("no.Such")) { response in
          for try await message in response.messages {
            #expect(message.status == .serviceUnknown)
            break
          }
        }
      }
    }
  }

  @Test("readiness goes from starting to listening to draining and never back")
  func phases() {
    let readiness = Readiness()
    #expect(!readiness.isServing)
    readiness.start()
    #expect(readiness.isServing && !readiness.isDraining)
    readiness.stop()
    readiness.start()
    #expect(!readiness.isServing && readiness.isDraining)
  }

  @Test("an unknown RPC is UNIMPLEMENTED")
  func unimplemented() async throws {
    try await withDoor { _, port in
      try await withGRPC(port: port) { client in
        let builds = Dodil_Ignite_V1_BuildService.Client(wrapping: client)
        let error = await #expect(throws: RPCError.self) {
          try await builds.getBuild(Dodil_Ignite_V1_GetBuildRequest())
        }
        #expect(error?.code == .unimplemented)
      }
    }
  }
}
