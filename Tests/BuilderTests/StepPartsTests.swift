import Archive
import Diagnostics
import OCI
import Storage
import SystemPackage
import Testing

@testable import Builder

@Suite("Inputs of a step")
struct StepPartsTests {
  private let digest = StepParts.KeyedDigest(key: Array(repeating: 7, count: 32))

  private func files(_ contents: [(String, String)]) -> StepParts {
    let entries = contents.map { path, text in
      LayerEntry(
        tar: TarEntry(path: FilePath(path), kind: .file, mode: 0o644, size: Int64(text.utf8.count)),
        body: .bytes(Array(text.utf8)), digest: Digest(sha256Of: Array(text.utf8)))
    }
    return StepParts(entries, digest)
  }

  private func command(
    _ text: String = "make", environment: [String] = [], user: String = "", below: UInt8 = 1
  ) -> StepParts {
    let action = RunAction(
      arguments: ["/bin/sh", "-c", text], environment: environment, proxies: [], user: user, workingDirectory: "/",
      script: nil, network: .host)
    return StepParts(
      action, layers: [Digest(sha256Of: [below])], platform: .host, origins: [],
      environment: ["PATH=/bin", "MODE=old"], digest)
  }

  @Test("name what differs, what matters most first")
  func commands() {
    func differences(_ made: StepParts, _ before: StepParts) -> String {
      made.differences(from: before, below: "step 4", instruction: "RUN")
    }
    #expect(differences(command("a"), command("b")) == "command")
    #expect(differences(command(below: 2), command()) == "layer below (step 4)")
    #expect(differences(command(environment: ["MODE=new"]), command(environment: ["MODE=old"])) == "ENV MODE")
    #expect(differences(command(environment: ["X=1"]), command()) == "ARG X")
    #expect(differences(command("a", user: "me", below: 2), command()) == "command, layer below (step 4), USER")
    #expect(differences(command(), files([("a", "a")])) == "instruction")
  }

  @Test("name files that came, went or changed, and count the others")
  func contents() {
    let before = files([("a", "1"), ("b", "1"), ("c", "1")])
    let after = files([("a", "2"), ("b", "1"), ("d", "1")])
    #expect(
      after.differences(from: before, below: "", instruction: "COPY") == "COPY contents (3 files: a, c, d)")
    let many = files((1...5).map { ("f\($0)", "") })
    #expect(
      many.differences(from: files([]), below: "", instruction: "ADD") == "ADD contents (5 files: f1, f2, f3, …)")
  }

  @Test("of very many files stay few, and still tell where the change is")
  func bounded() throws {
    func tree(_ changed: String) -> StepParts {
      files((0..<10_000).map { ("src/d\($0 % 40)/f\($0)", $0 == 41 ? changed : "") })
    }
    let (before, after) = (tree("1"), tree("2"))
    #expect(before.json.count < 4000)
    #expect(after.differences(from: before, below: "", instruction: "COPY") == "COPY contents (1 file: src/d1)")
    #expect(StepParts(json: after.json) == after)
    #expect(StepParts(json: Array("[1]".utf8)) == nil)
  }
}
