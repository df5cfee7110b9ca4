import Testing

@testable import Gateway

@Suite struct JSONTextTests {
  @Test(
    "a broken text is located by line and column",
    arguments: [
      ("", 1, 1), ("{", 1, 2), (#"{"a" 1}"#, 1, 6), ("{\n  \"a\": 1,\n  b\n}", 3, 3), ("[1 2]", 1, 4), ("{} {}", 1, 4),
      (#"{"a":"x"#, 1, 8), (#"{"a":01x}"#, 1, 8), ("tru", 1, 1), (#"{"a":-}"#, 1, 7), (#"{"a":"\"#, 1, 8),
      ("{\"a\":\"x\ny\"}", 1, 8),
    ]
  )
  func locates(text: String, line: Int, column: Int) {
    guard case .broken(let foundLine, let foundColumn, _) = JSONText.inspect(Array(text.utf8)) else {
      Issue.record("'\(text)' passed")
      return
    }
    #expect(foundLine == line)
    #expect(foundColumn == column)
  }

  @Test("endless nesting is refused before the stack ends")
  func bounded() {
    let text = Array(String(repeating: "[", count: 1_000_000).utf8)
    #expect(JSONText.inspect(text) == .broken(line: 1, column: 101, expected: "less nesting"))
  }

  @Test("the members of an object are found with their text")
  func members() {
    let text = #" { "a" : [1, {"b": 2}] , "c":"x\"}" } "#
    let bytes = Array(text.utf8)
    guard case .object(let members) = JSONText.inspect(bytes) else {
      Issue.record("not an object")
      return
    }
    #expect(members.map(\.name) == ["a", "c"])
    #expect(
      members.map { String(decoding: bytes[$0.text], as: UTF8.self) } == [#""a" : [1, {"b": 2}]"#, #""c":"x\"}""#]
    )
  }

  @Test("a well-formed value that is no object says so", arguments: ["[]", "1.5e-3", "null", #""x""#])
  func otherValues(text: String) {
    #expect(JSONText.inspect(Array(text.utf8)) == .otherValue)
  }
}
