extension BuildEvent {
  /// How much of something has come over the network: a base image, a file or a repository that a step names.
  package struct TransferProgress: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Hashable, Codable { case pull, download, fetch }

    package var kind: Kind
    /// The image or the URL, without user and query.
    package var name: String
    /// Received so far.
    package var size: ByteCount
    /// Nil while nobody has said.
    package var total: ByteCount?
    /// Since the transfer began.
    package var durationMilliseconds: Int64
    /// The last word about this transfer.
    package var isDone: Bool

    package init(
      kind: Kind, name: String, size: ByteCount, total: ByteCount?, durationMilliseconds: Int64, isDone: Bool
    ) {
      self.kind = kind
      self.name = name
      self.size = size
      self.total = total
      self.durationMilliseconds = durationMilliseconds
      self.isDone = isDone
    }

    /// `pulling acme/base:1: 12 MB of 30 MB, 5.2 MB/s` and at its end `pulled acme/base:1: 30 MB, 5.2 MB/s`.
    package var text: String {
      let amount = isDone ? "\(size)" : total.map { "\(size) of \($0)" } ?? "\(size)"
      guard durationMilliseconds >= 100, size.bytes > 0 else { return "\(verb) \(name): \(amount)" }
      let rate = Double(size.bytes) * 1000 / Double(durationMilliseconds)
      return "\(verb) \(name): \(amount), \(ByteCount(Int64(rate)))/s"
    }

    private var verb: String {
      switch kind {
      case .pull: isDone ? "pulled" : "pulling"
      case .download: isDone ? "downloaded" : "downloading"
      case .fetch: isDone ? "fetched" : "fetching"
      }
    }
  }
}
