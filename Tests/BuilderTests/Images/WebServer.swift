import Foundation
import TestSupport

/// Python's own web server over a folder, on a free port of this machine; `/away/…` redirects to `/…`, and what asks
/// for `/private/…` needs a password.
final class WebServer: Sendable {
  let port: Int
  private let process: Process

  var address: String { "http://127.0.0.1:\(port)" }

  private static let script = """
    import http.server, sys
    class Handler(http.server.SimpleHTTPRequestHandler):
      def do_GET(self):
        if self.path.startswith("/away/"):
          self.send_response(302)
          self.send_header("Location", self.path[5:])
          self.send_header("Content-Length", "0")
          self.end_headers()
        elif self.path.startswith("/private/") and self.headers.get("Authorization") != "Basic bWU6YSBi":
          self.send_error(401)
        else:
          super().do_GET()
      def log_message(self, *arguments): pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    """

  init(folder: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try Tool("python3").path)
    process.arguments = ["-c", Self.script]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let output = Pipe()
    process.standardOutput = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    guard let port = Int(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      process.terminate()
      throw Tool.Missing(name: "python3")
    }
    self.process = process
    self.port = port
  }

  /// Kills it: a child of this runtime may have the politer signals blocked.
  func stop() {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}
