import SystemPackage

extension Resident {
  /// The TCP ports something listens on in its network, in ascending order; empty when it has ended.
  package func listeningPorts() -> [UInt16] {
    var ports: Set<UInt16> = []
    for table in ["tcp", "tcp6"] {
      ports.formUnion(Self.listening(in: FilePath("/proc/\(run.processID)/net/\(table)")))
    }
    return ports.sorted()
  }

  /// Lines of `/proc/net/tcp`: a number, the local address and port in hexadecimal, the remote ones, and the state, in
  /// which 0A is listening.
  static func listening(in table: FilePath) -> [UInt16] {
    guard let file = try? FileDescriptor.open(table, .readOnly, options: .closeOnExec) else { return [] }
    let text = (try? file.closeAfter { try first(1 << 16, of: file) }) ?? ""
    return text.split(separator: "\n").dropFirst().compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 3, fields[3] == "0A", let port = fields[1].split(separator: ":").last else { return nil }
      return UInt16(port, radix: 16)
    }
  }

  private static func first(_ count: Int, of file: FileDescriptor) throws -> String {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while bytes.count < count {
      let read = try piece.withUnsafeMutableBytes { try file.read(into: $0) }
      if read == 0 { break }
      bytes += piece.prefix(read)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
