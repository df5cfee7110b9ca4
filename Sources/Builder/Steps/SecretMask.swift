import Diagnostics
import FoundationEssentials

/// What no reader of a build may see: the values of its secrets, in whatever the build says of itself.
///
/// Looked for are a value itself, each of its lines of eight bytes and more, its base64 (with and without a line end
/// behind it, and as `base64` wraps it) and its percent-encoding. Other transformations are not recognised.
package struct SecretMask: Sendable {
  /// Shorter values are words of any text: it would be torn apart, and tell the secret by its gaps.
  static let shortest = 4
  /// As the coreutils wrap base64.
  private static let base64Line = 76

  /// Values and their encodings.
  let values: [SecretValue]
  private let filter: SecretFilter

  package init(_ secrets: some Sequence<SecretValue>) {
    var values: Set<SecretValue> = []
    for secret in secrets {
      let bytes = SecretFilter.trimmed(secret.bytes[...])
      guard bytes.count >= Self.shortest else { continue }
      values.insert(secret)
      for encoded in Self.encodings(of: Array(bytes)) { values.insert(SecretValue(encoded)) }
    }
    self.values = Array(values)
    filter = SecretFilter(self.values)
  }

  package var isEmpty: Bool { values.isEmpty }

  /// The text with asterisks in the place of values.
  package func text(_ text: String) -> String {
    guard !isEmpty else { return text }
    var filter = filter
    let passed = filter.pass(Array(text.utf8)) + filter.finish()
    return String(decoding: passed, as: UTF8.self)
  }

  /// Whether a value stands in the text.
  package func isIn(_ text: String) -> Bool { !isEmpty && self.text(text) != text }

  package func failure(_ failure: Failure) -> Failure {
    guard !isEmpty else { return failure }
    var failure = failure
    failure.message = text(failure.message)
    failure.hint = failure.hint.map(text)
    failure.cause = failure.cause.map(text)
    failure.source = failure.source.map(excerpt)
    return failure
  }

  private func excerpt(_ excerpt: SourceExcerpt) -> SourceExcerpt {
    var excerpt = excerpt
    excerpt.lines = excerpt.lines.map(text)
    return excerpt
  }

  /// What a command prints has gone through the filter before, which knows what is cut in pieces.
  func event(_ kind: BuildEvent.Kind) -> BuildEvent.Kind {
    switch kind {
    case .planned(let steps):
      return .planned(
        steps.map { step in
          var step = step
          step.instruction = text(step.instruction)
          return step
        })
    case .note(let words): return .note(text(words))
    case .warning(let words, let source): return .warning(text(words), source: source.map(excerpt))
    case .transfer(var progress):
      progress.name = text(progress.name)
      return .transfer(progress)
    case .stepFinished(var report):
      report.reason = report.reason.map(text)
      return .stepFinished(report)
    default: return kind
    }
  }

  private static func encodings(of bytes: [UInt8]) -> [String] {
    var encodings: [String] = []
    for plain in [bytes, bytes + [UInt8(ascii: "\n")]] {
      let base64 = Data(plain).base64EncodedString()
      encodings.append(String(base64.prefix { $0 != "=" }))
      if base64.utf8.count > base64Line {
        encodings.append(Data(plain).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed]))
      }
    }
    let percent = percentEncoded(bytes)
    return percent.utf8.count == bytes.count ? encodings : encodings + [percent]
  }

  /// RFC 3986: everything but the unreserved characters.
  private static func percentEncoded(_ bytes: [UInt8]) -> String {
    bytes.reduce(into: "") { text, byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
  }
}

/// Passes on what happens without the values of secrets.
struct MaskingReporter: BuildReporter {
  let reporter: any BuildReporter
  let mask: SecretMask

  func report(_ kinds: [BuildEvent.Kind]) throws(Failure) { try reporter.report(kinds.map(mask.event)) }
}
