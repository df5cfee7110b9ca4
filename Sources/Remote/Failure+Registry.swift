import Diagnostics
import FoundationEssentials
import Outbound

extension Failure {
  /// What a registry's refusal means; `what` is the thing asked for, such as "image 'ghcr.io/acme/base:1'".
  static func registry(_ answer: OutboundAnswer, what: String, host: String, hasCredential: Bool) async -> Failure {
    let words = await RegistryErrors.words(of: answer)
    switch answer.status {
    case 401 where !hasCredential:
      return Failure(
        .unauthenticated, reason: "registry-auth-required",
        "registry '\(host)' shows \(what) only to those it knows, or does not have it",
        hint: "check the name, or save credentials for '\(host)'", cause: words)
    case 401:
      return Failure(
        .unauthenticated, reason: "registry-auth-refused",
        "registry '\(host)' does not take the credentials saved for it",
        hint: "save new ones for '\(host)'", cause: words)
    case 403:
      return Failure(
        .permissionDenied, reason: "registry-denied", "registry '\(host)' denies access to \(what)",
        hint: "check the name and what the credentials for '\(host)' may do", cause: words)
    case 404:
      return Failure(.notFound, reason: "image-unknown", "registry '\(host)' does not have \(what)", cause: words)
    case 429:
      return Failure(
        .resourceExhausted, reason: "registry-rate-limited", "registry '\(host)' asks for fewer requests",
        hint: "try later, save credentials for '\(host)', or use a mirror", cause: words)
    default:
      return Failure(
        answer.status >= 500 ? .unavailable : .failedPrecondition, reason: "registry-answer",
        "registry '\(host)' answered \(answer.status) when asked for \(what)", cause: words)
    }
  }
}

/// The error document of the distribution specification.
enum RegistryErrors {
  private struct Document: Decodable {
    struct Entry: Decodable {
      var code: String?
      var message: String?
    }
    var errors: [Entry]?
  }

  /// The server's words, one line of printable characters, or nil when it said nothing of use.
  static func words(of answer: OutboundAnswer) async -> String? {
    guard let bytes = try? await answer.bytes(limit: .kibibytes(64)),
      let document = try? JSONDecoder().decode(Document.self, from: Data(bytes))
    else { return nil }
    let lines = (document.errors ?? []).prefix(3).map { entry in
      [entry.code, entry.message].compactMap(\.self).joined(separator: ": ")
    }
    let text = String(
      lines.joined(separator: "; ").unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }.prefix(400))
    return text.isEmpty ? nil : text
  }
}
