import AsyncHTTPClient
import Diagnostics
import Foundation
import NIOCore
import NIOHTTP1

/// The server's own HTTP paths, below `/_kindling/` and beside.
struct HTTPDoor: Sendable {
  let access: ServerAccess
  private let client: HTTPClient

  /// Opens a client for as long as `body` runs.
  static func open<Result: Sendable>(
    _ access: ServerAccess,
    _ body: @escaping @Sendable (HTTPDoor) async throws -> Result
  ) async throws(Failure) -> Result {
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .disallow
    configuration.timeout.connect = .seconds(10)
    // Where nobody listens nobody will: trying until the time is over only delays the answer.
    configuration.connectionPool.retryConnectionEstablishment = false
    do {
      return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
        try await body(HTTPDoor(access: access, client: client))
      }
    } catch {
      throw Self.failure(error, access.endpoint)
    }
  }

  /// Sends a request and returns the response's head with its body still to be read, whatever its status.
  ///
  /// `limit` bounds the whole exchange with the body; nil is as long as it takes.
  func send(
    _ method: HTTPMethod,
    _ path: String,
    accept: String = "application/json",
    body: HTTPClientRequest.Body? = nil,
    limit: Duration? = nil
  ) async throws(Failure) -> HTTPClientResponse {
    var request = HTTPClientRequest(url: access.endpoint.url + path)
    request.method = method
    request.headers.add(name: "accept", value: accept)
    request.headers.add(name: "user-agent", value: "kindling/\(Kindling.version)")
    if let token = access.token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
    request.body = body
    let deadline = limit.map { NIODeadline.now() + .seconds($0.components.seconds) } ?? .distantFuture
    do {
      return try await client.execute(request, deadline: deadline)
    } catch {
      throw Self.failure(error, access.endpoint)
    }
  }

  /// The same, reading a body of at most 8 MiB; anything but a success throws what the server wrote.
  func read(
    _ method: HTTPMethod,
    _ path: String,
    body: HTTPClientRequest.Body? = nil,
    limit: Duration? = nil
  ) async throws(Failure) -> Data {
    let response = try await send(method, path, body: body, limit: limit)
    let bytes = try await Self.body(of: response, access.endpoint)
    guard (200..<300).contains(Int(response.status.code)) else {
      throw ServerLetter.failure(status: Int(response.status.code), body: bytes)
    }
    return bytes
  }

  static func body(of response: HTTPClientResponse, _ endpoint: Endpoint) async throws(Failure) -> Data {
    do {
      return Data(try await response.body.collect(upTo: 8 << 20).readableBytesView)
    } catch {
      throw failure(error, endpoint)
    }
  }

  /// What went wrong on the way, told as such.
  static func failure(_ error: any Error, _ endpoint: Endpoint) -> Failure {
    if let failure = error as? Failure { return failure }
    if error is CancellationError || (error as? HTTPClientError) == .cancelled {
      return Failure(.cancelled, reason: "cancelled", "the call was cancelled")
    }
    if let error = error as? HTTPClientError, [.deadlineExceeded, .readTimeout, .writeTimeout].contains(error) {
      return Failure(
        .deadlineExceeded,
        reason: "call-timeout",
        "the server at \(endpoint) did not answer in time",
        hint: "wait longer with --timeout, or look at it with: kindling status"
      )
    }
    return Failure(
      .unavailable,
      reason: "server-unreachable",
      "no server answers at \(endpoint)",
      hint: "start it with: kindling start",
      cause: String(describing: error)
    )
  }
}
