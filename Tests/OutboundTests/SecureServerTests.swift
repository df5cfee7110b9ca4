import Diagnostics
import NIOCore
import NIOHTTP1
import NIOSSL
import SystemPackage
import TestSupport
import Testing

@testable import Outbound

@Suite("Servers with TLS, and proxies")
struct SecureServerTests {
  @Test("a certificate is believed when the system, the policy or SSL_CERT_FILE vouches for it, or nobody is asked")
  func authorities() async throws {
    try await withTemporaryFolder { folder in
      let (context, file) = try await certificate(in: folder, names: "IP:127.0.0.1")
      try await withServer(tls: context, { _ in .answer(status: 200) }) { server in
        let address = "https://127.0.0.1:\(server.port)/"
        try await withClient { client in
          let failure = await #expect(throws: Failure.self) { try await client.get(address) }
          #expect(failure?.reason == "outbound-tls")
          #expect(failure?.message.contains("not signed by an authority") == true, "\(String(describing: failure))")
          #expect(failure?.hint?.contains("SSL_CERT_FILE") == true)
          var request = OutboundRequest(url: try OutboundURL(parsing: address))
          request.takesAnyCertificate = true
          #expect(try await client.send(request).status == 200)
        }
        var policy = OutboundPolicy()
        policy.authorities = [file]
        var unchecked = OutboundPolicy()
        unchecked.trust["127.0.0.1:\(server.port)"] = OutboundPolicy.Trust(isUnchecked: true)
        for (policy, environment) in [
          (policy, [:]), (unchecked, [:]), (OutboundPolicy(), ["SSL_CERT_FILE": file.string]),
        ] {
          try await withClient(policy, environment: environment) { client in
            let status = try await client.get(address).status
            #expect(status == 200)
          }
        }
      }
    }
  }

  @Test("a certificate for another name, no TLS at all, and a file that is no certificate are told apart")
  func refusals() async throws {
    try await withTemporaryFolder { folder in
      let (context, file) = try await certificate(in: folder, names: "DNS:elsewhere.example")
      var policy = OutboundPolicy()
      policy.authorities = [file]
      try await withServer(tls: context, { _ in .answer(status: 200) }) { server in
        try await withClient(policy, names: ["here.example": ["127.0.0.1"], "elsewhere.example": ["127.0.0.1"]]) {
          client in
          let failure = await #expect(throws: Failure.self) {
            try await client.get("https://here.example:\(server.port)/")
          }
          #expect(failure?.message.contains("is for another name") == true, "\(String(describing: failure))")
          let status = try await client.get("https://elsewhere.example:\(server.port)/").status
          #expect(status == 200)
        }
      }
      try await withServer({ _ in .answer(status: 200) }) { server in
        try await withClient { client in
          let failure = await #expect(throws: Failure.self) {
            try await client.get("https://127.0.0.1:\(server.port)/")
          }
          #expect(failure?.message.contains("does not speak TLS") == true, "\(String(describing: failure))")
        }
      }
      try folder.write("no certificate", to: "broken.pem")
      policy.authorities = [FilePath(folder.path("broken.pem"))]
      try await withClient(policy) { client in
        let reason = try await client.reason("https://127.0.0.1:1/")
        #expect(reason == "outbound-certificate")
      }
    }
  }

  @Test("a redirect from https to http is refused")
  func downgrade() async throws {
    try await withTemporaryFolder { folder in
      let (context, file) = try await certificate(in: folder, names: "IP:127.0.0.1")
      var policy = OutboundPolicy()
      policy.authorities = [file]
      try await withServer({ _ in .answer(status: 200) }) { plain in
        let target = plain.base
        try await withServer(tls: context, { _ in .redirect(target) }) { server in
          try await withClient(policy) { client in
            let reason = try await client.reason("https://127.0.0.1:\(server.port)/")
            #expect(reason == "outbound-redirect")
          }
        }
        #expect(plain.asked.isEmpty)
      }
    }
  }

  @Test("a proxy is asked for the way with its own password, and the server never sees that")
  func proxy() async throws {
    try await withServer({ _ in .answer(status: 407) }) { proxy in
      let environment = ["HTTPS_PROXY": "http://me:se%3Asame@127.0.0.1:\(proxy.port)"]
      try await withClient(environment: environment) { client in
        let failure = await #expect(throws: Failure.self) {
          try await client.get("https://registry.example/v2/", headers: [("Authorization", "Bearer hunter2")])
        }
        #expect(failure?.reason == "outbound-proxy")
        #expect(failure?.description.contains("sesame") == false)
      }
      let asked = try #require(proxy.asked.first)
      #expect(asked.method == "CONNECT")
      #expect(asked.target == "registry.example:443")
      #expect(asked.headers["proxy-authorization"] == ["Basic bWU6c2U6c2FtZQ=="])
      #expect(asked.headers["authorization"].isEmpty)
    }
  }

  /// A certificate that vouches for itself.
  private func certificate(
    in folder: TemporaryFolder, names: String
  ) async throws -> (context: NIOSSLContext, file: FilePath) {
    let (certificate, key) = (folder.path("server.pem"), folder.path("server.key"))
    let made = try await Tool("openssl").run([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
      "/CN=kindling", "-addext", "subjectAltName=" + names, "-keyout", key, "-out", certificate,
    ])
    #expect(made.status == 0, "\(made.all)")
    let configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
    return (try NIOSSLContext(configuration: configuration), FilePath(certificate))
  }
}
