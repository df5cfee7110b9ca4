import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Git

@Suite("Fetching over ssh")
struct SSHRemoteTests {
  /// Runs with an `ssh` of our own first in PATH; it notes its arguments and then does what `script` says.
  private func withSSH(
    _ script: String, url: String = "ssh://git@host.example:2222/site it's.git", limits: GitLimits = GitLimits(),
    _ body: (SSHRemote, TemporaryFolder) async throws -> Void
  ) async throws {
    try await withTemporaryFolder { folder in
      try folder.write(
        "#!/bin/sh\nfor word in \"$@\"; do printf '%s\\n' \"$word\"; done >> \(folder.path)/arguments\n\(script)\n",
        to: "bin/ssh", executable: true)
      let path = folder.path("bin") + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
      let remote = try SSHRemote(
        address: try GitAddress(parsing: url), environment: ["PATH": path, "HOME": folder.path], limits: limits)
      try await body(remote, folder)
    }
  }

  @Test("the remote's own git answers, in versions 0 and 2", arguments: [0, 2])
  func fetch(version: Int) async throws {
    let repository = try await ServedRepository()
    defer { repository.remove() }
    let command = "\(version == 0 ? "unset GIT_PROTOCOL; " : "")exec git-upload-pack '\(repository.root)/site.git'"
    try await withSSH(command) { remote, folder in
      #expect(try await remote.abilities().protocolVersion == version)
      let references = try await remote.references(prefixes: ["refs/heads/"])
      #expect(references.map(\.name).sorted() == ["refs/heads/main", "refs/heads/side"])
      for _ in 0..<2 {
        let want = try #require(ObjectID(hex: repository.second))
        let pack = PackFile()
        #expect(try await remote.fetch(FetchRequest(wants: [want]), bases: NoObjects(), into: pack) { _ in } == [want])
        #expect(try await pack.objects().count == 5)
      }
      let arguments = try folder.read("arguments").split(separator: "\n").map(String.init)
      let once = [
        "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "SendEnv=GIT_PROTOCOL", "-p", "2222", "--",
        "git@host.example", #"git-upload-pack '/site it'\''s.git'"#,
      ]
      // One conversation serves all of version 2; version 0 ends with each pack.
      #expect(arguments == (version == 2 ? once : once + once))
    }
  }

  @Test(
    "what ssh says of its end is told",
    arguments: [
      ("echo 'git@host: Permission denied (publickey).' >&2; exit 255", "git-auth-refused"),
      ("echo \"fatal: 'x' does not appear to be a git repository\" >&2; exit 128", "git-repository-not-found"),
      ("printf 'ssh: \\033[31mConnection refused\\n' >&2; exit 255", "git-connection-lost"),
      ("echo Welcome to the machine", "git-protocol-error"),
    ])
  func failures(script: String, reason: String) async throws {
    try await withSSH(script) { remote, _ in
      let failure = await #expect(throws: Failure.self) { _ = try await remote.abilities() }
      #expect(failure?.reason == reason)
      #expect(failure?.description.unicodeScalars.contains("\u{1B}") == false)
    }
  }

  @Test("silence is not waited out")
  func silence() async throws {
    var limits = GitLimits()
    limits.idleTimeout = .milliseconds(50)
    try await withSSH("exec sleep 1000", limits: limits) { remote, _ in
      let failure = await #expect(throws: Failure.self) { _ = try await remote.abilities() }
      #expect(failure?.reason == "git-stalled")
    }
  }

  @Test("cancelling kills ssh and what it started", .timeLimit(.minutes(1)))
  func cancelled() async throws {
    try await withSSH("sleep 1000 & echo $! > \"$HOME/new\"; mv \"$HOME/new\" \"$HOME/child\"; wait") {
      remote, folder in
      let task = Task { try await remote.abilities() }
      while !FileManager.default.fileExists(atPath: folder.path("child")) { await Task.yield() }
      let child = try #require(Int32(try folder.read("child").trimmingCharacters(in: .whitespacesAndNewlines)))
      task.cancel()
      let failure = await #expect(throws: Failure.self) { _ = try await task.value }
      #expect(failure?.reason == "cancelled")
      // A killed child is gone once the kernel is done with it, or a zombie until init takes it.
      while let status = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8), !status.contains(") Z ") {
        await Task.yield()
      }
    }
  }

  @Test("without ssh the error names what to install")
  func missing() throws {
    let address = try GitAddress(parsing: "git@host:a.git")
    let failure = #expect(throws: Failure.self) {
      try SSHRemote(address: address, environment: ["PATH": "/nonexistent"])
    }
    #expect(failure?.reason == "git-ssh-missing")
    #expect(failure?.hint?.contains("openssh-client") == true)
  }
}
