#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The process that listens on a TCP port, as far as this user may see it.
struct PortOwner: Equatable, CustomStringConvertible {
  var name: String
  var processID: Int

  var description: String { "\(name) (pid \(processID))" }

  /// Looks the port's socket up in `/proc/net/tcp` and its owner in `/proc/*/fd` (proc(5)); nil when the owner
  /// is another user's or there is no `/proc`.
  static func find(port: Int, proc: String = "/proc") -> PortOwner? {
    let sockets = ["tcp", "tcp6"].flatMap { file in
      listeningSockets(in: text(of: "\(proc)/net/\(file)"), port: port)
    }
    guard !sockets.isEmpty else { return nil }
    let links = Set(sockets.map { "socket:[\($0)]" })
    for entry in names(in: proc) {
      guard let process = Int(entry) else { continue }
      let held = names(in: "\(proc)/\(entry)/fd").contains { file in
        target(of: "\(proc)/\(entry)/fd/\(file)").map { links.contains($0) } ?? false
      }
      guard held else { continue }
      let name = text(of: "\(proc)/\(entry)/comm").prefix { $0 != "\n" }
      return PortOwner(name: name.isEmpty ? "a process" : String(name), processID: process)
    }
    return nil
  }

  /// The inodes of sockets in state LISTEN on `port`, from a table of `/proc/net`.
  static func listeningSockets(in table: String, port: Int) -> [String] {
    table.split(separator: "\n").dropFirst().compactMap { line in
      // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
      let fields = line.split(separator: " ")
      guard fields.count > 9, fields[3] == "0A", let digits = fields[1].split(separator: ":").last,
        Int(digits, radix: 16) == port
      else { return nil }
      return String(fields[9])
    }
  }

  private static func text(of path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  private static func target(of link: String) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let start = buffer.baseAddress, case let count = readlink(link, start, buffer.count), count > 0 else {
        return nil
      }
      return String(decoding: UnsafeRawBufferPointer(buffer).prefix(count), as: UTF8.self)
    }
  }
}
