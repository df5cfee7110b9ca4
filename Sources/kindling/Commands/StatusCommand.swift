import ArgumentParser
import AsyncHTTPClient
import Diagnostics
import Foundation
import NIOHTTP1
import Storage
import Terminal

/// `status`: whether a server runs and each part of it is ready; the health check of containers without curl.
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Say what is running, where, and which parts are ready",
    usage: "kindling status [options]",
    discussion: """
      Exits with 0 when everything is ready, else with 9.

      Example:
        kindling status && kindling build .
      """
  )

  @OptionGroup var shared: SharedOptions

  /// What `/readyz?verbose` answers.
  struct Readiness: Codable, Sendable {
    struct Part: Codable, Sendable {
      var name: String
      var ok: Bool
      var detail: String
    }
    var ready: Bool
    var parts: [Part]
  }

  /// What `-o json` prints.
  struct Report: Encodable {
    var ready: Bool
    var url: String
    var grpc: String?
    var pid: Int32?
    var version: String?
    var parts: [Readiness.Part]
  }

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let lookup = ServerLookup.live(environment)
    let endpoint = try lookup.endpoint(shared)
    let folder = try? DataLocation(flag: shared.dataDir).path
    // Only the server the directory belongs to is described by it.
    let file = folder.flatMap { lookup.runFile($0) }.flatMap { (try? Endpoint($0.urls.http)) == endpoint ? $0 : nil }
    let readiness = try await Self.ask(ServerAccess(endpoint: endpoint, timeout: shared.timeout?.duration))
    let report = Report(
      ready: readiness.ready,
      url: endpoint.url,
      grpc: file?.urls.grpc,
      pid: file?.pid,
      version: file?.version,
      parts: readiness.parts
    )
    switch shared.output {
    case .json: Console.standardOutput.write(JSONText.line(report) + "\n")
    case .table: Console.standardOutput.write(lines: Self.lines(report, Console.standardOutput.appearance))
    }
    guard readiness.ready else { throw ExitCode(Code.unavailable.exitStatus) }
  }

  static func ask(_ access: ServerAccess) async throws(Failure) -> Readiness {
    try await HTTPDoor.open(access) { door in
      let response = try await door.send(.GET, "/readyz?verbose", limit: access.timeout ?? .seconds(10))
      let body = try await HTTPDoor.body(of: response, access.endpoint)
      guard let readiness = try? JSONDecoder().decode(Readiness.self, from: body) else {
        throw Failure(
          .unavailable,
          reason: "not-a-kindling",
          "what answers at \(access.endpoint) is no kindling",
          hint: "name the server with --api-endpoint, or start one with: kindling start --port 0",
          cause: "HTTP status \(response.status.code)"
        )
      }
      return readiness
    }
  }

  static func lines(_ report: Report, _ appearance: Appearance) -> [String] {
    let name = "kindling" + (report.version.map { " " + $0 } ?? "")
    let state = report.ready ? "ready" : "not ready"
    let mark = appearance.paint(report.ready ? Mark.done : Mark.failed)
    var lines = ["\(mark) \(name) \(state) at \(report.url)\(report.pid.map { "  (pid \($0))" } ?? "")"]
    if let grpc = report.grpc { lines.append("  gRPC \(grpc)") }
    let parts = Table(
      columns: [.init("", mayShrink: false), .init("PART"), .init("STATE", mayShrink: true)],
      rows: report.parts.map { part in
        [.init("  " + (part.ok ? "ok" : "!!"), part.ok ? .good : .bad), .init(part.name), .init(part.detail)]
      }
    )
    return report.parts.isEmpty ? lines : lines + [""] + parts.lines(appearance).dropFirst()
  }
}
