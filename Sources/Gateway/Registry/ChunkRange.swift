import Diagnostics

/// The `Content-Range` of an upload's chunk: `FIRST-LAST`, both inclusive (distribution-spec, "Pushing a blob in
/// chunks"); RFC 9110's `bytes FIRST-LAST/SIZE` is understood too.
struct ChunkRange: Equatable {
  var first: Int64
  var count: Int64

  /// Nil when the header is absent; throws `range-invalid` when it makes no sense.
  init?(_ header: String?) throws(Failure) {
    guard let header else { return nil }
    var text = header[...]
    if text.hasPrefix("bytes ") || text.hasPrefix("bytes=") { text = text.dropFirst(6) }
    let bounds = text.prefix { $0 != "/" }.split(separator: "-", omittingEmptySubsequences: false)
    guard bounds.count == 2, let first = Int64(bounds[0]), let last = Int64(bounds[1]), first >= 0, last >= first,
      last < Int64.max
    else {
      throw Failure(
        .invalidArgument,
        reason: "range-invalid",
        "content-range '\(header.prefix(100))' is not FIRST-LAST",
        hint: "a chunk's range counts from the upload's start, both ends included"
      )
    }
    self.first = first
    count = last - first + 1
  }
}
