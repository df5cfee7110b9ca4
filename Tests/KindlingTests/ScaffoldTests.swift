import Diagnostics
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import kindling

@Suite("A starter Dockerfile in a directory") struct ScaffoldTests {
  private func settle(
    _ folder: TemporaryFolder, _ choice: Bool?, answer: Bool? = nil, dockerfile: String = "Dockerfile"
  ) throws(Failure) {
    var scaffold = Scaffold(choice: choice, directory: FilePath(folder.path))
    scaffold.ask = nil
    if let answer { scaffold.ask = { _ in answer } }
    try scaffold.settle(dockerfile: dockerfile)
  }

  @Test("is written when it is asked for or agreed to, and never over another")
  func written() async throws {
    for (choice, answer) in [(true, nil), (nil, true)] as [(Bool?, Bool?)] {
      try await withTemporaryFolder { folder in
        try folder.write(#"{"main": "app.js"}"#, to: "package.json")
        try settle(folder, choice, answer: answer)
        let text = try folder.read("Dockerfile")
        #expect(text.contains(#"CMD ["node", "app.js"]"#))
        try folder.write("mine", to: "Dockerfile")
        try settle(folder, true)
        #expect(try folder.read("Dockerfile") == "mine")
      }
    }
  }

  @Test("is offered in the failure where nobody can be asked or says no, and left out where it is not wanted")
  func offered() async throws {
    for answer in [nil, false] as [Bool?] {
      try await withTemporaryFolder { folder in
        try folder.write("module x\n", to: "go.mod")
        let failure = #expect(throws: Failure.self) { try settle(folder, nil, answer: answer) }
        #expect(failure?.reason == "dockerfile-missing" && failure?.hint?.contains("--scaffold") == true)
        #expect(failure?.hint?.contains("Go") == true)
        try settle(folder, false)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["go.mod"])
      }
    }
  }

  @Test("of a tree that says nothing is none, with what it looks for; an unfinished one says what is missing")
  func unknown() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("x", to: "notes.txt")
      try settle(folder, nil)
      let failure = #expect(throws: Failure.self) { try settle(folder, true) }
      #expect(failure?.hint?.contains("package.json") == true)
      try folder.write("{}", to: "package.json")
      let unfinished = #expect(throws: Failure.self) { try settle(folder, true) }
      #expect(unfinished?.reason == "starter-incomplete")
      try settle(TemporaryFolder(), nil)
    }
  }
}
