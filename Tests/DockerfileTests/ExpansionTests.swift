import Diagnostics
import Dockerfile
import Testing

@Suite struct ExpansionTests {
  private let values = [
    "A": "one", "E": "", "P": "/usr/local/lib/x.tar.gz", "S": "a b  c", "Q": "it's \"q\"", "ü": "uml", "D": "$A",
    "STAR": "a*b?c",
  ]

  private func expand(_ word: String, escape: Character = "\\") throws(Failure) -> String {
    try Expansion.expand(word, escape: escape, lookup: { values[$0] })
  }

  @Test(
    "words expand as in BuildKit",
    arguments: [
      ("", ""), ("plain", "plain"), ("a  b", "a  b"), ("$A", "one"), ("${A}", "one"), ("x${A}y$A.z", "xoneyone.z"),
      ("$NOPE", ""), ("${NOPE}x", "x"), ("$", "$"), ("a$", "a$"), ("$.x", "$.x"), ("$ A", "$ A"), ("$1x", "x"),
      ("$$", ""), ("$ü", "uml"), ("$D", "$A"), ("\\$A", "$A"), ("\\\\$A", "\\one"), ("a\\", "a"), ("\\a", "a"),
      ("'$A'", "$A"), ("'a'b\"c\"", "abc"), ("\"$A\"", "one"), ("\"\\$A\"", "$A"), ("\"\\a\"", "\\a"),
      ("\"\\\\\"", "\\"), ("\"a\\\"b\"", "a\"b"), ("'a\\'", "a\\"), ("\"'$A'\"", "'one'"), ("$Q", "it's \"q\""),
      ("${A:-w}", "one"), ("${E:-w}", "w"), ("${N:-w}", "w"), ("${A-w}", "one"), ("${E-w}", ""), ("${N-w}", "w"),
      ("${A:+w}", "w"), ("${E:+w}", ""), ("${N:+w}", ""), ("${E+w}", "w"), ("${N+w}", ""), ("${A:?w}", "one"),
      ("${E?w}", ""), ("${N:-$A}", "one"), ("${N:-${M:-$A}}", "one"), ("${N:-'a}b'}", "a}b"), ("${N:-\"a}b\"}", "a}b"),
      ("${N:-a\\}b}", "a}b"), ("${N:-}", ""), ("\"${N:-a b}\"", "a b"), ("${N:-a b}", "a b"),
      ("${P#*/}", "usr/local/lib/x.tar.gz"), ("${P##*/}", "x.tar.gz"), ("${P%/*}", "/usr/local/lib"),
      ("${P%%/*}", ""), ("${P%.*}", "/usr/local/lib/x.tar"), ("${P%%.*}", "/usr/local/lib/x"),
      ("${P#x}", "/usr/local/lib/x.tar.gz"),
      ("${A#?}", "ne"), ("${A%??}", "o"), ("${A%$E}", "one"), ("${A#o}${A%e}", "neon"), ("${N#x}", ""),
      ("${P#*l*l}", "/lib/x.tar.gz"), ("${P##*l*l}", "ib/x.tar.gz"), ("${STAR#a\\*}", "b?c"), ("${STAR%\\?c}", "a*b"),
      ("${P/l/L}", "/usr/Local/lib/x.tar.gz"), ("${P//l/L}", "/usr/LocaL/Lib/x.tar.gz"),
      ("${P/\\//:}", ":usr/local/lib/x.tar.gz"), ("${P//\\//:}", ":usr:local:lib:x.tar.gz"),
      ("${P/l*b/X}", "/usr/X/x.tar.gz"),
      ("${A//?/-}", "---"), ("${A/x/y}", "one"), ("${A//one/}", ""), ("${A//}", "!"), ("${A///x}", "one"),
      ("${A//o/$E$A}", "onene"), ("${A/$A/${N:-two}}", "two"), ("${STAR//\\*/+}", "a+b?c"), ("${A/*/all}", "all"),
      ("${", "!"), ("${A", "!"), ("${}", "!"), ("${:-x}", "!"), ("${{A}}", "!"), ("${A:", "!"), ("${A:-x", "!"),
      ("${A!x}", "!"), ("${A:=x}", "!"), ("${A^^}", "!"), ("${#A}", "!"), ("${ A}", "!"), ("'a", "!"), ("\"a", "!"),
      ("\"${A}", "!"), ("${N:-'x}", "!"), ("${A/x", "!"), ("${A/x/y", "!"), ("${A#\\a}", "!"),
    ]
  )
  func table(_ word: String, _ expected: String) throws {
    if expected == "!" {
      #expect { try expand(word) } throws: {
        ($0 as? Failure)?.reason == "dockerfile-expansion" && ($0 as? Failure)?.hint != nil
      }
    } else {
      #expect(try expand(word) == expected)
    }
  }

  @Test(
    "a required variable fails with the text given",
    arguments: [("${N?say why}", "not set"), ("${E:?say why}", "empty")]
  )
  func required(_ word: String, _ state: String) {
    #expect { try expand(word) } throws: {
      let failure = $0 as? Failure
      return failure?.reason == "variable-required" && failure?.message.hasSuffix("is \(state): say why") == true
    }
  }

  @Test("a backtick escapes and a backslash does not, when the file says so")
  func backtick() throws {
    #expect(try expand("`$A c:\\x", escape: "`") == "$A c:\\x")
    #expect(try expand("\"`\"\\$A\"", escape: "`") == "\"\\one")
  }

  @Test(
    "words split at blanks outside quotes, also at those a variable brings",
    arguments: [
      ("80 443", ["80", "443"]), ("$S", ["a", "b", "c"]), ("x$S", ["xa", "b", "c"]), ("\"$S\"", ["a b  c"]),
      ("'a b' c", ["a b", "c"]), ("a\\ b c", ["a b", "c"]), ("  ", []), ("$E", []),
      ("$A/tcp ${N:-1 2}", ["one/tcp", "1", "2"]),
    ]
  )
  func words(_ text: String, _ expected: [String]) throws {
    #expect(try Expansion.expandWords(text, lookup: { values[$0] }) == expected)
  }

  @Test("every use of a variable is reported, with whether the text cares about it being unset")
  func observed() throws {
    var uses: [String] = []
    _ = try Expansion.expand("$A ${N} ${M:-$A} '$X' \\$Y ${E+x}", lookup: { values[$0] }) {
      uses.append("\($0.name)\($0.isSet ? "" : "!")\($0.hasFallback ? "?" : "")")
    }
    #expect(uses == ["A", "N!", "A", "M!?", "E?"])
  }

  private func nested(_ depth: Int) -> String {
    String(repeating: "${N:-", count: depth) + "x" + String(repeating: "}", count: depth)
  }

  @Test("nesting is bounded, not left to the stack")
  func depth() throws {
    #expect(try expand(nested(64)) == "x")
    #expect { try expand(nested(65)) } throws: {
      ($0 as? Failure)?.message.hasSuffix("nests substitutions deeper than 64") == true
    }
    #expect(throws: Failure.self) { try expand(nested(200_000)) }
    #expect(throws: Failure.self) { try expand(String(repeating: "\"${N:-", count: 200_000)) }
  }

  @Test("a result is bounded, however it grows")
  func size() throws {
    let long = String(repeating: "x", count: 600_000)
    let lookup = { (name: String) -> String? in name == "L" ? long : nil }
    #expect(try Expansion.expand("$L", lookup: lookup).utf8.count == 600_000)
    for word in ["$L$L", "\"$L$L\"", "${L//x/yy}", "${N:-$L$L}", "'\(long)'\(long)"] {
      #expect { try Expansion.expand(word, lookup: lookup) } throws: {
        ($0 as? Failure)?.message.contains("expands to more than") == true
      }
    }
  }
}
