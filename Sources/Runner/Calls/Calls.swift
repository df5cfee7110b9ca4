import Diagnostics
import NIOCore
import NIOHTTP1
import NIOPosix
import Storage

/// Calls of apps from inside the house, for Invoke, InvokeAsync and TestDraft.
package struct Calls: AppCaller {
  private let fleet: any AppFleet
  private let pools: ReplicaPools
  private let group: any EventLoopGroup

  package init(
    fleet: any AppFleet, pools: ReplicaPools = ReplicaPools(),
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) {
    self.fleet = fleet
    self.pools = pools
    self.group = group
  }

  package func call(_ request: AppRequest) async throws(Failure) -> AppAnswer {
    let head = try Self.head(of: request)
    do throws(CallFailure) {
      return try await answer(to: request, head, by: try await admission(for: request))
    } catch {
      guard error.isReplicaGone else { throw error.failure }
    }
    // It ended between its admission and the call, and nothing was sent to it.
    do throws(CallFailure) {
      return try await answer(to: request, head, by: try await admission(for: request))
    } catch {
      throw error.failure
    }
  }

  private func admission(for request: AppRequest) async throws(CallFailure) -> Admission {
    do throws(Failure) {
      if let revision = request.revision { return try await fleet.admit(revision) }
      if let admission = fleet.admitNow(request.app) { return admission }
      return try await fleet.admit(request.app)
    } catch {
      throw CallFailure(failure: error, status: error.code.httpStatus)
    }
  }

  private func answer(
    to request: AppRequest, _ head: HTTPRequestHead, by admission: Admission
  ) async throws(CallFailure) -> AppAnswer {
    let loop = group.next()
    let pools = pools
    let pending: NIOLoopBound<PendingAnswer>
    do {
      pending = try await loop.submit { NIOLoopBound(PendingAnswer(loop: loop), eventLoop: loop) }.get()
    } catch {
      throw CallFailure(
        failure: Failure(.unavailable, reason: "server-stopping", "the server is being stopped"), status: 503)
    }
    let answer: HTTPResponseHead
    do {
      answer = try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
          loop.execute {
            pending.value.begin(
              head, body: request.body, by: admission, port: request.port, pool: pools.connections(on: loop),
              continuation)
          }
        }
      } onCancel: {
        loop.execute { pending.value.cancel() }
      }
    } catch let failure as CallFailure {
      throw failure
    } catch {
      throw CallFailure(failure: Failure(wrapping: error, while: "calling '\(request.app)'"), status: 500)
    }
    return AppAnswer(
      status: Int(answer.status.code),
      headers: CallHeaders.toCaller(answer.headers, isOpen: false).map { (name: $0.0, value: $0.1) },
      body: PendingAnswer.stream(pending, on: loop))
  }

  /// The request as an app gets it. Throws `request-invalid` for what cannot stand in an HTTP/1.1 head.
  static func head(of request: AppRequest) throws(Failure) -> HTTPRequestHead {
    guard isToken(request.method), request.method.uppercased() != "CONNECT" else {
      throw invalid("method '\(request.method.prefix(40))' is not one an app can be called with")
    }
    guard request.target.utf8.first == 0x2f, request.target.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw invalid("path '\(request.target.prefix(100))' does not begin with '/' or has characters no URL has")
    }
    var headers = HTTPHeaders()
    for (name, value) in request.headers {
      guard isToken(name), value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
        throw invalid("header '\(name.prefix(100))' cannot be sent")
      }
      if name.names("content-length") || name.names("expect") { continue }
      headers.add(name: name, value: value)
    }
    guard headers.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count }) <= CallLimits.head else {
      throw invalid("the headers are larger than 64 KiB")
    }
    let hasHost = headers.contains(name: "host")
    headers = CallHeaders.toApp(
      headers, app: request.app, execution: request.execution, caller: .init(), framing: .none, upgrade: nil,
      hidesAuthorization: false)
    if !hasHost { headers.add(name: "host", value: AppDomain.label(of: request.app, port: request.port)) }
    if !request.body.isEmpty || !["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"].contains(request.method) {
      headers.add(name: "content-length", value: "\(request.body.count)")
    }
    return HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.target, headers: headers)
  }

  private static func invalid(_ words: String) -> Failure {
    Failure(.invalidArgument, reason: "request-invalid", words, hint: "see: kindling invoke --help")
  }

  /// RFC 9110 §5.6.2.
  private static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
          || "!#$%&'*+-.^_`|~".utf8.contains($0)
      }
  }
}
