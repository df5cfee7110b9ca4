import Foundation
import TestSupport
import Testing

@Suite("Passwords in URLs of ADD")
struct AddSecretsTests {
  @Test("are in no event, log, error or record, neither is what a query says")
  func hidden() async throws {
    try await withServer { server, folder in
      let dockerfile = "FROM scratch\nADD http://bob:s3cretTok@127.0.0.1:1/x?key=q0ery /x\n"
      let tree = try Tree(["Dockerfile": dockerfile], in: folder)
      let built = try await server.kindling(["build", tree.path, "--name", "x", "--progress", "plain"])
      #expect(built.status != 0)
      #expect(built.all.contains("127.0.0.1:1"), "\(built.all)")
      #expect(!built.all.contains("s3cretTok") && !built.all.contains("q0ery"), "\(built.all)")
      let kept = try await Tool("grep").run([
        "-rlaE", "s3cretTok|q0ery", server.data + "/builds", server.data + "/ledger.sqlite",
        server.data + "/ledger.sqlite-wal",
      ])
      #expect(kept.output.isEmpty, "\(kept.output)")
    }
  }
}
