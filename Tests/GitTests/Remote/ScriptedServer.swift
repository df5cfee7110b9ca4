import Foundation
import TestSupport

/// A web server on loopback that answers by a script, and everything else with `git http-backend`.
final class ScriptedServer {
  /// What is answered to one request, told by its method and path.
  struct Answer: Codable {
    var status = 200
    var headers: [[String]] = []
    var body = Data()
    /// How often the body is sent.
    var times = 1
    /// Whether the connection stays open behind the body, with nothing more on it.
    var holds = false
  }

  private struct Script: Codable {
    var root: String?
    var answers: [String: Answer]
    /// `user:password`, asked of every request that git answers.
    var login: String?
    /// Replaces the version that the client asks for.
    var version: String?
  }

  struct Request: Decodable {
    var line: String
    var authorization: String?
    var version: String?
  }

  let port: Int
  private let process: Process
  /// Its end is the server's end, however the tests end.
  private let input = Pipe()
  private let folder: TemporaryFolder
  /// Ends with the process.
  private let ended: AsyncStream<Void>

  var url: String { "http://127.0.0.1:\(port)" }

  init(
    root: String? = nil, answers: [String: Answer] = [:], login: String? = nil, version: String? = nil
  ) throws {
    folder = try TemporaryFolder()
    try folder.write(Self.program, to: "server.py")
    let script = Script(root: root, answers: answers, login: login, version: version)
    try JSONEncoder().encode(script).write(to: URL(fileURLWithPath: folder.path("script.json")))
    process = Process()
    process.executableURL = URL(fileURLWithPath: try Tool("python3").path)
    process.arguments = [folder.path("server.py"), folder.path("script.json"), folder.path("log")]
    let output = Pipe()
    process.standardOutput = output
    process.standardInput = input
    let (ended, ending) = AsyncStream<Void>.makeStream()
    self.ended = ended
    process.terminationHandler = { _ in ending.finish() }
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    port = Int(line.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
  }

  /// What was asked so far, in order.
  func requests() throws -> [Request] {
    try folder.read("log").split(separator: "\n").map { line in
      try JSONDecoder().decode(Request.self, from: Data(line.utf8))
    }
  }

  func stop() async {
    // Foundation starts it with the signals of a thread that blocks SIGTERM.
    kill(process.processIdentifier, SIGKILL)
    for await _ in ended {}
    folder.remove()
  }

  private static let program = #"""
    import base64, http.server, json, os, subprocess, sys, threading

    script = json.load(open(sys.argv[1]))
    log = open(sys.argv[2], "w", buffering=1)
    lock = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                log.write(json.dumps({
                    "line": f"{self.command} {self.path}", "authorization": self.headers.get("Authorization"),
                    "version": self.headers.get("Git-Protocol")}) + "\n")
            answer = script["answers"].get(f"{self.command} {self.path}")
            try:
                if answer is not None:
                    self.play(answer)
                elif script.get("root"):
                    self.git(body)
                else:
                    self.send_error(404)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_POST = serve

        def play(self, answer):
            piece = base64.b64decode(answer["body"])
            self.send_response(answer["status"])
            for name, value in answer["headers"]:
                self.send_header(name, value)
            if answer["holds"]:
                self.send_header("Connection", "close")
            else:
                self.send_header("Content-Length", str(len(piece) * answer["times"]))
            self.end_headers()
            for _ in range(answer["times"]):
                self.wfile.write(piece)
            self.wfile.flush()
            if answer["holds"]:
                self.rfile.read(1)
                self.close_connection = True

        def git(self, body):
            login = script.get("login")
            if login and self.headers.get("Authorization") != "Basic " + base64.b64encode(login.encode()).decode():
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            environment = dict(
                os.environ, GIT_PROJECT_ROOT=script["root"], GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path,
                QUERY_STRING=query, REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type") or "",
                CONTENT_LENGTH=str(len(body)))
            version = script.get("version") or self.headers.get("Git-Protocol")
            if self.headers.get("Content-Encoding"):
                environment["HTTP_CONTENT_ENCODING"] = self.headers["Content-Encoding"]
            if version:
                environment["GIT_PROTOCOL"] = version
            answered = subprocess.run(
                ["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE).stdout
            head, _, content = answered.partition(b"\r\n\r\n")
            fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
            status = [value for name, value in fields if name == "Status"]
            self.send_response(int(status[0].split()[0]) if status else 200)
            for name, value in fields:
                if name != "Status":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever()
    """#
}
