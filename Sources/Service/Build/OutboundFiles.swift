import Archive
import Builder
import Diagnostics
import Foundation
import OCI
import Outbound
import Storage
import SystemPackage

/// Files behind URLs for ADD, fetched by the house's one way out.
package struct OutboundFiles: RemoteFiles {
  private let client: OutboundClient
  /// Nil where nothing is kept.
  private let kept: KeptFiles?
  /// Bound on one file.
  private static let limit = ByteCount.mebibytes(64 << 10)
  private static let redirects = 10

  package init(client: OutboundClient, kept: KeptFiles? = nil) {
    self.client = client
    self.kept = kept
  }

  /// Throws `remote-file-missing` (404, 410), `remote-file-refused` (401, 403), `remote-file-failed`, and what
  /// `OutboundClient` throws. A user in the URL is sent to its own server as Basic credentials.
  ///
  /// A file that is kept is asked for on the condition that it changed (RFC 9110 §13), unless the order wants it anew.
  package func fetch(_ order: RemoteFileOrder, into target: FilePath) async throws(Failure) -> RemoteFile {
    let url = try OutboundURL(parsing: order.url)
    if let kept, !order.isFresh {
      let place = kept.place(of: order.url, order.organization)
      if let about = kept.about(place) {
        let answer = try await ask(url, conditions: about.conditions)
        guard answer.status == 304 else { return try await receive(answer, url, order, into: target) }
        await answer.discard()
        if let digest = kept.take(place, about, into: target) {
          return RemoteFile(size: ByteCount(about.size), digest: digest, lastModified: Self.time(about.lastModified))
        }
      }
    }
    return try await receive(try await ask(url, conditions: []), url, order, into: target)
  }

  private func ask(
    _ url: OutboundURL, conditions: [(name: String, value: String)]
  ) async throws(Failure) -> OutboundAnswer {
    var headers = conditions
    if let userinfo = url.userinfo {
      headers.append(("Authorization", BasicScheme.authorization(userinfo.removingPercentEncoding ?? userinfo)))
    }
    return try await client.send(
      OutboundRequest(url: url, headers: headers, redirects: .follow(limit: Self.redirects)))
  }

  private func receive(
    _ answer: OutboundAnswer, _ url: OutboundURL, _ order: RemoteFileOrder, into target: FilePath
  ) async throws(Failure) -> RemoteFile {
    guard answer.status == 200 else {
      await answer.discard()
      throw Self.failure(answer.status, url)
    }
    let meter = TransferMeter(.download, url.display, watch: order.watch)
    if let length = answer.header("content-length").flatMap({ Int64($0) }) { meter.expect(length) }
    let writer = HashingWriter(into: try FileWriter(creating: target, permissions: 0o600))
    var received: Int64 = 0
    try await answer.forEachChunk { chunk throws(Failure) in
      received += Int64(chunk.count)
      guard received <= Self.limit.bytes else {
        throw Failure(
          .resourceExhausted, reason: "remote-file-too-large", "'\(url.display)' is larger than \(Self.limit)")
      }
      try writer.write(chunk)
      meter.advance(by: Int64(chunk.count))
    }
    try writer.finish()
    meter.finish()
    let modified = answer.header("last-modified")
    keep(answer, order, target, size: received, digest: writer.digest)
    return RemoteFile(size: ByteCount(received), digest: writer.digest, lastModified: Self.time(modified))
  }

  private func keep(
    _ answer: OutboundAnswer, _ order: RemoteFileOrder, _ file: FilePath, size: Int64, digest: Digest
  ) {
    let tag = answer.header("etag")
    let modified = answer.header("last-modified")
    guard let kept, tag != nil || Self.isOld(modified, at: answer.header("date")),
      answer.header("cache-control")?.lowercased().contains("no-store") != true
    else { return }
    kept.keep(
      file,
      KeptFiles.About(entityTag: tag, lastModified: modified, digest: digest.description, size: size),
      at: kept.place(of: order.url, order.organization))
  }

  /// Whether a time tells contents apart: it counts whole seconds, so a file that just changed may change again in the
  /// same one (RFC 9110 §8.8.2.2).
  private static func isOld(_ modified: String?, at date: String?) -> Bool {
    guard let modified = modified.flatMap({ HTTPDate.seconds($0) }), let date = date.flatMap({ HTTPDate.seconds($0) })
    else { return false }
    return date - modified >= 60
  }

  private static func time(_ text: String?) -> FileTime? {
    text.flatMap { HTTPDate.seconds($0) }.map { FileTime(seconds: $0) }
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

extension KeptFiles.About {
  /// As headers of a request that wants only what is new.
  fileprivate var conditions: [(name: String, value: String)] {
    var conditions: [(name: String, value: String)] = []
    if let entityTag { conditions.append(("If-None-Match", entityTag)) }
    if let lastModified { conditions.append(("If-Modified-Since", lastModified)) }
    return conditions
  }
}
