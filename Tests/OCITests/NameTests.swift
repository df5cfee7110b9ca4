import Diagnostics
import OCI
import Testing

@Suite("Names of images")
struct NameTests {
  static let digest = "sha256:" + String(repeating: "0a", count: 32)

  @Test(
    "repositories are lower-case words with single separators",
    arguments: [
      ("a", true), ("dev/app", true), ("a/b/c", true), ("a__b", true), ("a--b", true), ("a.b-c_d/e9", true),
      ("", false), ("A", false), ("a//b", false), ("/a", false), ("a/", false), ("a___b", false), ("a..b", false),
      ("-a", false), ("a-", false), ("a b", false), ("../x", false), (String(repeating: "a", count: 256), false),
    ])
  func repositories(name: String, isValid: Bool) {
    #expect(((try? Repository(name)) != nil) == isValid)
  }

  @Test(
    "tags are words of at most 128 characters",
    arguments: [
      ("latest", true), ("v1.2-rc_3", true), ("_x", true), (String(repeating: "t", count: 128), true), ("", false),
      (".x", false), ("-x", false), ("a:b", false), ("a/b", false), (String(repeating: "t", count: 129), false),
    ])
  func tags(name: String, isValid: Bool) {
    #expect(((try? Tag(name)) != nil) == isValid)
  }

  @Test(
    "references part into registry, repository, tag and digest",
    arguments: [
      ("busybox", nil, "busybox", nil, false), ("dev/app:v1", nil, "dev/app", "v1", false),
      ("localhost/app", "localhost", "app", nil, false), ("localhost:4480/a/b:c", "localhost:4480", "a/b", "c", false),
      ("h.example/a@" + digest, "h.example", "a", nil, true), ("a:t@" + digest, nil, "a", "t", true),
      ("[::1]:5000/a", "[::1]:5000", "a", nil, false), ("[fe80::1]/a/b:c", "[fe80::1]", "a/b", "c", false),
      ("[2001:DB8::7]:443/a@" + digest, "[2001:DB8::7]:443", "a", nil, true),
    ] as [(String, String?, String, String?, Bool)])
  func references(text: String, registry: String?, repository: String, tag: String?, hasDigest: Bool) throws {
    let reference = try Reference(text)
    #expect(reference.registry == registry && reference.repository.name == repository)
    #expect(reference.tag?.name == tag && (reference.digest != nil) == hasDigest)
    #expect(reference.description == text)
  }

  @Test(
    "bad references say what is wrong",
    arguments: [
      "", "A", "a:", "a@sha256:1", "h.example/", "a b", "[::1]", "[::1/a", "[::1]5000/a", "[h.example]:1/a",
      "[::g]:1/a",
      "[::1]:x/a", "[::1]:99999/a", "::1:5000/a@sha256:1",
    ])
  func badReferences(text: String) {
    #expect(throws: Failure.self) { try Reference(text) }
  }

  @Test(
    "digests have an algorithm we know and all their digits in lower case",
    arguments: [
      (digest, true), ("sha512:" + String(repeating: "0", count: 128), true), ("sha256:0", false),
      (digest.uppercased(), false), ("md5:" + String(repeating: "0", count: 32), false),
      ("sha256:" + String(repeating: "G", count: 64), false), ("sha256", false), ("", false),
    ])
  func digests(text: String, isValid: Bool) {
    #expect(((try? Digest(text)) != nil) == isValid)
  }
}
