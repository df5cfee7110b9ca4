import Diagnostics
import FoundationEssentials

/// package.json.
enum NodeStarter {
  private struct Package: Decodable {
    var main: String?
    var scripts: [String: String]?
  }

  static func dockerfile(_ source: StarterSource) throws(Failure) -> StarterDockerfile? {
    guard source.names.contains("package.json") else { return nil }
    let text = source.read("package.json") ?? ""
    guard let package = try? JSONDecoder().decode(Package.self, from: Data(text.utf8)) else {
      throw StarterDockerfile.incomplete("package.json cannot be read as one", "mend it")
    }
    let (command, why) = try command(source, package)
    let manager = Manager(source)
    let isBuilt = package.scripts?["build"] != nil
    var lines = [
      "ARG NODE_VERSION=22", "FROM node:${NODE_VERSION}-slim", "WORKDIR /app",
      "COPY \((["package.json"] + manager.files).joined(separator: " ")) ./",
      "RUN --mount=type=cache,target=/root/.npm \(isBuilt ? manager.installAll : manager.install)", "COPY . .",
    ]
    if isBuilt { lines.append("RUN \(manager.build)") }
    lines += [
      "RUN install -d -o 65532 -g 65532 /tmp/ignite",
      "ENV NODE_ENV=production PATH=/app/node_modules/.bin:$PATH",
    ]
    return StarterDockerfile(
      .node, because: "package.json is there, and \(why)", lines.joined(separator: "\n"), command)
  }

  private static func command(
    _ source: StarterSource, _ package: Package
  ) throws(Failure) -> (StarterCommand, why: String) {
    if let command = source.procfile { return (command, "the Procfile says what to run") }
    if let line = package.scripts?["start"], let command = StarterCommand(line: line) {
      // npm hands SIGTERM on to what several commands in a row run.
      let isOne = command.words.first != "sh" || command.words.last?.hasPrefix("exec ") == true
      return (isOne ? command : StarterCommand(["npm", "start"]), "its script \"start\" says what to run")
    }
    if let main = package.main, !main.isEmpty {
      return (StarterCommand(["node", main]), "its \"main\" is '\(Shown.text(main))'")
    }
    if let file = source.first(["server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs"]) {
      return (StarterCommand(["node", file]), "\(file) beside it")
    }
    throw StarterDockerfile.incomplete(
      "package.json says neither by scripts.start nor by main what to run", "add a script \"start\"")
  }

  /// Who installs, by the file that it locks versions in.
  private enum Manager {
    case npm(isLocked: Bool), yarn, pnpm

    init(_ source: StarterSource) {
      if source.names.contains("pnpm-lock.yaml") {
        self = .pnpm
      } else if source.names.contains("yarn.lock") {
        self = .yarn
      } else {
        self = .npm(isLocked: source.names.contains("package-lock.json"))
      }
    }

    var files: [String] {
      switch self {
      case .npm(let isLocked): isLocked ? ["package-lock.json"] : []
      case .yarn: ["yarn.lock"]
      case .pnpm: ["pnpm-lock.yaml"]
      }
    }
    var install: String {
      switch self {
      case .npm(let isLocked): "npm \(isLocked ? "ci" : "install") --omit=dev"
      case .yarn: "corepack enable && yarn install --frozen-lockfile --production"
      case .pnpm: "corepack enable && pnpm install --frozen-lockfile --prod"
      }
    }
    var installAll: String {
      switch self {
      case .npm(let isLocked): "npm \(isLocked ? "ci" : "install")"
      case .yarn: "corepack enable && yarn install --frozen-lockfile"
      case .pnpm: "corepack enable && pnpm install --frozen-lockfile"
      }
    }
    var build: String {
      switch self {
      case .npm: "npm run build && npm prune --omit=dev"
      case .yarn: "yarn run build"
      case .pnpm: "pnpm run build && pnpm prune --prod"
      }
    }
  }
}
