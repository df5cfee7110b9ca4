import Diagnostics
import Foundation
import OCI
import Storage
import SystemPackage
import Testing

@testable import Service

@Suite("Build secrets")
struct BuildSecretStoreTests {
  @Test("are nowhere in the data directory in plain")
  func sealed() throws {
    let shelf = try Shelf()
    let store = BuildSecretStore(data: shelf.data)
    let secret = "correct-horse-battery-staple"
    try store.save(
      BuildSecrets(
        registryCredentials: ["https://ghcr.io/": secret], gitCredentials: .init(username: "me", password: secret),
        buildSecrets: ["TOKEN": secret]), for: OrganizationName("dev"))
    let files = try #require(FileManager.default.enumerator(atPath: shelf.path.string)).compactMap { $0 as? String }
    #expect(files.count > 1)
    for file in files {
      let path = shelf.path.string + "/" + file
      guard let bytes = FileManager.default.contents(atPath: path) else { continue }
      for plain in [secret, Data(secret.utf8).base64EncodedString()] {
        #expect(bytes.range(of: Data(plain.utf8)) == nil, "\(file)")
      }
    }
  }

  @Test("of git come back for their own organisation, and not from what another key sealed")
  func git() throws {
    let shelf = try Shelf()
    let store = BuildSecretStore(data: shelf.data)
    let dev = try OrganizationName("dev")
    #expect(try store.gitCredentials(of: dev) == nil)
    let secrets = BuildSecrets(
      registryCredentials: [:], gitCredentials: .init(username: "me", password: "pä:ss"), buildSecrets: [:])
    try store.save(secrets, for: dev)
    let found = try #require(try store.gitCredentials(of: dev))
    #expect(found.username == "me" && found.password == "pä:ss")
    #expect(try store.gitCredentials(of: OrganizationName("other")) == nil)
    // One organisation's sealed text is nothing in another's row.
    let sealed = try #require(try shelf.data.ledger.buildSecrets(dev)["gitCredentials"])
    try shelf.data.ledger.saveBuildSecrets(OrganizationName("other"), group: "gitCredentials", sealed: sealed)
    let failure = #expect(throws: Failure.self) { try store.gitCredentials(of: OrganizationName("other")) }
    #expect(failure?.reason == "seal-broken")
  }

  @Test(
    "of registries are kept under the host",
    arguments: [
      ("https://ghcr.io/", "ghcr.io"), ("ghcr.io", "ghcr.io"), ("https://index.docker.io/v1/", "docker.io"),
      ("registry-1.docker.io", "docker.io"), ("docker.io", "docker.io"), ("localhost:5000/path", "localhost:5000"),
      ("HTTP://Registry.Example.org", "registry.example.org"),
    ])
  func hosts(key: String, host: String) { #expect(BuildSecretStore.registryHost(key) == host) }
}
