import Diagnostics

/// Takes a remote's answer to a fetch apart: shallow commits, progress, and the pack.
struct FetchAnswerReader {
  private enum State: Equatable {
    /// Version 2: the name of a section comes next.
    case section
    case acknowledgments, shallowInfo, skipped
    /// Before version 2: lines `shallow` up to a flush, then `ACK` or `NAK`.
    case oldShallow, oldAcknowledgments
    case pack, complete
  }

  private let limits: GitLimits
  private var state: State
  private let isVersion2: Bool
  private var progress = ProgressLines()
  /// Commits whose parents the remote left out.
  private(set) var shallow: [ObjectID] = []
  private(set) var hasPackBegun = false

  init(order: FetchOrder, limits: GitLimits) {
    self.limits = limits
    isVersion2 = order.advertisement.version == 2
    state = isVersion2 ? .section : order.asksForDepth ? .oldShallow : .oldAcknowledgments
  }

  var isComplete: Bool { state == .complete }

  /// Takes the next packet; `pack` and `words` get what of it is the pack's, and what is for people.
  mutating func take(
    _ packet: PktLine, pack: (UnsafeRawBufferPointer) throws(Failure) -> Void, words: (String) throws(Failure) -> Void
  ) throws(Failure) {
    switch (packet, state) {
    case (.responseEnd, .complete): return
    case (_, .complete): throw .gitProtocol("something follows the end of the pack")
    case (.flush, .pack): state = .complete
    case (.flush, .oldShallow): state = .oldAcknowledgments
    case (.flush, _): throw .gitProtocol("answer to the fetch ends before a pack")
    case (.delimiter, .acknowledgments), (.delimiter, .shallowInfo), (.delimiter, .skipped): state = .section
    case (.delimiter, _), (.responseEnd, _): throw .gitProtocol("answer to the fetch has a mark at the wrong place")
    case (.data(let bytes), .pack): try takeBand(bytes, pack: pack, words: words)
    case (.data(let bytes), .oldAcknowledgments) where (1...3).contains(bytes.first ?? 0):
      state = .pack
      try takeBand(bytes, pack: pack, words: words)
    case (.data(let bytes), _): try take(line: ProtocolLine(bytes))
    }
  }

  /// Throws where the answer stopped before its end.
  func finish() throws(Failure) {
    if !isComplete { throw .gitConnectionLost("answer to the fetch has no end") }
  }

  private mutating func take(line: ProtocolLine) throws(Failure) {
    try line.refuseError()
    let words = line.text.split(separator: " ")
    switch (state, words.first ?? "") {
    case (.section, "acknowledgments"): state = .acknowledgments
    case (.section, "shallow-info"): state = .shallowInfo
    case (.section, "wanted-refs"): state = .skipped
    case (.section, "packfile"): state = .pack
    case (.shallowInfo, "shallow"), (.shallowInfo, "unshallow"), (.oldShallow, "shallow"), (.oldShallow, "unshallow"):
      try takeShallow(words)
    case (.acknowledgments, "ACK"), (.acknowledgments, "NAK"), (.acknowledgments, "ready"), (.skipped, _),
      (.oldAcknowledgments, "ACK"), (.oldAcknowledgments, "NAK"):
      return
    default: throw .gitProtocol("\"\(RemoteText.clean(line.text))\" does not belong into the answer to a fetch")
    }
  }

  private mutating func takeShallow(_ words: [Substring]) throws(Failure) {
    guard words.count == 2, let id = ObjectID(hex: words[1]) else {
      throw .gitProtocol("\"\(RemoteText.clean(words.joined(separator: " ")))\" names no commit")
    }
    if words[0] == "unshallow" {
      shallow.removeAll { $0 == id }
      return
    }
    if shallow.count >= limits.references {
      throw .gitLimit("references", "remote names more than \(limits.references) shallow commits")
    }
    shallow.append(id)
  }

  /// gitprotocol-common, "side-band": 1 is the pack, 2 is for people, 3 is the last words of a remote that gives up.
  private mutating func takeBand(
    _ bytes: UnsafeRawBufferPointer, pack: (UnsafeRawBufferPointer) throws(Failure) -> Void,
    words: (String) throws(Failure) -> Void
  ) throws(Failure) {
    guard let band = bytes.first else { throw .gitProtocol("packet of the pack names no side-band") }
    let content = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
    switch band {
    case 1:
      // Empty ones only keep the connection alive.
      if content.isEmpty { return }
      hasPackBegun = true
      try pack(content)
    case 2: try progress.take(content, limit: limits.progressSize, words)
    case 3: throw .gitRemote(RemoteText.clean(content))
    default: throw .gitProtocol("side-band \(band) does not exist")
    }
  }
}
