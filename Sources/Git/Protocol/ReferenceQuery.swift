import Diagnostics

/// The command `ls-refs` of version 2 (gitprotocol-v2, "ls-refs").
enum ReferenceQuery {
  /// Asks for the references whose names begin with one of `prefixes`; none asks for all.
  static func request(prefixes: [String], advertisement: Advertisement) -> [UInt8] {
    var writer = PktLineWriter()
    writer.command("ls-refs", advertisement: advertisement)
    writer.line("peel")
    writer.line("symrefs")
    for prefix in prefixes { writer.line("ref-prefix \(prefix)") }
    writer.flush()
    return writer.bytes
  }
}

/// Reads the answer of `ls-refs`.
struct ReferenceQueryReader {
  private let format: ObjectID.Format
  private var list: ReferenceList
  private(set) var isComplete = false

  /// `prefixes` are those that were asked for, which a remote need not keep to.
  init(format: ObjectID.Format, prefixes: [String] = [], limits: GitLimits) {
    self.format = format
    list = ReferenceList(prefixes: prefixes, limits: limits)
  }

  mutating func take(_ packet: PktLine) throws(Failure) {
    switch packet {
    case .data(let bytes):
      if isComplete { throw .gitProtocol("something follows the end of the references") }
      // Before they are texts: there can be a million.
      if try list.skips(bytes) { return }
      try take(line: ProtocolLine(bytes))
    case .flush: isComplete = true
    case .responseEnd where isComplete: return
    case .delimiter, .responseEnd: throw .gitProtocol("list of references holds a packet that does not belong there")
    }
  }

  func finish() throws(Failure) -> [RemoteReference] {
    guard isComplete else { throw .gitConnectionLost("list of references has no end") }
    return list.references
  }

  private mutating func take(line: ProtocolLine) throws(Failure) {
    try line.refuseError()
    let words = line.text.split(separator: " ")
    if words.first == "unborn" { return }
    guard words.count >= 2, let id = ObjectID(hex: words[0]), id.format == format else {
      throw .gitProtocol("\"\(RemoteText.clean(line.text))\" is no reference")
    }
    var peeled: ObjectID?
    var target: String?
    for word in words[2...] {
      if word.hasPrefix("peeled:") { peeled = ObjectID(hex: word.dropFirst("peeled:".count)) }
      if word.hasPrefix("symref-target:") {
        let name = word.dropFirst("symref-target:".count)
        target = ReferenceName.isValid(name) ? String(name) : nil
      }
    }
    list.add(id, named: words[1], peeled: peeled, symbolicTarget: target)
  }
}

extension PktLineWriter {
  /// The head of a request of version 2, up to the delimiter before its arguments.
  mutating func command(_ name: String, advertisement: Advertisement) {
    line("command=\(name)")
    if advertisement.capabilities.has("agent") { line("agent=\(WireAgent.name)") }
    if advertisement.capabilities.has("object-format") { line("object-format=\(advertisement.format.rawValue)") }
    delimiter()
  }
}

/// What we call ourselves to a remote.
enum WireAgent {
  static let name = "kindling"
}
