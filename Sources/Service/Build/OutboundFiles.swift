import Archive
import Builder
import Diagnostics
import Foundation
import Outbound
import Storage
import SystemPackage

/// Files behind URLs for ADD, fetched by the house's one way out.
package struct OutboundFiles: RemoteFiles {
  private let client: OutboundClient
  /// Bound on one file.
  private static let limit = ByteCount.mebibytes(64 << 10)
  private static let redirects = 10

  package init(client: OutboundClient) { self.client = client }

  /// Throws `remote-file-missing` (404, 410), `remote-file-refused` (401, 403), `remote-file-failed`, and what
  /// `OutboundClient` throws. A user in the URL is sent to its own server as Basic credentials.
  package func fetch(_ url: String, into target: FilePath) async throws(Failure) -> RemoteFile {
    let url = try OutboundURL(parsing: url)
    var headers: [(name: String, value: String)] = []
    if let userinfo = url.userinfo {
      headers.append(("Authorization", BasicScheme.authorization(userinfo.removingPercentEncoding ?? userinfo)))
    }
    let request = OutboundRequest(url: url, headers: headers, redirects: .follow(limit: Self.redirects))
    let answer = try await client.send(request)
    guard answer.status == 200 else {
      await answer.discard()
      throw Self.failure(answer.status, url)
    }
    let writer = HashingWriter(into: try FileWriter(creating: target, permissions: 0o600))
    var received: Int64 = 0
    try await answer.forEachChunk { chunk throws(Failure) in
      received += Int64(chunk.count)
      guard received <= Self.limit.bytes else {
        throw Failure(
          .resourceExhausted, reason: "remote-file-too-large", "'\(url.display)' is larger than \(Self.limit)")
      }
      try writer.write(chunk)
    }
    try writer.finish()
    return RemoteFile(
      size: ByteCount(received), digest: writer.digest,
      lastModified: answer.header("last-modified").flatMap { HTTPDate.seconds($0) }.map { FileTime(seconds: $0) })
  }

  private static func failure(_ status: Int, _ url: OutboundURL) -> Failure {
    let answered = "'\(url.display)' cannot be fetched: the server answered \(status)"
    switch status {
    case 404, 410:
      return Failure(.notFound, reason: "remote-file-missing", answered, hint: "check the URL of the ADD")
    case 401, 403:
      return Failure(
        .failedPrecondition, reason: "remote-file-refused", answered,
        hint: "ADD can fetch public files; fetch others in a RUN with a secret")
    case 500...:
      return Failure(.unavailable, reason: "remote-file-failed", answered, hint: "try again later")
    default: return Failure(.failedPrecondition, reason: "remote-file-failed", answered)
    }
  }
}
