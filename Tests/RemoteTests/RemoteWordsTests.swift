import Diagnostics
import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Remote

@Suite("Names, challenges and credentials of registries")
struct RemoteWordsTests {
  @Test(
    "a reference names a registry, a repository and a manifest there",
    arguments: [
      ("busybox", "docker.io/library/busybox:latest"), ("acme/base:1", "docker.io/acme/base:1"),
      ("docker.io/busybox", "docker.io/library/busybox:latest"),
      ("index.docker.io/library/busybox:1", "docker.io/library/busybox:1"),
      ("ghcr.io/acme/base", "ghcr.io/acme/base:latest"), ("localhost:5000/base", "localhost:5000/base:latest"),
    ])
  func names(text: String, expected: String) throws {
    #expect(try RemoteName(try Reference(text)).description == expected)
  }

  @Test(
    "challenges are read however they are written",
    arguments: [
      (
        #"Bearer realm="https://a/t",service="s",scope="repository:x:pull,push""#,
        "bearer realm=https://a/t scope=repository:x:pull,push service=s"
      ),
      (#"bearer REALM = "a\"b" , service=plain"#, #"bearer realm=a"b service=plain"#),
      (#"Basic realm="r", Bearer realm="t""#, "basic realm=r; bearer realm=t"), ("Negotiate", "negotiate"),
      ("", ""), (#"Bearer realm="unclosed"#, "bearer realm=unclosed"), (#"="x", Basic"#, ""),
    ])
  func challenges(header: String, expected: String) {
    let found = AuthChallenge.all(in: [header]).map { challenge in
      ([challenge.scheme] + challenge.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
        .joined(separator: " ")
    }
    #expect(found.joined(separator: "; ") == expected)
  }

  @Test(
    "saved credentials are read in each of their forms",
    arguments: [
      #"{"username":"me","password":"se:same"}"#, "bWU6c2U6c2FtZQ==", "me:se:same", #"{"auth":"bWU6c2U6c2FtZQ=="}"#,
      " me:se:same\n",
    ])
  func saved(text: String) throws {
    #expect(try RegistryCredential(saved: text, host: "h") == .password(user: "me", secret: "se:same"))
  }

  @Test(
    "credentials that cannot be read are refused without a word of them",
    arguments: ["sesame", "{\"sesame\"", "{}", "", ":sesame"])
  func unreadable(text: String) {
    let failure = #expect(throws: Failure.self) { try RegistryCredential(saved: text, host: "h") }
    #expect(failure?.reason == "registry-credential-invalid")
    #expect(failure?.description.contains("sesame") == false)
  }

  @Test("a credential's text is in no description")
  func descriptions() {
    let credential = RegistryCredential.password(user: "me", secret: "sesame")
    #expect(!"\(credential) \(String(reflecting: credential))".contains("sesame"))
  }

  @Test("docker's configuration is asked by each of a registry's names, and helpers by theirs")
  func dockerConfig() async throws {
    try await withTemporaryFolder { folder in
      try folder.write(
        """
        {"auths": {"https://index.docker.io/v1/": {"auth": "bWU6c2VzYW1l"}, "ghcr.io": {"identitytoken": "t"},
                   "empty.example": {}},
         "credHelpers": {"help.example": "one", "broken.example": "two", "absent.example": "three",
                         "slow.example": "four", "odd.example": "../x"}, "unknown": [1]}
        """, to: "config.json")
      try folder.write(
        "#!/bin/sh\nread host\necho '{\"ServerURL\":\"x\",\"Username\":\"'$1'\",\"Secret\":\"'$host'\"}'\n",
        to: "docker-credential-one", executable: true)
      try folder.write("#!/bin/sh\nexit 3\n", to: "docker-credential-two", executable: true)
      let found = try DockerConfig.find(environment: ["DOCKER_CONFIG": folder.path, "PATH": folder.path])
      let config = try #require(found)
      #expect(try await config.credential(for: "docker.io") == .password(user: "me", secret: "sesame"))
      #expect(try await config.credential(for: "ghcr.io") == .identityToken("t"))
      #expect(try await config.credential(for: "help.example") == .password(user: "get", secret: "help.example"))
      #expect(try await config.credential(for: "empty.example") == nil)
      #expect(try await config.credential(for: "other.example") == nil)
      for host in ["broken.example", "absent.example", "odd.example"] {
        let failure = await #expect(throws: Failure.self) { try await config.credential(for: host) }
        #expect(failure?.reason == "credential-helper-failed")
      }
    }
  }

  @Test("a credential helper that does not answer is ended")
  func slowHelper() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("#!/bin/sh\nexec sleep 100\n", to: "docker-credential-slow", executable: true)
      var helper = CredentialHelper(
        name: "slow", environment: ["PATH": folder.path + ":/usr/bin:/bin"], config: "config.json")
      helper.patience = .milliseconds(50)
      let slow = helper
      let failure = await #expect(throws: Failure.self) { try await slow.credential(for: "h") }
      #expect(failure?.reason == "credential-helper-failed")
    }
  }
}
