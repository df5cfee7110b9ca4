import Diagnostics

/// Reads a remote's first answer, of whichever version it speaks (gitprotocol-pack, "Reference Discovery";
/// gitprotocol-v2, "Initial Client Request").
struct AdvertisementReader {
  private enum State { case start, afterService, first, references, capabilities, complete }
  private var state = State.start
  private var version = 0
  private var capabilities = Capabilities(words: [])
  private var references: ReferenceList

  /// Keeps the references whose names begin with one of `prefixes`, or all when there are none, as far as there is room.
  init(prefixes: [String] = [], limits: GitLimits) { references = ReferenceList(prefixes: prefixes, limits: limits) }

  var isComplete: Bool { state == .complete }

  /// Takes the next packet; what follows the end is an error.
  mutating func take(_ packet: PktLine) throws(Failure) {
    switch packet {
    case .data(let bytes):
      // Before they are texts: there can be a million.
      if state == .references, try references.skips(bytes) { return }
      try take(line: ProtocolLine(bytes))
    case .flush:
      // An empty repository of an old server is a lone flush, and a service announcement ends with one.
      state = state == .afterService ? .first : .complete
    case .delimiter, .responseEnd: throw .gitProtocol("advertisement holds a packet that only version 2 has")
    }
  }

  /// The whole answer; throws where it is cut short or says nothing usable.
  func finish() throws(Failure) -> Advertisement {
    guard isComplete else { throw .gitConnectionLost("advertisement of references has no end") }
    if version == 2 {
      for command in ["ls-refs", "fetch"] where !capabilities.has(command) {
        throw .gitProtocol("version 2 is spoken without the command \"\(command)\"")
      }
    }
    var answered = references
    answered.apply(symbolic: capabilities.all("symref"))
    return Advertisement(
      version: version, capabilities: capabilities, format: try capabilities.format(), references: answered.references,
      isCut: answered.isCut)
  }

  private mutating func take(line: ProtocolLine) throws(Failure) {
    try line.refuseError()
    switch state {
    case .start where line.text.hasPrefix("# service="):
      guard line.text == "# service=git-upload-pack" else {
        throw .gitProtocol("answer is for \"\(RemoteText.clean(line.text))\"")
      }
      state = .afterService
    case .start, .first: try takeFirst(line)
    case .afterService: throw .gitProtocol("announcement of the service has no end")
    case .references: try takeReference(line)
    case .capabilities: capabilities.add(Substring(line.text))
    case .complete: throw .gitProtocol("something follows the end of the advertisement")
    }
  }

  private mutating func takeFirst(_ line: ProtocolLine) throws(Failure) {
    switch line.text {
    case "version 2":
      version = 2
      state = .capabilities
    case "version 1" where version == 0:
      version = 1
      state = .first
    default:
      state = .references
      capabilities = Capabilities(words: line.afterNull.split(separator: " "))
      try references.countOne()
      try takeReference(line)
    }
  }

  private mutating func takeReference(_ line: ProtocolLine) throws(Failure) {
    // The boundary of a shallow remote: nothing here depends on it, as history is not walked.
    if line.text.hasPrefix("shallow ") { return }
    let parts = line.text.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, let id = ObjectID(hex: parts[0]) else {
      throw .gitProtocol("\"\(RemoteText.clean(line.text))\" is no reference")
    }
    if parts[1] == "capabilities^{}" { return }
    references.add(id, named: parts[1])
  }
}
