import Diagnostics
import HTTPTypes
import HummingbirdCore
import OCI
import Registry
import Service

/// The OCI distribution API under `/v2/`.
struct RegistryDoor: Sendable {
  let access: RegistryAccess
  let blobs: BlobDoor
  let uploads: UploadDoor
  let manifests: ManifestDoor
  let listings: ListingDoor
  let faults: FaultBoard

  func respond(to call: Call) async -> Response {
    let route = RegistryRoute(call.path)
    var response: Response
    do throws(Failure) {
      response = try await answer(call, route)
    } catch {
      response = .registryFailure(error)
      if error.code == .unauthenticated {
        response.headers[.wwwAuthenticate] = RegistryAccess.challenge(for: call, route: route)
      }
    }
    response.headers[.distributionVersion] = "registry/2.0"
    return response
  }

  private func answer(_ call: Call, _ route: RegistryRoute?) async throws(Failure) -> Response {
    guard let route else {
      throw Failure(
        .notFound,
        reason: "path-unknown",
        "nothing answers on '\(call.path.prefix(500))'",
        hint:
          "a repository's paths end in blobs/DIGEST, blobs/uploads/, manifests/REFERENCE, tags/list or referrers/DIGEST"
      )
    }
    if route == .token { return try await access.token(for: call) }
    let caller = try await access.caller(of: call)
    switch route {
    case .version, .token: return try reading(call) { .json([String: String]()) }
    case .catalog: return try reading(call) { () throws(Failure) in try listings.catalog(call, caller) }
    default: break
    }
    let repository = try RegistryCaller.repository(route.repositoryName ?? "", host: call.host)
    try caller.check(repository, writing: !call.isReading)
    let organization = repository.name.prefix { $0 != "/" }
    try await faults.meet(call.isReading ? .registryPull : .registryPush, of: String(organization))
    switch route {
    case .version, .token, .catalog: return .text("")
    case .blob(_, let digest): return try await blobs.respond(to: call, repository, try Digest(digest))
    case .uploads: return try await uploads.start(call, repository, caller)
    case .upload(_, let id): return try await uploads.respond(to: call, repository, id: id)
    case .manifest(_, let reference):
      return try await manifests.respond(to: call, repository, try ManifestReference(reference))
    case .tags: return try reading(call) { () throws(Failure) in try listings.tags(call, repository) }
    case .referrers(_, let digest):
      return try reading(call) { () throws(Failure) in try listings.referrers(call, repository, try Digest(digest)) }
    }
  }

  private func reading(_ call: Call, _ answer: () throws(Failure) -> Response) throws(Failure) -> Response {
    guard call.isReading else { return .registryMethodNotAllowed(call, allowed: [.get]) }
    return try answer()
  }
}

extension Response {
  /// 405 in the registry's words.
  static func registryMethodNotAllowed(_ call: Call, allowed: [HTTPRequest.Method]) -> Response {
    let methods = allowed.contains(.get) ? allowed + [.head] : allowed
    let list = methods.map(\.rawValue).joined(separator: ", ")
    var response = registryFailure(
      Failure(
        .unimplemented,
        reason: "unsupported",
        "method '\(call.method.rawValue)' is not offered here",
        hint: "use \(list)"
      ),
      status: .methodNotAllowed
    )
    response.headers[.allow] = list
    return response
  }
}
