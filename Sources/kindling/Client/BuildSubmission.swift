import API
import Diagnostics
import RPC
import Terminal

/// Queues a build and says what standard output must hold about it.
struct BuildSubmission: Sendable {
  let access: ServerAccess
  let output: OutputFormat
  /// How the build's directory came to the server, should the server not have it after all.
  var delivery: ContextDelivery?

  /// Queues it and prints its id.
  func queue(_ request: Dodil_Ignite_V1_CreateBuildRequest) async throws {
    let answer = try await create(request)
    switch output {
    case .json: try Messages.print(answer)
    case .table:
      Console.standardOutput.write(answer.buildID + "\n")
      if Console.standardError.isTTY {
        Console.standardError.write("queued; watch it with: kindling build logs \(answer.buildID) --from-start\n")
      }
    }
  }

  /// A context that was sent earlier may have expired, or be another organisation's or another server's: then it is sent
  /// again.
  private func create(
    _ request: Dodil_Ignite_V1_CreateBuildRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_CreateBuildResponse {
    do throws(Failure) {
      return try await access.call { try await $0.createBuild(request) }
    } catch {
      guard let delivery, error.code == .notFound, !request.contextID.isEmpty else { throw error }
      var again = request
      try await delivery.deliver(as: &again, anew: true)
      let second = again
      return try await access.call { try await $0.createBuild(second) }
    }
  }

  /// Queues it, shows it until it is over, and prints `reference@digest`.
  func follow(
    _ request: Dodil_Ignite_V1_CreateBuildRequest,
    _ follower: BuildFollower
  ) async throws {
    let answer = try await create(request)
    let progress = try await follower.follow(answer.buildID)
    switch output {
    case .json:
      var response = Dodil_Ignite_V1_GetBuildResponse()
      response.build = try await access.call { try await $0.getBuild(answer.buildID) }
      try Messages.print(response)
    case .table:
      guard let image = progress.image, let reference = image.references.first else { return }
      Console.standardOutput.write("\(reference)@\(image.digest)\n")
    }
  }
}
