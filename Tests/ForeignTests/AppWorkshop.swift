import Foundation
import TestSupport
import Testing

/// Apps of one server: made of the test app with other variables, and called by their host names as curl does.
struct AppWorkshop {
  let server: ServerProcess

  struct Answer {
    var status: Int
    var body: String
    /// curl's own exit status: 0 for an answer that came whole.
    var curl: Int32
    var reason: String? { (try? JSON(text: body))?["details"].array.first?["reason"].string }
  }

  var port: String { server.ready.http.split(separator: ":").last.map(String.init) ?? "" }
  func host(_ app: String) -> String { "\(app)-dev.ignite.localhost:\(port)" }

  /// Builds and publishes the test app, with `env` in its image.
  func deploy(_ app: String, user: String? = "65532", env: [String: String] = [:], flags: [String] = []) async throws {
    let result = try await deploying(app, user: user, env: env, flags: flags)
    try #require(result.status == 0, "\(result.all)")
  }

  /// The same, whatever comes of it.
  func deploying(
    _ app: String, user: String? = "65532", env: [String: String] = [:], flags: [String] = []
  ) async throws -> Tool.Result {
    let folder = try await TestApp.shared.context(user: user, env: env)
    defer { folder.remove() }
    return try await server.kindling(["app", "deploy", app, "--code", folder.path, "--allow-unauthenticated"] + flags)
  }

  func call(_ app: String, _ target: String = "/", _ more: [String] = [], seconds: Int = 70) async throws -> Answer {
    let result = try await Tool("curl").run(
      ["-s", "-m", "\(seconds)", "-w", "\n%{http_code}", "-H", "Host: \(host(app))", server.ready.http + target] + more)
    var lines = result.output.components(separatedBy: "\n")
    let status = Int(lines.popLast() ?? "") ?? 0
    return Answer(status: status, body: lines.joined(separator: "\n"), curl: result.status)
  }

  /// State and error as GetAppState says them.
  func state(_ app: String) async throws -> (state: String, text: String) {
    let answer = try await server.http("GET", "/v1/ignite/app/dev/\(app)/state", token: server.token)
    let json = try JSON(text: answer.body)
    return (json["deploymentState"].string ?? json["state"]["deploymentState"].string ?? "", answer.body)
  }

  /// Processes below the server, whatever they are.
  func processes() throws -> Int {
    var children: [Int: [Int]] = [:]
    for entry in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
      guard let number = Int(entry), let stat = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8),
        let rest = stat.split(separator: ")").last, let parent = Int(rest.split(separator: " ")[1])
      else { continue }
      children[parent, default: []].append(number)
    }
    var found = 0
    var left = [Int(server.ready.pid)]
    while let next = left.popLast() {
      found += children[next]?.count ?? 0
      left += children[next] ?? []
    }
    return found
  }

  func openFiles() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(server.ready.pid)/fd").count
  }

  /// Processor time the server has used, in hundredths of a second.
  func processorTime() throws -> Int {
    let stat = try String(contentsOfFile: "/proc/\(server.ready.pid)/stat", encoding: .utf8)
    let fields = try #require(stat.split(separator: ")").last).split(separator: " ")
    return (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
  }
}
