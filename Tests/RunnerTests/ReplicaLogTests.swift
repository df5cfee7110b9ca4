import Diagnostics
import Storage
import Testing

@testable import Runner

@Suite struct ReplicaLogTests {
  private static let replica = ReplicaID.make(at: Timestamp(milliseconds: 1))

  private static func line(_ text: String) -> AppLogLine {
    AppLogLine(moment: Timestamp(milliseconds: 1), replica: replica, stream: .stdout, text: text)
  }

  @Test func theOldestLinesGoWhenThereAreTooMany() {
    let log = ReplicaLog(lines: 8)
    for number in 1...20 { log.append(Self.line("\(number)")) }
    #expect(log.last(3).map(\.text) == ["18", "19", "20"])
    #expect(log.last(100).count <= 8)
  }

  @Test func aFollowerGetsWhatComesUntilTheEnd() async {
    let log = ReplicaLog()
    log.append(Self.line("before"))
    let lines = log.follow()
    log.append(Self.line("after"))
    log.close()
    var seen: [String] = []
    for await line in lines { seen.append(line.text) }
    #expect(seen == ["after"])
    for await line in log.follow() { Issue.record("a closed log gave '\(line.text)'") }
  }
}
