import API
import Diagnostics
import FoundationEssentials
import Service
import Storage

/// The contract's BuildService in its own messages, one method for each RPC: what both doors call once they know
/// the caller. Everything is decided below; here messages become requests and records become messages.
package struct BuildCalls: Sendable {
  private let builds: BuildService

  package init(_ builds: BuildService) { self.builds = builds }

  private func meet(_ place: Fault.Place, _ caller: Identity) async throws(Failure) {
    try await builds.faults.meet(place, of: caller.organization.name)
  }

  /// Queues a build.
  package func createBuild(
    _ message: Dodil_Ignite_V1_CreateBuildRequest,
    as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_CreateBuildResponse {
    try await meet(.createBuild, caller)
    let record = try await builds.createBuild(BuildRequest(message), as: caller)
    var answer = Dodil_Ignite_V1_CreateBuildResponse()
    answer.buildID = record.id.text
    answer.status = Dodil_Ignite_V1_BuildStatus(record.status)
    return answer
  }

  /// One build.
  package func getBuild(
    _ message: Dodil_Ignite_V1_GetBuildRequest,
    as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_GetBuildResponse {
    try await meet(.getBuild, caller)
    var answer = Dodil_Ignite_V1_GetBuildResponse()
    answer.build = Dodil_Ignite_V1_Build(try await builds.build(message.buildID, as: caller))
    return answer
  }

  /// One page of builds; throws `status-unknown` for a number the contract does not have.
  package func listBuilds(
    _ message: Dodil_Ignite_V1_ListBuildsRequest,
    as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_ListBuildsResponse {
    try await meet(.listBuilds, caller)
    let page = try await builds.builds(
      status: try message.status.filter,
      limit: Int(message.limit),
      cursor: message.cursor,
      as: caller
    )
    var answer = Dodil_Ignite_V1_ListBuildsResponse()
    answer.builds = page.builds.map { Dodil_Ignite_V1_Build($0) }
    answer.nextCursor = page.nextCursor
    return answer
  }

  /// The log, live until the build is terminal; with `after` without so many lines, which the caller has. What is wrong
  /// with the call is thrown here, before the first line.
  package func streamBuildLogs(
    _ message: Dodil_Ignite_V1_StreamBuildLogsRequest,
    after: Int? = nil,
    as caller: Identity
  ) async throws(Failure) -> LogSequence {
    try await meet(.streamBuildLogs, caller)
    let start: EventStart = after.map { .after($0) } ?? (message.fromStart ? .beginning : .now)
    var log = try await builds.logs(of: message.buildID, from: start, as: caller)
    log.slow = SlowLog(faults: builds.faults, organization: caller.organization)
    return log
  }

  /// Stops a build.
  package func cancelBuild(
    _ message: Dodil_Ignite_V1_CancelBuildRequest,
    as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_CancelBuildResponse {
    try await meet(.cancelBuild, caller)
    let record = try await builds.cancelBuild(message.buildID, as: caller)
    var answer = Dodil_Ignite_V1_CancelBuildResponse()
    answer.success = true
    answer.status = Dodil_Ignite_V1_BuildStatus(record.status)
    return answer
  }

  /// Replaces the groups of secrets that the message carries.
  package func saveBuildSecrets(
    _ message: Dodil_Ignite_V1_SaveBuildSecretsRequest,
    as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_SaveBuildSecretsResponse {
    try await meet(.saveBuildSecrets, caller)
    try await builds.saveSecrets(BuildSecrets(message), as: caller)
    var answer = Dodil_Ignite_V1_SaveBuildSecretsResponse()
    answer.success = true
    return answer
  }

  /// Takes an archive in pieces: metadata, then chunks (contract §1.1).
  ///
  /// Throws a `Failure` for what is wrong with the messages, and what `messages` itself throws unchanged; in
  /// both cases nothing of the upload remains.
  package func uploadBuildContext<Messages: AsyncSequence>(
    _ messages: Messages,
    as caller: Identity
  ) async throws -> Dodil_Ignite_V1_UploadBuildContextResponse
  where Messages.Element == Dodil_Ignite_V1_UploadBuildContextRequest {
    try await meet(.uploadBuildContext, caller)
    var upload: ContextUpload?
    do {
      for try await message in messages {
        switch (message.payload, upload) {
        case (.metadata(let metadata), nil): upload = try await beginUpload(metadata, as: caller)
        case (.metadata, _): throw UploadOrder.metadataTwice
        case (.chunk, nil): throw UploadOrder.metadataMissing
        case (.chunk(let bytes), let upload?): try bytes.withUnsafeBytes { try upload.append($0) }
        case (nil, _): throw UploadOrder.payloadMissing
        }
      }
      // Some sequences simply end for a task that is cancelled: that is no end of an archive.
      guard !Task.isCancelled else { throw CancellationError() }
      guard let upload else { throw UploadOrder.metadataMissing }
      let receipt = try await upload.finish()
      var answer = Dodil_Ignite_V1_UploadBuildContextResponse()
      answer.contextID = receipt.id.text
      answer.sizeBytes = UInt64(clamping: receipt.size.bytes)
      return answer
    } catch {
      upload?.cancel()
      throw error
    }
  }

  private func beginUpload(
    _ metadata: Dodil_Ignite_V1_UploadBuildContextMetadata,
    as caller: Identity
  ) async throws(Failure) -> ContextUpload {
    let expected = metadata.expectedSizeBytes
    return try await builds.beginUpload(
      name: metadata.name,
      contentType: metadata.contentType,
      expectedSize: expected == 0 ? nil : ByteCount(Int64(clamping: expected)),
      as: caller
    )
  }
}
