import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// A server with the busybox base, and directories to build from.
struct Kitchen: Sendable {
  let server: ServerProcess
  let folder: TemporaryFolder

  /// What a build printed.
  struct Built: Sendable {
    var result: Tool.Result
    /// `registry/org/name:tag@digest`.
    var reference: String { result.lines.last ?? "" }
    var log: String { result.error }
    /// What the commands printed, line by line: `#3 0.31 words` in the log.
    var printed: [String] {
      log.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        return words.count == 3 && words[0].hasPrefix("#") && Double(words[1]) != nil ? String(words[2]) : nil
      }
    }
    var succeeded: Bool { result.status == 0 }
  }

  /// Builds a directory `name` with this Dockerfile; what else it holds was written before by `folder.write`.
  func build(_ dockerfile: String, name: String = "app", _ flags: [String] = []) async throws -> Built {
    try folder.write(dockerfile, to: "\(name)/Dockerfile")
    let arguments = ["build", folder.path(name), "--name", name, "--progress", "plain"] + flags
    return Built(result: try await server.kindling(arguments))
  }

  /// The image of a build that must have succeeded.
  func image(_ dockerfile: String, name: String = "app", _ flags: [String] = []) async throws -> PulledImage {
    let built = try await build(dockerfile, name: name, flags)
    try #require(built.succeeded, "\(built.result.all)")
    return try await PulledImage("docker://\(server.ready.registry)/dev/\(name):latest", folder)
  }

  /// Runs `body` with a server that has the base, and stops it.
  static func run(
    _ flags: [String] = [], _ body: @escaping @Sendable (Kitchen) async throws -> Void
  ) async throws {
    try await withServer(flags) { server, folder in
      try await server.importBusybox()
      try await body(Kitchen(server: server, folder: folder))
    }
  }
}

/// An image as skopeo pulled it, its layers as tar lists them.
struct PulledImage {
  struct Layer {
    /// `mode owner path`, links with ` -> target` or ` link to target`.
    var entries: [String]
    var path: String

    /// A file's bytes as text.
    func text(_ name: String) async throws -> String {
      try await Tool("tar").run(["-xzOf", path, name]).output
    }
  }

  var config: ImageConfig
  var layers: [Layer]

  private struct Manifest: Decodable {
    struct Blob: Decodable { var digest: String }
    var config: Blob
    var layers: [Blob]
  }

  init(_ source: String, _ folder: TemporaryFolder) async throws {
    let target = folder.path("pulled-\(UUID().uuidString)")
    let copy = try await Tool("skopeo").run(
      ["copy", "-q", "--insecure-policy", "--src-tls-verify=false", source, "dir:\(target)"])
    try #require(copy.status == 0, "\(copy.all)")
    func blob(_ digest: String) -> String { target + "/" + digest.replacingOccurrences(of: "sha256:", with: "") }
    let manifest = try JSONDecoder().decode(
      Manifest.self, from: Data(contentsOf: URL(fileURLWithPath: target + "/manifest.json")))
    let bytes = try Data(contentsOf: URL(fileURLWithPath: blob(manifest.config.digest)))
    config = try CanonicalJSON.decode(ImageConfig.self, from: Array(bytes))
    layers = []
    for layer in manifest.layers {
      let list = try await Tool("tar").run(
        ["--numeric-owner", "--quoting-style=escape", "-tvzf", blob(layer.digest)], environment: ["LC_ALL": "C"])
      try #require(list.status == 0, "\(list.all)")
      layers.append(Layer(entries: list.lines.map(Self.entry), path: blob(layer.digest)))
    }
  }

  /// Size and time taken out of a line of `tar -tv`.
  private static func entry(_ line: String) -> String {
    let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
    return words.count == 6 ? "\(words[0]) \(words[1]) \(words[5])" : line
  }
}
