import Diagnostics

/// Writes a fetch, in the words of the version the remote speaks.
///
/// Everything is said in one request that ends with `done`: what is at hand is a handful of commits, so there is
/// nothing to negotiate, and one round trip is saved.
struct FetchOrder {
  let request: FetchRequest
  let advertisement: Advertisement

  /// Whether the answer begins with the commits that became shallow.
  var asksForDepth: Bool { request.depth != nil && (isVersion2 || has("shallow")) }
  private var isVersion2: Bool { advertisement.version == 2 }
  private func has(_ capability: String) -> Bool { advertisement.capabilities.has(capability) }

  var bytes: [UInt8] { isVersion2 ? version2 : version0 }

  /// gitprotocol-v2, "fetch". `packfile-uris` is never offered: it sends the client to hosts nobody named.
  private var version2: [UInt8] {
    var writer = PktLineWriter()
    writer.command("fetch", advertisement: advertisement)
    if !request.haves.isEmpty { writer.line("thin-pack") }
    writer.line("ofs-delta")
    for id in request.wants { writer.line("want \(id.hex)") }
    if advertisement.capabilities.has("shallow", of: "fetch") { writeShallow(&writer) }
    if let filter = request.filter, advertisement.abilities.filters { writer.line("filter \(filter.text)") }
    for id in request.haves { writer.line("have \(id.hex)") }
    writer.line("done")
    writer.flush()
    return writer.bytes
  }

  /// gitprotocol-pack, "Packfile Negotiation", without `multi_ack`: at most one acknowledgement comes back.
  private var version0: [UInt8] {
    var words = ["side-band-64k", "ofs-delta"].filter(has)
    if !has("side-band-64k"), has("side-band") { words.append("side-band") }
    if !request.haves.isEmpty, has("thin-pack") { words.append("thin-pack") }
    if has("object-format") { words.append("object-format=\(advertisement.format.rawValue)") }
    if has("agent") { words.append("agent=\(WireAgent.name)") }
    let filter = has("filter") ? request.filter : nil
    if filter != nil { words.append("filter") }

    var writer = PktLineWriter()
    for (index, id) in request.wants.enumerated() {
      writer.line(index == 0 ? "want \(id.hex) \(words.joined(separator: " "))" : "want \(id.hex)")
    }
    if has("shallow") { writeShallow(&writer) }
    if let filter { writer.line("filter \(filter.text)") }
    writer.flush()
    for id in request.haves { writer.line("have \(id.hex)") }
    writer.line("done")
    return writer.bytes
  }

  private func writeShallow(_ writer: inout PktLineWriter) {
    for id in request.shallow { writer.line("shallow \(id.hex)") }
    if let depth = request.depth { writer.line("deepen \(depth)") }
  }
}

extension FetchOrder {
  /// Throws where the remote is too old for any order.
  func refuseImpossible() throws(Failure) {
    if !isVersion2, !has("side-band-64k"), !has("side-band") {
      throw Failure(
        .unimplemented, reason: "git-protocol-unsupported",
        "remote speaks version \(advertisement.version) of the git protocol without \"side-band\"",
        hint: "have the git server brought up to date")
    }
  }
}
