import Foundation
import TestSupport
import Testing

/// Publishing and rolling back while calls come in, and apps that nobody calls.
@Suite("Apps: switches and idleness", .serialized) struct AppSwitchTests {
  @Test("ten versions are published and rolled back under keep-alive clients, and no call fails or gets what is gone")
  func load() async throws {
    try await withServer { server, _ in
      let apps = AppWorkshop(server: server)
      try await apps.deploy("app", env: ["VERSION": "1"], flags: ["--tier", "xlarge"])
      #expect(try await apps.call("app").status == 200)
      let load = try LoadProcess(port: apps.port, host: apps.host("app"), threads: 8)
      for version in 2...6 {
        try load.say("any")
        try await apps.deploy("app", env: ["VERSION": "\(version)"])
        try load.say("only \(version)")
      }
      for version in [2, 5, 1, 4, 6] {
        try load.say("any")
        let back = try await server.kindling(["version", "rollback", "app", "\(version)"])
        #expect(back.status == 0, "\(back.all)")
        try load.say("only \(version)")
      }
      let said = try await load.finish()
      #expect(said["failures"].array.isEmpty, "\(said.text)")
      #expect(said["calls"].number ?? 0 > 500, "\(said.text)")
      #expect(Set(said["versions"].object.keys) == ["1", "2", "3", "4", "5", "6"], "\(said.text)")
    }
  }

  @Test("fifty apps that nobody calls have no process, no open file and no processor time")
  func idle() async throws {
    try await withServer { server, _ in
      let apps = AppWorkshop(server: server)
      let reference = try await server.buildTestApp()
      let api = HTTPAPI(server)
      // One before, so that what the server opens once is open.
      for number in 0...50 {
        let app = "/v1/ignite/app/dev/app\(number)/draft"
        let saved = try await api.call("POST", app, ["code": ["image": ["prebuilt": ["imageRef": .string(reference)]]]])
        try #require(saved.status == 200, "\(saved)")
        let published = try await api.call("POST", app + "/publish", [:])
        try #require(published.status == 200, "\(published)")
      }
      #expect(try apps.processes() == 0)
      let (files, time) = (try apps.openFiles(), try apps.processorTime())
      #expect(files < 150, "\(files) open files")
      try await Tool("sleep").run(["3"])
      #expect(try apps.processorTime() - time <= 3, "hundredths of a second in three seconds")
      #expect(try apps.openFiles() <= files)
      #expect(try apps.processes() == 0)
    }
  }
}

/// `Scripts/app_load.py` at work.
private final class LoadProcess {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()

  init(port: String, host: String, threads: Int) throws {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scripts/app_load.py").path
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", script, port, host, "\(threads)"]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  func say(_ words: String) throws { try input.fileHandleForWriting.write(contentsOf: Data("\(words)\n".utf8)) }

  func finish() async throws -> JSON {
    try input.fileHandleForWriting.close()
    let text = try output.fileHandleForReading.readToEnd().map { String(decoding: $0, as: UTF8.self) } ?? ""
    process.waitUntilExit()
    return try JSON(text: text.split(separator: "\n").last.map(String.init) ?? "null")
  }
}
