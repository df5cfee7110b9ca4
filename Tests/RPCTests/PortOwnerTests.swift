import Foundation
import Testing

@testable import RPC

@Suite struct PortOwnerTests {
  private let table = """
      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: 0100007F:1180 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
       1: 0100007F:1180 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1
       2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
    """

  @Test("only a listening socket of that port counts")
  func sockets() {
    #expect(PortOwner.listeningSockets(in: table, port: 4480) == ["4711"])
    #expect(PortOwner.listeningSockets(in: table, port: 81) == [])
    #expect(PortOwner.listeningSockets(in: "", port: 80) == [])
  }

  @Test("the owner is the process that holds the socket")
  func owner() throws {
    let proc = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: proc) }
    for folder in ["net", "12/fd", "77/fd"] {
      try FileManager.default.createDirectory(
        at: proc.appendingPathComponent(folder),
        withIntermediateDirectories: true
      )
    }
    try table.write(to: proc.appendingPathComponent("net/tcp"), atomically: false, encoding: .utf8)
    try "sleep\n".write(to: proc.appendingPathComponent("12/comm"), atomically: false, encoding: .utf8)
    try "nginx\n".write(to: proc.appendingPathComponent("77/comm"), atomically: false, encoding: .utf8)
    for (link, target) in [("12/fd/0", "/dev/null"), ("77/fd/3", "socket:[1]"), ("77/fd/4", "socket:[4711]")] {
      try FileManager.default.createSymbolicLink(
        atPath: proc.appendingPathComponent(link).path,
        withDestinationPath: target
      )
    }
    #expect(PortOwner.find(port: 4480, proc: proc.path) == PortOwner(name: "nginx", processID: 77))
    #expect(PortOwner.find(port: 80, proc: proc.path) == nil)
    #expect(PortOwner.find(port: 81, proc: proc.path) == nil)
  }
}
