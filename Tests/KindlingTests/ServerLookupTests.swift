import ArgumentParser
import Diagnostics
import Storage
import SystemPackage
import Testing

@testable import kindling

@Suite("Finding the server")
struct ServerLookupTests {
  static func lookup(_ environment: [String: String], running: String? = nil, token: String? = nil) -> ServerLookup {
    ServerLookup(
      environment: environment,
      runFile: { folder in
        running.map {
          RunFile(
            pid: 1,
            urls: .init(http: "http://\($0)", grpc: "\($0)"),
            ports: .init(http: 1, grpc: 1),
            version: folder.string,
            startedAt: Timestamp(milliseconds: 0)
          )
        }
      },
      text: { $0 == "/home/u/.local/share/kindling/token" ? token : nil }
    )
  }

  @Test(
    "option, then variable, then run.json, then the default port",
    arguments: [
      (["--api-endpoint", "a:1"], "b:2", "c:3", "a:1"), ([], "b:2", "c:3", "b:2"), ([], nil, "c:3", "c:3"),
      ([], "", "c:3", "c:3"),
      ([], nil, nil, "127.0.0.1:4480"),
    ] as [([String], String?, String?, String)]
  )
  func endpoint(options: [String], variable: String?, running: String?, expected: String) throws {
    let environment = ["HOME": "/home/u", "IGNITE_API_ENDPOINT": variable].compactMapValues { $0 }
    let found = try Self.lookup(environment, running: running).endpoint(try SharedOptions.parse(options))
    #expect(found.description == expected)
  }

  @Test(
    "option, then DODIL_TOKEN, then IGNITE_TOKEN, then the file the server made",
    arguments: [
      (["--token", "a"], "b", "c", "d", "a"), ([], "b", "c", "d", "b"), ([], nil, "c", "d", "c"),
      ([], nil, nil, "d\n", "d"),
      ([], nil, nil, " \n", nil), ([], nil, nil, nil, nil),
    ] as [([String], String?, String?, String?, String?)]
  )
  func token(options: [String], dodil: String?, ignite: String?, file: String?, expected: String?) async throws {
    let environment = ["HOME": "/home/u", "DODIL_TOKEN": dodil, "IGNITE_TOKEN": ignite].compactMapValues { $0 }
    let found = try await Self.lookup(environment, token: file).token(
      try SharedOptions.parse(options), for: Self.here)
    #expect(found == expected)
  }

  private static let here = Endpoint(host: "localhost", port: 1)

  @Test("what lies in the data directory is sent to this machine alone")
  func elsewhere() async throws {
    let there = Endpoint(host: "build.example", port: 4480)
    let lookup = Self.lookup(["HOME": "/home/u"], token: "secret")
    #expect(try await lookup.token(try SharedOptions.parse([]), for: there) == nil)
    #expect(try await lookup.token(try SharedOptions.parse(["--token", "given"]), for: there) == "given")
  }

  @Test("a token for another organisation needs the key, and says so")
  func organization() async throws {
    let options = try SharedOptions.parse(["--org-name", "acme", "--data-dir", "/nowhere/at/all"])
    let failure = await #expect(throws: Failure.self) { try await Self.lookup([:]).token(options, for: Self.here) }
    #expect(failure?.reason == "key-missing")
  }

  @Test(
    "the data directory is the option's, the variable's, XDG's or the home's",
    arguments: [
      ("/o", ["KINDLING_DATA_DIR": "/k", "HOME": "/h"], "/o"),
      (nil, ["KINDLING_DATA_DIR": "/k", "XDG_DATA_HOME": "/x"], "/k"),
      (nil, ["XDG_DATA_HOME": "/x", "HOME": "/h"], "/x/kindling"),
      (nil, ["XDG_DATA_HOME": "x", "HOME": "/h"], "/h/.local/share/kindling"),
      (nil, ["HOME": "/h"], "/h/.local/share/kindling"), (nil, [:], nil),
    ] as [(String?, [String: String], String?)]
  )
  func dataDirectory(flag: String?, environment: [String: String], expected: String?) {
    #expect((try? DataLocation(flag: flag, environment: environment).path.string) == expected)
  }
}
