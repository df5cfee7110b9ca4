import Foundation
import TestSupport
import Testing

@Suite("Why a step ran")
struct WhyTests {
  private struct Told: Decodable {
    var step: Int
    var result: String
    var reason: String?
  }

  /// What `kindling why` says of the newest build, a reason a step.
  private func reasons(_ kitchen: Kitchen) async throws -> [String] {
    let told = try await kitchen.server.kindling(["why", "^0", "--output", "json"])
    #expect(told.status == 0, "\(told.all)")
    return try told.lines.map { try JSONDecoder().decode(Told.self, from: Data($0.utf8)) }
      .sorted { $0.step < $1.step }.map { "\($0.result): \($0.reason ?? "")" }
  }

  @Test("is told by what changed since the last build of the name")
  func changes() async throws {
    try await Kitchen.run { kitchen in
      func dockerfile(command: String = "echo a", argument: String = "1") -> String {
        """
        FROM busybox
        ARG VERSION=\(argument)
        RUN \(command)
        WORKDIR /work
        COPY files .
        RUN echo last
        """
      }
      try kitchen.folder.write("a", to: "app/files/a")
      try kitchen.folder.write("b", to: "app/files/b")
      func build(_ dockerfile: String, name: String = "app", _ flags: [String] = []) async throws -> [String] {
        let built = try await kitchen.build(dockerfile, name: name, flags)
        #expect(built.succeeded, "\(built.log)")
        return try await reasons(kitchen)
      }
      let configuration = "ran: changes the configuration only"
      let first = try await build(dockerfile())
      #expect(first == [configuration] + Array(repeating: "ran: first time", count: 4))
      let id = try #require(
        try await kitchen.server.kindling(["build", "list", "--output", "json"]).output.firstMatch(
          of: /bld_[0-9A-Z]{26}/)
      ).output
      let same = "cached: inputs unchanged since build \(id)"
      #expect(try await build(dockerfile()) == [configuration, same, same, same, same])
      try kitchen.folder.write("B", to: "app/files/b")
      #expect(
        try await build(dockerfile()) == [
          configuration, same, same, "ran: changed: COPY contents (1 file: work/b)",
          "ran: changed: layer below (step 4)",
        ])
      let argument = try await build(dockerfile(argument: "2"))
      #expect(argument[1] == "ran: changed: ARG VERSION")
      let command = try await build(dockerfile(command: "echo b", argument: "2"))
      #expect(command[1] == "ran: changed: command")
      // The file is as before, and so is its layer.
      #expect(command[3].hasPrefix("cached: inputs unchanged since build "))
      #expect(try await build(dockerfile(), ["--no-cache"])[1] == "ran: no_cache")
      try kitchen.folder.write("B", to: "other/files/b")
      try kitchen.folder.write("a", to: "other/files/a")
      #expect(try await build(dockerfile(), name: "other")[1] == "cached: made before")
    }
  }

  @Test("is told of one step, in the log too, and of no step that is not there")
  func oneStep() async throws {
    try await Kitchen.run { kitchen in
      #expect(try await kitchen.build("FROM busybox\nRUN exit 3\n").result.status != 0)
      let failed = try await kitchen.server.kindling(["why", "^0", "1"])
      #expect(failed.lines == ["#1 [stage-0] RUN exit 3", "   failed: first time"])
      let missing = try await kitchen.server.kindling(["why", "^0", "2"])
      #expect(missing.status != 0)
      #expect(missing.error.contains("has no step 2"), "\(missing.error)")
      #expect(try await kitchen.build("FROM busybox\nRUN true\n").log.contains("changed: command"))
      #expect(try await kitchen.build("FROM busybox\nRUN true\n").log.contains("cached (inputs unchanged since build "))
    }
  }

  @Test("no build argument can be read in the ledger")
  func secrecy() async throws {
    try await Kitchen.run { kitchen in
      let built = try await kitchen.build(
        "FROM busybox\nARG WORD\nRUN echo hello\n", ["--build-arg", "WORD=correct-horse"])
      #expect(built.succeeded, "\(built.log)")
      let shown = try await Tool("sqlite3").run([
        kitchen.server.data + "/ledger.sqlite", "SELECT parts FROM step_inputs",
      ])
      #expect(shown.output.contains("ARG WORD"), "\(shown.all)")
      #expect(!shown.output.contains("correct-horse"))
    }
  }
}
