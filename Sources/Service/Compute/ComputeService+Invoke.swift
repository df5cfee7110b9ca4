import Diagnostics
import Runner
import Storage

extension ComputeService {
  /// Calls the active version. Returns when the head of the answer is there; makes no execution (contract §1.2).
  package func invoke(
    _ order: InvokeOrder, as caller: Identity
  ) async throws(Failure) -> (answer: AppAnswer, execution: ExecutionID, began: ContinuousClock.Instant) {
    try caller.require(.invokeApp)
    let request = try request(order, for: try callable(order, caller))
    let began = ContinuousClock.now
    _ = try revisions.current(request.app)
    return (try await self.caller.call(request), request.execution, began)
  }

  /// Begins a call whose answer is kept.
  package func invokeAsync(_ order: InvokeOrder, as caller: Identity) async throws(Failure) -> ExecutionID {
    try caller.require(.invokeApp)
    let request = try request(order, for: try callable(order, caller))
    _ = try revisions.current(request.app)
    return try executions.start(request, by: caller.organization).id
  }

  package func execution(_ id: String, as caller: Identity) async throws(Failure) -> ExecutionRecord {
    try caller.require(.getExecution)
    guard let known = ExecutionID(id), let record = try data.ledger.execution(known, of: caller.organization) else {
      throw Failure(
        .notFound, reason: "execution-unknown",
        "execution '\(Shown.text(id))' does not exist in organisation '\(caller.organization)'",
        hint: "calls by Invoke and by host name leave none; only InvokeAsync does")
    }
    return record
  }

  /// The execution now and whenever it changes, until it has ended.
  package func watchExecution(
    _ id: String, as caller: Identity
  ) async throws(Failure) -> AsyncThrowingStream<ExecutionRecord, any Error> {
    executions.watch(try await execution(id, as: caller), of: caller.organization)
  }

  /// The app that a call means: one of the caller's organisation, or of `public`, whose apps anybody may call.
  private func callable(_ order: InvokeOrder, _ caller: Identity) throws(Failure) -> AppID {
    guard order.organization == KnownApps.publicOrganization else {
      return try app(order.organization, order.app, of: caller)
    }
    return AppID(organization: try OrganizationName(order.organization), name: try AppName(order.app))
  }

  func request(_ order: InvokeOrder, for app: AppID) throws(Failure) -> AppRequest {
    let method = order.method.isEmpty ? "POST" : order.method
    guard method.utf8.count <= 32, method.utf8.allSatisfy(Self.isTokenByte) else {
      throw Self.invalid("http.method '\(Shown.text(method))' is not an HTTP method", "leave it out for POST")
    }
    let path = order.path.isEmpty ? "/" : order.path
    guard path.hasPrefix("/"), path.utf8.count <= 16 << 10, path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
      !path.contains("?"), !path.contains("#")
    else {
      throw Self.invalid(
        "http.path '\(Shown.text(path))' is not a path",
        "begin it with '/', write other characters as %20, and put what follows '?' into http.query")
    }
    let query = order.query.hasPrefix("?") ? String(order.query.dropFirst()) : order.query
    guard query.utf8.count <= 16 << 10, query.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x23 }) else {
      throw Self.invalid("http.query '\(Shown.text(query))' is not a query", "write other characters as %20")
    }
    var headers: [(name: String, value: String)] = []
    for (name, value) in order.headers.sorted(by: { $0.key < $1.key }) {
      guard (1...256).contains(name.utf8.count), name.utf8.allSatisfy(Self.isTokenByte) else {
        throw Self.invalid("header name '\(Shown.text(name))' is not valid", "use letters, digits and '-'")
      }
      // The value stands in no message: it may well be a credential.
      guard value.utf8.count <= 32 << 10, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
        throw Self.invalid(
          "the value of header '\(name)' holds control characters or is longer than 32 KiB", "send it as one line")
      }
      headers.append((name, value))
    }
    let port = try data.ledger.app(app)?.configuration.servedPorts.first ?? .standard
    return AppRequest(
      app: app, port: port, method: method, target: query.isEmpty ? path : "\(path)?\(query)", headers: headers,
      body: order.body, execution: ExecutionID.make(at: data.clock.now()))
  }

  /// RFC 9110 §5.6.2.
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e...0x60, 0x7c, 0x7e: true
    default: false
    }
  }

  private static func invalid(_ words: String, _ hint: String) -> Failure {
    Failure(.invalidArgument, reason: "http-invalid", words, hint: hint)
  }
}
