import Archive
import Diagnostics
import Outbound
import Synchronization

/// A repository behind a web server, over git's smart protocol (gitprotocol-http), versions 2, 1 and 0.
package final class HTTPRemote: GitRemote {
  private struct State {
    var advertisement: Advertisement?
    /// The repository's address; moves when the first request is redirected.
    var base: OutboundURL
    /// Whether the server asked for credentials, and may have them.
    var isAuthorized = false
  }

  /// Requests from this many bytes on are packed, as git itself packs them; nearly all of one is digits.
  private static let packedFrom = 16 << 10

  private let client: OutboundClient
  private let credentials: GitCredentials?
  private let limits: GitLimits
  private let lead: FetchLead
  private let origin: String
  private let state: Mutex<State>

  /// Nothing is sent yet; throws `git-address-transport` for an address that is not `http` or `https`.
  ///
  /// `credentials` go to the address's own origin alone, and only once it asks for them. `lead` is that of the order
  /// which led here, nil where `address` is what was ordered.
  init(
    address: GitAddress, credentials: GitCredentials?, client: OutboundClient, limits: GitLimits = GitLimits(),
    lead: FetchLead? = nil
  ) throws(Failure) {
    guard address.transport == .https || address.transport == .http else {
      throw Failure(
        .invalidArgument, reason: "git-address-transport", "address \"\(address.url)\" is not one of a web server")
    }
    var text = address.url
    while text.hasSuffix("/") { text.removeLast() }
    let base = try OutboundURL(parsing: text)
    origin = base.origin
    self.client = client
    self.credentials = credentials
    self.limits = limits
    self.lead = lead ?? FetchLead(address)
    state = Mutex(State(base: base))
  }

  package func abilities() async throws(Failure) -> RemoteAbilities { try await advertisement().abilities }

  package func references(prefixes: [String]) async throws(Failure) -> [RemoteReference] {
    let advertisement = try await advertisement()
    guard advertisement.version == 2 else {
      let listed = advertisement.isCut ? try await advertise(prefixes: prefixes) : advertisement
      return listed.references(prefixes: prefixes)
    }
    let answer = try await post(
      ReferenceQuery.request(prefixes: prefixes, advertisement: advertisement), version: 2,
      acceptsGzip: limits.listSize)
    var list = ReferenceQueryReader(format: advertisement.format, prefixes: prefixes, limits: limits)
    try await read(answer) { packet throws(Failure) in try list.take(packet) }
    return try list.finish()
  }

  package func fetch(
    _ request: FetchRequest, bases: any ObjectSource, into sink: any PackSink,
    progress: @Sendable (GitProgress) throws(Failure) -> Void
  ) async throws(Failure) -> [ObjectID] {
    let advertisement = try await advertisement()
    let order = FetchOrder(request: request, advertisement: advertisement)
    try order.refuseImpossible()
    let answer = try await post(order.bytes, version: advertisement.version, acceptsGzip: nil)
    let receiver = FetchReceiver(order: order, bases: bases, into: sink, limits: limits)
    do throws(Failure) {
      try await answer.forEachChunk { chunk throws(Failure) in try receiver.receive(chunk, progress: progress) }
    } catch { throw error.namingGitLimit }
    return try receiver.finish(progress: progress)
  }

  // MARK: requests

  private func advertisement() async throws(Failure) -> Advertisement {
    if let known = state.withLock({ $0.advertisement }) { return known }
    let advertisement = try await advertise(prefixes: [])
    state.withLock { $0.advertisement = advertisement }
    return advertisement
  }

  /// Asks for the first answer, and learns where the repository is.
  private func advertise(prefixes: [String]) async throws(Failure) -> Advertisement {
    let base = state.withLock { $0.base }
    let discovery = "/info/refs?service=git-upload-pack"
    let answer = try await send(
      OutboundRequest(
        method: "GET", url: base.with(pathAndQuery: base.pathAndQuery + discovery),
        headers: [("Git-Protocol", "version=2"), ("Accept", "*/*"), ("Cache-Control", "no-cache")],
        redirects: .follow(limit: limits.redirects), acceptsGzip: limits.listSize))
    try await check(base).check(answer, contentType: "application/x-git-upload-pack-advertisement")
    // A repository that moved is asked at its new address from now on (gitprotocol-http leaves it to the client; git's
    // `http.followRedirects=initial` is the same).
    guard answer.url.pathAndQuery.hasSuffix(discovery) else {
      throw .gitProtocol("request is redirected to \"\(answer.url.display)\", which is not the list of a repository")
    }
    let moved = answer.url.withoutUserinfo.with(
      pathAndQuery: String(answer.url.pathAndQuery.dropLast(discovery.count)))
    var reader = AdvertisementReader(prefixes: prefixes, limits: limits)
    try await read(answer) { packet throws(Failure) in try reader.take(packet) }
    let advertisement = try reader.finish()
    state.withLock { $0.base = moved }
    return advertisement
  }

  /// `version` is repeated with every request, as nothing else connects it with the first one.
  private func post(
    _ body: [UInt8], version: Int, acceptsGzip: ByteCount?
  ) async throws(Failure) -> OutboundAnswer {
    let base = state.withLock { $0.base }
    var headers = [
      (name: "Content-Type", value: "application/x-git-upload-pack-request"),
      (name: "Accept", value: "application/x-git-upload-pack-result"),
    ]
    if version > 0 { headers.append((name: "Git-Protocol", value: "version=\(version)")) }
    var body = body
    if body.count > Self.packedFrom {
      let packed = BytesWriter()
      let gzip = GzipWriter(into: packed)
      try gzip.write(body)
      try gzip.finish()
      body = packed.bytes
      headers.append((name: "Content-Encoding", value: "gzip"))
    }
    let answer = try await send(
      OutboundRequest(
        method: "POST", url: base.with(pathAndQuery: base.pathAndQuery + "/git-upload-pack"), headers: headers,
        body: .bytes(body), redirects: .none, acceptsGzip: acceptsGzip))
    try await check(base).check(answer, contentType: "application/x-git-upload-pack-result")
    return answer
  }

  /// Sends, and sends once more with the credentials where the server they are for asks for them.
  private func send(_ request: OutboundRequest) async throws(Failure) -> OutboundAnswer {
    var request = request
    request.idleTimeout = limits.idleTimeout
    request.connectTimeout = limits.connectTimeout
    let isAuthorized = state.withLock { $0.isAuthorized }
    if isAuthorized, request.url.origin == origin { authorize(&request) }
    let answer = try await exchange(request)
    guard answer.status == 401, !isAuthorized, credentials != nil, answer.url.origin == origin else { return answer }
    await answer.discard()
    state.withLock { $0.isAuthorized = true }
    request.url = answer.url
    authorize(&request)
    return try await exchange(request)
  }

  private func exchange(_ request: OutboundRequest) async throws(Failure) -> OutboundAnswer {
    var request = request
    lead.bind(&request)
    do throws(Failure) {
      let answer = try await client.send(request)
      lead.note(answer)
      return answer
    } catch { throw error.namingGitLimit }
  }

  private func check(_ base: OutboundURL) -> HTTPAnswerCheck {
    HTTPAnswerCheck(url: base, hasSentCredentials: state.withLock { $0.isAuthorized })
  }

  private func authorize(_ request: inout OutboundRequest) {
    guard let credentials else { return }
    let authorization = BasicScheme.authorization("\(credentials.username):\(credentials.password)")
    request.headers.append((name: "Authorization", value: authorization))
  }

  /// Hands on the packets of an answer that is no pack, bounded in size and in slowness.
  private func read(
    _ answer: OutboundAnswer, _ body: (PktLine) throws(Failure) -> Void
  ) async throws(Failure) {
    let packets = PktLineReader()
    var pace = ReceivePace(limits: limits, start: .now)
    var size: Int64 = 0
    let limit = limits.listSize
    do throws(Failure) {
      try await answer.forEachChunk { chunk throws(Failure) in
        if Task.isCancelled { throw .gitCancelled }
        size += Int64(chunk.count)
        if size > limit.bytes { throw .listTooLarge(limit) }
        try pace.record(chunk.count, at: .now)
        try packets.read(chunk, body)
      }
    } catch {
      throw error.reason == "outbound-too-large" ? .listTooLarge(limit) : error.namingGitLimit
    }
    try packets.finish()
  }
}
