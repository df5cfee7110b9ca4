import Foundation
import Testing

@testable import kindling

@Suite("The executor's log")
struct ExecutorLogTests {
  private let began = Date(timeIntervalSince1970: 1_000_000)

  private func line(
    _ words: [String], _ level: ExecutorLog.Level, _ message: String, usesColor: Bool = false
  ) throws -> String? {
    let settings = try ExecutorLog.Settings(try FlagValues(words))
    return ExecutorLog(settings, usesColor: usesColor, began: began).line(
      level, message, at: began.addingTimeInterval(3.7))
  }

  @Test("has the shapes Kaniko's has")
  func shapes() throws {
    #expect(try line([], .info, "RUN make") == "INFO[0003] RUN make")
    #expect(try line([], .warning, "x", usesColor: true) == "\u{1b}[33mWARN\u{1b}[0m[0003] x")
    #expect(try line(["--log-timestamp"], .info, "x") == "INFO[1970-01-12T13:46:43Z] x")
    #expect(
      try line(["--log-format", "json"], .warning, #"a "b""#)
        == #"{"level":"warning","msg":"a \"b\"","time":"1970-01-12T13:46:43Z"}"#)
    #expect(
      try line(["--log-format=text"], .info, #"RUN "x""#)
        == #"time="1970-01-12T13:46:43Z" level=info msg="RUN \"x\"""#)
    #expect(try line(["--log-format=text"], .info, "done") == #"time="1970-01-12T13:46:43Z" level=info msg=done"#)
  }

  @Test("says no more than was asked for")
  func verbosity() throws {
    #expect(try line([], .debug, "x") == nil)
    #expect(try line(["-v", "debug"], .debug, "x") != nil)
    #expect(try line(["--verbosity=error"], .warning, "x") == nil)
    #expect(throws: (any Error).self) { try line(["--verbosity=loud"], .info, "x") }
  }
}
