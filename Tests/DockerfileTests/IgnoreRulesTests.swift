import Diagnostics
import Dockerfile
import Testing

@Suite struct IgnoreRulesTests {
  @Test(
    "paths are left out as Docker leaves them out",
    arguments: [
      ("", ["a"], []),
      ("a", ["b", "ab", "x/a"], ["a", "a/b", "a/b/c"]),
      ("a/", ["b"], ["a", "a/b"]),
      ("/a", ["x/a"], ["a", "a/b"]),
      ("./a//b/", ["a", "b"], ["a/b", "a/b/c"]),
      ("a/../b", ["a"], ["b"]),
      ("# comment\n\n  a  \n #b", ["b", "# comment"], ["a", "#b"]),
      ("\u{FEFF}a\r\nb\r\n", ["c"], ["a", "b"]),
      ("*", [], ["a", "a/b", ".a"]),
      (".", ["a", "a/b"], []),
      ("/", ["a"], []),
      ("../a", ["a"], []),
      ("*.md\n!README.md", ["README.md", "x/y.md"], ["a.md", "y.md/z"]),
      ("*.md\n!README*.md\nREADME-secret.md", ["README.md"], ["a.md", "README-secret.md"]),
      ("*.md\nREADME-secret.md\n!README*.md", ["README.md", "README-secret.md"], ["a.md"]),
      ("**/*.md", ["a/b.txt"], ["a.md", "x/a.md", "x/y/a.md"]),
      ("**/node_modules", ["node_module", "xnode_modules"], ["node_modules", "a/node_modules/b", "a/b/node_modules"]),
      ("a/**", ["a", "b/a/c"], ["a/b", "a/b/c"]),
      ("a/**/z", ["a", "az", "b/a/z"], ["a/z", "a/b/z", "a/b/c/z", "a/b/z/y"]),
      ("**", [], ["a", "a/b"]),
      ("**/", [], ["a", "a/b"]),
      ("**.pyc", ["a.py"], ["a.pyc", "x/a.pyc", ".pyc"]),
      ("a**b", ["a", "axb", "b"], ["ab", "ax/b", "a/x/b"]),
      ("**/a/**", ["a", "x/a"], ["a/b", "x/a/b"]),
      ("a?c", ["ac", "a/c"], ["abc"]),
      ("[ab]x", ["cx"], ["ax", "bx"]),
      ("a\\*", ["ab"], ["a*"]),
      ("a.b+c(d)", ["axb+c(d)"], ["a.b+c(d)"]),
      ("*\n!src", ["src", "src/a", "src/a/b"], ["x", "x/src"]),
      ("*\n!src/**", ["src/a", "src/a/b"], ["src", "x"]),
      ("src\n!src/keep", ["src/keep", "src/keep/x"], ["src", "src/a"]),
      ("src\n!src/keep\nsrc", [], ["src/keep"]),
      ("src\n! src/keep", ["src/keep"], ["src/a"]),
      ("!a", ["a", "b"], []),
      ("dir\n!**/*.md", ["dir/a.md", "dir/x/a.md"], ["dir/a.txt"]),
      ("ü/é*", ["u/e"], ["ü/éa"]),
    ] as [(String, [String], [String])]
  )
  func table(_ text: String, _ kept: [String], _ ignored: [String]) throws {
    let rules = try IgnoreRules(text: text)
    for path in kept { #expect(!rules.ignores(path, isDirectory: false), "\(path) is kept") }
    for path in ignored { #expect(rules.ignores(path, isDirectory: false), "\(path) is ignored") }
    for path in ignored { #expect(rules.ignores("/" + path + "/"), "\(path) with outer slashes is ignored") }
  }

  @Test(
    "a directory is skipped only when nothing below it is taken back in",
    arguments: [
      ("a", "a", true), ("a", "a/b", true), ("a", "b", false), ("a/*", "a", false), ("a\n!a/b", "a", false),
      ("a\n!a/b", "a/c", true), ("a\n!a/b/c", "a/b", false), ("a\n!**/x", "a/c/d", false), ("a\n!b", "a", true),
      ("a\n!a/*.md", "a", false), ("a\n!a/*.md", "a/c", true), ("!a/b\na", "a", true), ("*\n!src", "x", true),
      ("*\n!src", "src", false), ("*\n!src/a/b", "src", false), ("*\n!src/a/b", "src/a", false),
      ("*\n!src/a/b", "src/c", true), ("**/node_modules\n!keep/node_modules/x", "b/node_modules", true),
      ("**/node_modules\n!keep/node_modules/x", "keep/node_modules", false),
    ]
  )
  func skipping(_ text: String, _ directory: String, _ expected: Bool) throws {
    #expect(try IgnoreRules(text: text).canSkip(directory: directory) == expected)
  }

  @Test("a skipped directory never holds a path that is kept")
  func skippingIsSafe() throws {
    let names = ["a", "b", "x.md"]
    var paths = names
    for _ in 0..<2 { paths += paths.flatMap { path in names.map { path + "/" + $0 } } }
    let patterns = ["a", "!a/b", "*", "!b", "**/x.md", "!**/b", "a/*", "!a/*/x.md", "a/**", "!**/*.md", "b/a"]
    for first in patterns {
      for second in patterns {
        for third in patterns {
          let rules = try IgnoreRules(patterns: [first, second, third])
          for path in Set(paths) where !rules.ignores(path) {
            var parent = path[...]
            while let slash = parent.lastIndex(of: "/") {
              parent = parent[..<slash]
              #expect(!rules.canSkip(directory: String(parent)), "\(first) \(second) \(third): \(path)")
            }
          }
        }
      }
    }
  }

  @Test("a broken rule names its line")
  func broken() {
    for (text, line) in [("a\n[b\n", 2), ("!\n", 1), ("a\nb\nc\\", 3)] {
      #expect { try IgnoreRules(text: text) } throws: {
        let failure = $0 as? Failure
        return failure?.reason == "ignore-syntax" && failure?.source?.firstLine == line
          && failure?.source?.file == ".dockerignore"
      }
    }
  }

  @Test("raw bytes that are no UTF-8 are matched like any name")
  func rawBytes() throws {
    let rules = try IgnoreRules(text: "dir\n*.o")
    #expect(rules.ignores(bytes: Array("dir/".utf8) + [0xFF]))
    #expect(rules.ignores(bytes: [0xFF, 0xFE] + Array(".o".utf8)))
    #expect(!rules.ignores(bytes: [0xFF]))
    #expect(rules.canSkip(directoryBytes: Array("dir/".utf8) + [0xFF]))
    #expect(IgnoreRules.none.isEmpty && !IgnoreRules.none.ignores("a"))
  }
}
