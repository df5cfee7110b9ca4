import Diagnostics
import OCI
import Outbound

/// Requests about one repository at one place, with the login and the patience they need.
struct RegistrySession: Sendable {
  /// What is asked for, in the words of the token specification.
  enum Access: String, Sendable {
    case pull
    case push = "pull,push"
  }

  let client: OutboundClient
  let tokens: RegistryTokens
  let settings: RemoteSettings
  let endpoint: RegistryEndpoint
  /// `http(s)://host[:port]/`.
  let base: OutboundURL
  let repository: Repository
  let access: Access
  let credential: RegistryCredential?
  let sleep: @Sendable (Duration) async throws(CancellationError) -> Void
  /// Another repository that blobs are mounted from.
  var source: Repository?

  /// The address of something in the repository: `blobs/sha256:…`, `manifests/latest`.
  func url(_ tail: String) -> OutboundURL { base.with(pathAndQuery: "/v2/\(endpoint.path(of: repository))/\(tail)") }

  /// For messages.
  var host: String { endpoint.authority }

  private var scope: String {
    var text = "repository:\(endpoint.path(of: repository)):\(access.rawValue)"
    if let source { text += " repository:\(endpoint.path(of: source)):pull" }
    return text
  }

  /// Sends a request, logs in when asked to, and tries again while that may help. Any other status is an answer.
  ///
  /// `repeats` false leaves trying again to the caller.
  func send(
    _ method: String, _ url: OutboundURL, headers: [(name: String, value: String)] = [], body: OutboundBody = .none,
    redirects: RedirectRule = .follow(limit: 5), patience: Duration? = nil, repeats: Bool = true
  ) async throws(Failure) -> OutboundAnswer {
    var backoff = Backoff(settings: settings, sleep: sleep)
    // The login of this request's own. Another one that logs in at the same time takes the remembered one away first.
    var login: String?
    let key = RegistryTokens.Key(origin: base.origin, scope: scope, credential: credential)
    while true {
      var request = OutboundRequest(
        method: method, url: url, headers: headers, body: body, redirects: redirects, idleTimeout: patience)
      request.takesAnyCertificate = endpoint.isInsecure
      // An upload may be sent elsewhere; the login is not.
      if url.origin == base.origin {
        let remembered = await tokens.value(key)
        if let value = login ?? remembered { request.headers.append(("Authorization", value)) }
      } else {
        request.ledBy = base
      }
      do {
        let answer = try await client.send(request)
        if answer.status == 401, login == nil, answer.url.origin == base.origin {
          let challenges = AuthChallenge.all(in: answer.headers(named: "www-authenticate"))
          await answer.discard()
          login = try await tokens.obtain(key, challenges: challenges, from: base)
          continue
        }
        guard repeats, Backoff.mayHelp(status: answer.status) else { return answer }
        let asked = Backoff.pause(asked: answer)
        if let asked, asked > settings.longestPause { return answer }
        guard try await backoff.again(after: asked) else { return answer }
        await answer.discard()
      } catch {
        guard repeats, Backoff.mayHelp(error), try await backoff.again() else { throw error }
      }
    }
  }

  func refusal(_ answer: OutboundAnswer, what: String) async -> Failure {
    await Failure.registry(answer, what: what, host: host, hasCredential: credential != nil)
  }
}
