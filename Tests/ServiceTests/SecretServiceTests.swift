import Diagnostics
import Foundation
import Remote
import Storage
import SystemPackage
import Testing

@testable import Service

@Suite("SecretService") struct SecretServiceTests {
  private static let secret = "correct-horse-battery-staple"

  private func caller(_ organization: String = "dev", _ scopes: Set<Scope>? = nil) throws -> Identity {
    Identity(organization: try OrganizationName(organization), subject: "test", scopes: scopes)
  }

  private func registry(
    _ address: String = "", user: String = "bot", password: String = Self.secret
  ) -> SecretSlot.Value {
    .registry(username: user, password: SecretValue(password), serverAddress: address)
  }

  private func git(_ token: String = Self.secret, user: String = "me") -> SecretSlot.Value {
    .git(username: user, token: SecretValue(token))
  }

  @Test("gives back what was saved, to its own organisation alone")
  func roundTrip() throws {
    let shelf = try Shelf()
    let service = SecretService(data: shelf.data)
    let (dev, acme) = (try caller(), try caller("acme"))
    let made = try service.createSecret("pull", registry("ghcr.io"), as: dev)
    #expect(made.type == .registry && made.createdAt == made.updatedAt)
    #expect(try service.secret("pull", as: dev).value == registry("ghcr.io"))
    #expect(try service.secrets(as: dev).map(\.name.name) == ["pull"])
    #expect(try service.secrets(as: acme).isEmpty)
    let missing = #expect(throws: Failure.self) { try service.secret("pull", as: acme) }
    #expect(missing?.code == .notFound && missing?.hint?.contains("kindling secret list") == true)
    try service.deleteSecret("pull", as: acme)
    // Another type is another credential of the same name.
    #expect(try service.createSecret("pull", git(), as: dev).type == .git)
    #expect(try service.secret("pull", as: dev).value == git())
    for _ in 1...2 { try service.deleteSecret("pull", as: dev) }
    #expect(try service.secrets(as: dev).isEmpty)
  }

