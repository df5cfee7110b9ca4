import Outbound
import Synchronization

/// On whose word the requests of one order are made: that of the server which the order itself names.
///
/// Redirects, submodules and names that change their address may lead on to public places and to the kind of place that
/// the order's own server is, so that no repository opens a private network to those who fetch it.
final class FetchLead: Sendable {
  /// Nil for a repository of this machine, whose owner may name any server.
  private let server: OutboundURL?
  private let beginning = Mutex<OutboundBeginning?>(nil)

  /// `address` is the order's own.
  init(_ address: GitAddress) {
    switch address.transport {
    case .https, .http: server = try? OutboundURL(parsing: address.url)
    case .ssh: server = try? OutboundURL(parsing: "https://\(address.host ?? "")/")
    case .file: server = nil
    }
  }

  /// Binds a request to where the order's first one went; before there was one, to where its server is now.
  func bind(_ request: inout OutboundRequest) {
    guard let server else { return }
    request.beginning = beginning.withLock { $0 }
    if request.beginning == nil, request.url.origin != server.origin { request.ledBy = server }
  }

  /// Takes note of where a bound request went.
  func note(_ answer: OutboundAnswer) {
    beginning.withLock { if $0 == nil { $0 = answer.beginning } }
  }
}
