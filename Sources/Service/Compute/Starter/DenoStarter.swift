import Diagnostics
import FoundationEssentials

/// deno.json or deno.jsonc.
enum DenoStarter {
  private struct Configuration: Decodable { var tasks: [String: String]? }

  static func dockerfile(_ source: StarterSource) throws(Failure) -> StarterDockerfile? {
    guard let file = source.first(["deno.json", "deno.jsonc"]) else { return nil }
    let entry = source.first(["main.ts", "server.ts", "mod.ts", "index.ts", "main.js", "server.js", "index.js"])
    let (command, why) = try command(source, file, entry)
    let cache = entry.map { "RUN deno cache \($0)" } ?? "RUN deno install"
    let body = """
      ARG DENO_VERSION=debian
      FROM denoland/deno:${DENO_VERSION}
      WORKDIR /app
      ENV DENO_DIR=/deno-dir DENO_NO_UPDATE_CHECK=1
      COPY . .
      \(cache)
      RUN install -d -o 65532 -g 65532 /tmp/ignite
      ENTRYPOINT []
      """
    return StarterDockerfile(.deno, because: "\(file) is there, and \(why)", body, command)
  }

  private static func command(
    _ source: StarterSource, _ file: String, _ entry: String?
  ) throws(Failure) -> (StarterCommand, why: String) {
    let text = source.read(file) ?? ""
    let configuration = try? JSONDecoder().decode(Configuration.self, from: Data(text.utf8))
    if let command = configuration?.tasks?["start"].flatMap(StarterCommand.init(line:)) {
      return (command, "its task \"start\" says what to run")
    }
    guard let entry else {
      throw StarterDockerfile.incomplete(
        "\(file) has no task \"start\", nor is main.ts or server.ts beside it", "add a task \"start\"")
    }
    let words = ["deno", "run", "--cached-only", "--allow-net", "--allow-env", "--allow-read", entry]
    return (StarterCommand(words), "\(entry) beside it")
  }
}
