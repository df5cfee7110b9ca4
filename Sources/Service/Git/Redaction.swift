import Diagnostics
import Outbound

/// Takes secrets out of words that came from outside: a server may well send back what it was sent.
struct Redaction: Sendable {
  /// Shorter ones are words of any text, which would be torn apart and tell the secret by its gaps.
  private static let shortest = 4

  private let secrets: [String]

  /// The secrets themselves, and what HTTP's Basic scheme makes of `credentials`.
  init(_ credentials: BuildSecrets.GitCredentials?) {
    guard let credentials else {
      secrets = []
      return
    }
    let basic = BasicScheme.encoded("\(credentials.username):\(credentials.password)")
    // The longest first, so that a secret within another leaves no rest of it.
    secrets = [basic, credentials.password].filter { $0.count >= Self.shortest }
  }

  func text(_ text: String) -> String {
    secrets.reduce(text) { $0.replacing($1, with: "***") }
  }

  func failure(_ failure: Failure) -> Failure {
    var failure = failure
    failure.message = text(failure.message)
    failure.hint = failure.hint.map(text)
    failure.cause = failure.cause.map(text)
    return failure
  }
}
