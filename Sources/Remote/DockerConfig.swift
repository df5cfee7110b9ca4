import Diagnostics
import FoundationEssentials
import Storage
import SystemPackage

/// Docker's own `config.json`: credentials by registry, and the helper programs that keep them elsewhere.
package struct DockerConfig: Sendable {
  private struct Document: Decodable {
    var auths: [String: DockerAuthEntry]?
    var credsStore: String?
    var credHelpers: [String: String]?
  }

  private let document: Document
  private let environment: [String: String]
  private let file: FilePath

  private init(document: Document, environment: [String: String], file: FilePath) {
    self.document = document
    self.environment = environment
    self.file = file
  }

  /// The file that docker would read (`$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`); nil when there is
  /// none. Throws `docker-config-invalid`.
  package static func find(environment: [String: String]) throws(Failure) -> DockerConfig? {
    let folder = environment["DOCKER_CONFIG"] ?? environment["HOME"].map { $0 + "/.docker" }
    guard let folder, !folder.isEmpty else { return nil }
    return try read(FilePath(folder).appending("config.json"), environment: environment)
  }

  /// Nil when there is no such file. Throws `docker-config-invalid`.
  package static func read(_ file: FilePath, environment: [String: String]) throws(Failure) -> DockerConfig? {
    guard let data = FileManager.default.contents(atPath: file.string) else { return nil }
    do {
      return DockerConfig(
        document: try JSONDecoder().decode(Document.self, from: data), environment: environment, file: file)
    } catch {
      throw Failure(
        .failedPrecondition, reason: "docker-config-invalid", "docker's configuration '\(file)' is not the JSON it was",
        hint: "write it again with: docker login")
    }
  }

  /// Nil when nothing is kept for the host. Throws `credential-helper-failed`.
  func credential(for host: String) async throws(Failure) -> RegistryCredential? {
    let names = host == "docker.io" ? ["https://index.docker.io/v1/", "index.docker.io", "docker.io"] : [host]
    for name in names {
      if let helper = document.credHelpers?[name] { return try await ask(helper, for: name) }
    }
    for (key, entry) in document.auths ?? [:] where RemoteName.canonical(host: key) == host {
      if let credential = entry.credential { return credential }
    }
    guard let store = document.credsStore, !store.isEmpty else { return nil }
    for name in names {
      if let credential = try await ask(store, for: name) { return credential }
    }
    return nil
  }

  private func ask(_ helper: String, for name: String) async throws(Failure) -> RegistryCredential? {
    try await CredentialHelper(name: helper, environment: environment, config: file).credential(for: name)
  }
}
