import Diagnostics
import Dockerfile
import Testing

@Suite struct PathPatternTests {
  @Test(
    "source patterns match as Go's filepath.Match",
    arguments: [
      ("abc", "abc", true), ("abc", "abd", false), ("*", "abc", true), ("*c", "abc", true), ("a*", "a", true),
      ("a*", "ab/c", false), ("a*/b", "a/b", true), ("a*/b", "a/c/b", false), ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
      ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false), ("a*b?c*x", "abxbbxdbxebxczzx", true),
      ("a*b?c*x", "abxbbxdbxebxczzy", false), ("ab[c]", "abc", true), ("ab[b-d]", "abc", true),
      ("ab[e-g]", "abc", false), ("ab[^c]", "abc", false), ("ab[^e-g]", "abc", true), ("a\\*b", "a*b", true),
      ("a\\*b", "ab", false), ("a?b", "a☺b", true), ("a[^a]b", "a☺b", true), ("a???b", "a☺b", false),
      ("[a-ζ]*", "α", true), ("a?b", "a/b", false), ("a[^x]b", "a/b", false), ("[\\]a]", "]", true),
      ("[\\-x]", "-", true), ("[x-]", "", nil), ("[]a]", "]", nil), ("[-x]", "x", nil), ("a[", "a", nil),
      ("a\\", "a", nil), ("[", "a", nil), ("[^", "a", nil), ("[a", "b", nil), ("./a//b/", "a/b", true),
      ("/a/../b", "b", true), ("**/x", "a/x", true), ("**/x", "x", false), ("a**", "ab", true), ("a**", "a/b", false),
      ("[z-a]", "b", false),
    ] as [(String, String, Bool?)]
  )
  func sources(_ pattern: String, _ path: String, _ expected: Bool?) {
    #expect((try? PathPattern(pattern, style: .source))?.matches(path) == expected)
  }

  @Test("a broken pattern is an error that says how to write the character")
  func broken() {
    #expect { try PathPattern("a[b", style: .source) } throws: {
      ($0 as? Failure)?.reason == "path-pattern" && ($0 as? Failure)?.hint != nil
    }
  }

  @Test(
    "a walk starts at the directory above all wildcards and enters only what can match",
    arguments: [
      ("a/b/*.c", nil, "a/b", ["a", "a/b"], ["b", "a/x", "a/b/c"]), ("*.c", nil, "", [], ["a"]),
      ("a/b", "a/b", "a/b", ["a"], ["a/b", "b"]), ("a\\*/b", "a*/b", "a*/b", ["a*"], ["ab"]),
      ("a/*/c", nil, "a", ["a", "a/x"], ["a/x/c", "b"]), ("ab*", nil, "", [], ["ab"]),
    ] as [(String, String?, String, [String], [String])]
  )
  func walk(_ text: String, _ literal: String?, _ base: String, _ entered: [String], _ skipped: [String]) throws {
    let pattern = try PathPattern(text, style: .source)
    #expect(pattern.literal == literal)
    #expect(pattern.base == base)
    for directory in entered { #expect(pattern.canMatchBelow(directory), "\(directory)") }
    for directory in skipped { #expect(!pattern.canMatchBelow(directory), "\(directory)") }
  }

  @Test("names that are no UTF-8 match by wildcard, one character a byte")
  func rawBytes() throws {
    let name: [UInt8] = [0x61, 0xFF, 0xC3, 0x62]
    #expect(try PathPattern("a*", style: .source).matches(bytes: name))
    #expect(try PathPattern("a??b", style: .source).matches(bytes: name))
    #expect(try !PathPattern("a?b", style: .source).matches(bytes: name))
    #expect(try !PathPattern("a\u{FFFD}*", style: .source).matches(bytes: name))
  }

  @Test("time stays linear for a pattern made to backtrack")
  func hostile() throws {
    let pattern = try PathPattern(String(repeating: "a*", count: 500) + "b", style: .source)
    #expect(!pattern.matches(String(repeating: "a", count: 2000)))
    let tree = try PathPattern(String(repeating: "**/a/", count: 200) + "b", style: .ignore)
    #expect(!tree.matches(String(repeating: "a/", count: 1000) + "c"))
  }
}
