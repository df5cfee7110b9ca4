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

  @Test(
    "of registries are kept under the host",
    arguments: [
      ("https://ghcr.io/", "ghcr.io"), ("ghcr.io", "ghcr.io"), ("https://index.docker.io/v1/", "docker.io"),
      ("registry-1.docker.io", "docker.io"), ("docker.io", "docker.io"), ("localhost:5000/path", "localhost:5000"),
      ("HTTP://Registry.Example.org", "registry.example.org"),
    ])
  func hosts(key: String, host: String) { #expect(BuildSecretStore.registryHost(key) == host) }
}
