import Diagnostics
import Testing

@testable import Outbound

@Suite("Addresses of servers elsewhere")
struct OutboundURLTests {
  @Test(
    "an address is written anew from its parts",
    arguments: [
      ("http://Example.COM", "http://example.com/"),
      ("HTTPS://example.com:443/a", "https://example.com/a"),
      ("https://example.com:8443/a%2fb//c?x=y#frag", "https://example.com:8443/a%2fb//c?x=y"),
      ("http://user:pa%40ss@example.com./x", "http://example.com/x"),
      ("http://a@b@example.com/", "http://example.com/"),
      ("http://[::1]:5000/v2/", "http://[::1]:5000/v2/"),
      ("http://example.com?q=1", "http://example.com/?q=1"),
      ("http://example.com/sp ace/ü|{}%zz", "http://example.com/sp%20ace/%C3%BC%7C%7B%7D%25zz"),
      ("http://example.com\\@evil.example/", "http://example.com/%5C@evil.example/"),
    ])
  func spelling(text: String, expected: String) throws {
    #expect(try OutboundURL(parsing: text).text == expected)
  }

  @Test(
    "what is no address of a server is refused",
    arguments: [
      "", "example.com/x", "ftp://example.com/", "file:///etc/passwd", "http://", "http:///x", "http://-x.example/",
      "http://exa mple/", "http://example.com:0/", "http://example.com:65536/", "http://example.com:+80/",
      "http://[::1/", "http://[::1]x/", "http://[fe80::1%25eth0]/", "http://bücher.example/", "http://%31/",
      "http://example.com/\r\nX: y", "http://example.com/\u{0}", "//example.com/",
    ])
  func refused(text: String) {
    let failure = #expect(throws: Failure.self) { try OutboundURL(parsing: text) }
    #expect(failure?.reason == "outbound-url")
  }

  @Test("what stands before the @ and the query are in no text for people")
  func secrets() throws {
    let url = try OutboundURL(parsing: "https://me:sesame@example.com/path?signature=sesame")
    #expect(url.userinfo == "me:sesame")
    #expect(url.display == "https://example.com/path")
    #expect("\(url)" == "https://example.com/path")
    let failure = #expect(throws: Failure.self) { try OutboundURL(parsing: "https://me:sesame@exam ple/?sesame") }
    #expect(failure?.description.contains("sesame") == false)
  }

  @Test(
    "a reference is read as RFC 3986 says",
    arguments: [
      ("/x", "http://h.example:81/x"), ("x", "http://h.example:81/a/x"), ("../x", "http://h.example:81/x"),
      ("../../../x", "http://h.example:81/x"), ("./", "http://h.example:81/a/"), ("?q", "http://h.example:81/a/b?q"),
      ("//o.example/x", "http://o.example/x"), ("https://o.example", "https://o.example/"),
      ("", "http://h.example:81/a/b?c=d"), ("#f", "http://h.example:81/a/b?c=d"),
      ("/a/./b/../c?x=../y", "http://h.example:81/a/c?x=../y"), ("sha256:abc", "refused"),
    ])
  func references(reference: String, expected: String) throws {
    let base = try OutboundURL(parsing: "http://me@h.example:81/a/b?c=d")
    let found = (try? base.resolving(reference))
    #expect((found?.text ?? "refused") == expected)
    #expect(found?.userinfo == nil || found == nil)
  }

  @Test(
    "every kind of address is known for what it is",
    arguments: [
      ("93.184.216.34", AddressClass.public), ("127.0.0.1", .loopback), ("127.8.9.1", .loopback), ("::1", .loopback),
      ("10.1.2.3", .private), ("172.16.0.1", .private), ("172.31.255.255", .private), ("172.32.0.1", .public),
      ("192.168.0.1", .private), ("100.64.0.1", .private), ("100.128.0.1", .public), ("fd12::1", .private),
      ("169.254.0.1", .linkLocal), ("169.254.169.254", .metadata), ("100.100.100.200", .metadata),
      ("fd00:ec2::254", .metadata), ("fe80::1", .linkLocal), ("224.0.0.1", .multicast), ("ff02::1", .multicast),
      ("0.0.0.0", .unspecified), ("0.1.2.3", .unspecified), ("::", .unspecified), ("255.255.255.255", .reserved),
      ("::ffff:127.0.0.1", .loopback), ("::ffff:169.254.169.254", .metadata), ("64:ff9b::7f00:1", .loopback),
      ("2002:7f00:1::", .loopback), ("::127.0.0.1", .reserved), ("2606:4700::1111", .public), ("fec0::1", .private),
      ("168.63.129.16", .metadata), ("::ffff:168.63.129.16", .metadata), ("168.63.129.17", .public),
      ("64:ff9b:1::7f00:1", .reserved), ("64:ff9b:1:7f00:0:100::", .reserved), ("64:ff9b:2::1", .public),
      ("198.18.0.1", .private), ("198.20.0.1", .public), ("100::1", .reserved), ("2001:0:1::1", .reserved),
      ("2001:db8::1", .reserved), ("2001:4860::8888", .public), ("3fff:1::1", .reserved), ("5f00::1", .reserved),
    ])
  func kinds(text: String, kind: AddressClass) throws {
    let address = try #require(NetworkAddress(literal: text))
    #expect(address.kind == kind)
  }

  @Test("numbers that the system's resolver takes for an address are looked at as one")
  func numbers() {
    for text in ["0x7f.1", "2130706433", "127.1", "0177.0.0.1"] {
      #expect(NameResolver.numeric(text)?.kind == .loopback, "\(text)")
    }
    #expect(NameResolver.numeric("example.com") == nil)
  }
}
