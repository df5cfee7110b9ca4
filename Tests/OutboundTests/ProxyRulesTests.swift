import Diagnostics
import Testing

@testable import Outbound

@Suite("Proxies of the environment")
struct ProxyRulesTests {
  private func proxy(_ environment: [String: String], _ url: String) throws -> String {
    let found = try ProxyRules(environment: environment).proxy(for: try OutboundURL(parsing: url))
    return found.map { "\($0.isSOCKS ? "socks " : "")\($0.host):\($0.port)" } ?? "straight"
  }

  @Test(
    "each scheme has its variable, in both cases, and ALL_PROXY stands for both",
    arguments: [
      (["HTTPS_PROXY": "http://p.example:3128"], "https://a.example/", "p.example:3128"),
      (["HTTPS_PROXY": "http://p.example:3128"], "http://a.example/", "straight"),
      (["http_proxy": "p.example:3128"], "http://a.example/", "p.example:3128"),
      (["http_proxy": "http://low.example", "HTTP_PROXY": "http://up.example"], "http://a.example/", "low.example:80"),
      (["ALL_PROXY": "socks5://s.example"], "https://a.example/", "socks s.example:1080"),
      (["ALL_PROXY": "http://p.example:1", "https_proxy": ""], "https://a.example/", "p.example:1"),
      (["HTTPS_PROXY": "http://me:pw@p.example:3128/"], "https://a.example/", "p.example:3128"),
      (["ALL_PROXY": "http://p.example:1"], "http://localhost:5000/", "straight"),
      (["ALL_PROXY": "http://p.example:1"], "http://127.0.0.1:5000/", "straight"),
      (["ALL_PROXY": "http://p.example:1"], "http://[::1]:5000/", "straight"),
    ])
  func variables(environment: [String: String], url: String, expected: String) throws {
    #expect(try proxy(environment, url) == expected)
  }

  @Test(
    "NO_PROXY knows names, suffixes, ports, addresses and networks",
    arguments: [
      ("*", "https://a.example/", true), ("a.example", "https://a.example/", true),
      ("a.example", "https://x.a.example/", true), ("a.example", "https://ba.example/", false),
      (".a.example", "https://x.a.example/", true), ("*.a.example", "https://x.a.example/", true),
      ("A.Example", "https://a.example/", true), ("a.example:8443", "https://a.example/", false),
      ("a.example:8443", "https://a.example:8443/", true), ("b.example, a.example", "https://a.example/", true),
      ("10.0.0.0/8", "https://10.9.8.7/", true), ("10.0.0.0/8", "https://11.9.8.7/", false),
      ("10.0.0.0/9", "https://10.200.0.1/", false), ("192.0.2.7", "https://192.0.2.7/", true),
      ("fd00::/8", "https://[fd12::1]/", true), ("", "https://a.example/", false),
      ("/8,nonsense/x", "https://a.example/", false),
    ])
  func exceptions(list: String, url: String, isStraight: Bool) throws {
    let environment = ["HTTPS_PROXY": "http://p.example:3128", "NO_PROXY": list]
    #expect((try proxy(environment, url) == "straight") == isStraight)
  }

  @Test(
    "a proxy that cannot be spoken to is refused without its password",
    arguments: ["https://me:sesame@p.example", "socks5://me:sesame@p.example", "http://me:sesame@p ex"])
  func refused(text: String) throws {
    let failure = #expect(throws: Failure.self) { try proxy(["HTTPS_PROXY": text], "https://a.example/") }
    #expect(failure?.reason == "outbound-proxy")
    #expect(failure?.description.contains("sesame") == false)
  }
}
