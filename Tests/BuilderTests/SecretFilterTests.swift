import Diagnostics
import Testing

@testable import Builder

@Suite("The filter of secrets")
struct SecretFilterTests {
  @Test(
    "puts asterisks in their place, wherever the bytes are cut",
    arguments: [
      (["secret"], "a secret b", "a *** b"), (["secret"], "sesecret", "se***"), (["secret"], "secre", "secre"),
      (["secret"], "secretsecret", "******"), (["secret", "secretlonger"], "secretlonger secretlo", "*** ***lo"),
      (["aab"], "aaab aaaab", "a*** aa***"), (["value\n"], "value value\n", "*** ***\n"), ([""], "text", "text"),
      ([" \n"], "a \n b", "a \n b"), (["first line\nsecond line\nx"], "first line x second line", "*** x ***"),
      (["first line\nsecond line\nx"], "<first line\nsecond line\nx>", "<***>"),
      (["ab\ncd"], "ab cd ab\ncd", "ab cd ***"), (["é"], "caf\u{E9}", "caf***"), ([], "anything", "anything"),
      (["one", "two"], "onetwo two", "****** ***"), (["x"], "xyx", "***y***"),
    ])
  func masks(secrets: [String], text: String, expected: String) {
    let bytes = Array(text.utf8)
    // In one piece, byte by byte, and cut once at every place.
    var pieces = [[bytes], bytes.map { [$0] }]
    for cut in 0...bytes.count { pieces.append([Array(bytes[..<cut]), Array(bytes[cut...])]) }
    for pieces in pieces {
      var filter = SecretFilter(secrets.map { SecretValue($0) })
      var passed: [UInt8] = []
      for piece in pieces { passed += filter.pass(piece) }
      passed += filter.finish()
      #expect(String(decoding: passed, as: UTF8.self) == expected, "\(pieces.map(\.count))")
    }
  }

  @Test("holds back no more than could be the beginning of one")
  func delay() {
    var filter = SecretFilter([SecretValue("secret")])
    #expect(filter.pass(Array("a line\nsec".utf8)) == Array("a line\n".utf8))
    #expect(filter.pass(Array("ond".utf8)) == Array("second".utf8))
  }

  @Test("has secrets that never print themselves")
  func values() {
    let value = SecretValue("hidden")
    var dumped = ""
    dump(["a": value], to: &dumped)
    #expect(!("\(value) \([value]) \(String(reflecting: value))" + dumped).contains("hidden"))
    #expect(!dumped.contains("104"))
  }
}
