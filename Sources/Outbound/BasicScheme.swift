import FoundationEssentials

/// HTTP's Basic scheme (RFC 7617). One place, so that what is taken out of logs is what was sent.
package enum BasicScheme {
  /// `user:password` as the scheme writes it.
  package static func encoded(_ pair: String) -> String { Data(pair.utf8).base64EncodedString() }

  /// The value of an `Authorization` header for `user:password`.
  package static func authorization(_ pair: String) -> String { "Basic " + encoded(pair) }
}