  @Test("keeps nothing in plain, and a sealed value is nothing under another name, type or organisation")
  func sealed() throws {
    let shelf = try Shelf()
    let service = SecretService(data: shelf.data)
    _ = try service.createSecret("pull", registry(), as: try caller())
    let files = try #require(FileManager.default.enumerator(atPath: shelf.path.string)).compactMap { $0 as? String }
    for file in files {
      guard let bytes = FileManager.default.contents(atPath: shelf.path.string + "/" + file) else { continue }
      for plain in [Self.secret, Data(Self.secret.utf8).base64EncodedString()] {
        #expect(bytes.range(of: Data(plain.utf8)) == nil, "\(file)")
      }
    }
    let row = try #require(
      try shelf.data.ledger.secretSlot(try SecretSlotName("pull"), of: try OrganizationName("dev")))
    var (renamed, retyped, stolen) = (row, row, row)
    renamed.name = try SecretSlotName("other")
    retyped.type = .git
    stolen.organization = try OrganizationName("acme")
    for (record, owner) in [(renamed, "dev"), (stolen, "acme"), (retyped, "dev")] {
      _ = try shelf.data.ledger.saveSecretSlot(record, limit: 10)
      let failure = #expect(throws: Failure.self) { try service.secret(record.name.name, as: try caller(owner)) }
      #expect(failure?.reason == "seal-broken")
    }
  }

  @Test("resolves slots for pulls and fetches, and says what type a wrong one has")
  func resolution() throws {
    let shelf = try Shelf()
    let service = SecretService(data: shelf.data)
    let store = SecretStore(data: shelf.data)
    let (dev, owner) = (try caller(), try OrganizationName("dev"))
    let (pull, clone) = (try SecretSlotName("pull"), try SecretSlotName("clone"))
    _ = try service.createSecret("pull", registry("https://Ghcr.io/"), as: dev)
    _ = try service.createSecret("clone", git(), as: dev)
    let found = try store.registryCredential(pull, of: owner)
    #expect(found.host == "ghcr.io" && found.credential == .password(user: "bot", secret: Self.secret))
    let fetched = try store.gitCredential(clone, of: owner)
    #expect(fetched.username == "me" && fetched.password == Self.secret)
    // Rotated: who asks afresh has the new one.
    _ = try service.createSecret("pull", registry(password: "new"), as: dev)
    let rotated = try store.registryCredential(pull, of: owner)
    #expect(rotated.host == "docker.io" && rotated.credential == .password(user: "bot", secret: "new"))
    let wrong = #expect(throws: Failure.self) { try store.registryCredential(clone, of: owner) }
    #expect(wrong?.code == .invalidArgument && wrong?.message.contains("'clone' is a git_secret") == true)
    let other = #expect(throws: Failure.self) { try store.check(pull, is: .git, of: owner) }
    #expect(
      other?.code == .invalidArgument && other?.message.contains("is a registry_secret, where a git_secret") == true)
    let gone = #expect(throws: Failure.self) { try store.gitCredential(pull, of: try OrganizationName("acme")) }
    #expect(gone?.code == .notFound && gone?.hint?.contains("secret create pull --type git") == true)
  }

  @Test("refuses what no server could be shown, and never says the value")
  func refusals() throws {
    let shelf = try Shelf()
    let service = SecretService(data: shelf.data)
    let dev = try caller()
    let torn = Self.secret + "\n"
    let cases: [(value: SecretSlot.Value, word: String)] = [
      (git(""), "git_secret.token"), (git(torn), "git_secret.token"), (git(Self.secret + "\0"), "NUL"),
      (git(String(repeating: "x", count: 64 << 10 + 1)), "64 KiB"), (git(user: "a:b"), "git_secret.username"),
      (registry(password: ""), "registry_secret.password"), (registry(user: ""), "registry_secret.username"),
      (registry(user: "a\nb"), "registry_secret.username"), (registry("two words"), "server_address"),
      (registry("https://"), "server_address"), (registry(user: String(repeating: "u", count: 256)), "255"),
    ]
    for entry in cases {
      let failure = #expect(throws: Failure.self) { try service.createSecret("x", entry.value, as: dev) }
      #expect(failure?.code == .invalidArgument && failure?.message.contains(entry.word) == true, "\(entry.word)")
      #expect(failure.map { "\($0)" }?.contains(Self.secret) == false)
    }
    // A key file as a password has line breaks; a token needs no name.
    _ = try service.createSecret("x", registry(password: "{\n}\n"), as: dev)
    _ = try service.createSecret("x", git(user: ""), as: dev)
    let none = #expect(throws: Failure.self) { try service.createSecret("x", nil, as: dev) }
    #expect(none?.reason == "secret-value-missing")
    #expect("\(git()) \(String(reflecting: registry()))".contains(Self.secret) == false)
  }

  @Test("asks for one scope a method")
  func scopes() throws {
    let service = SecretService(data: try Shelf().data)
    let calls: [(Scope, (Identity) throws -> Void)] = [
      (.createSecret, { _ = try service.createSecret("x", nil, as: $0) }),
      (.getSecret, { _ = try service.secret("x", as: $0) }), (.listSecrets, { _ = try service.secrets(as: $0) }),
      (.deleteSecret, { try service.deleteSecret("x", as: $0) }),
    ]
    for (scope, call) in calls {
      let without = try caller("dev", Set(Scope.allCases).subtracting([scope]))
      let failure = #expect(throws: Failure.self) { try call(without) }
      #expect(failure?.code == .permissionDenied && failure?.message.contains(scope.rawValue) == true)
      do { try call(try caller("dev", [scope])) } catch let other as Failure {
        #expect(other.code != .permissionDenied)
      }
    }
  }
}
