import Diagnostics
import Testing

@Suite("Texts without credentials")
struct CredentialsTests {
  @Test(
    "lose what stands before the host of a URL, and nothing else",
    arguments: [
      ("ADD https://user:token@host/x /y", "ADD https://***@host/x /y"),
      ("https://token@host", "https://***@host"),
      ("https://a:b@c@host/d@e", "https://***@host/d@e"),
      ("git://u:p@h/a.git#b http://u:p@h", "git://***@h/a.git#b http://***@h"),
      ("https://user:token@\u{301}host/", "https://***@\u{301}host/"),
      ("https://host/a@b", "https://host/a@b"),
      ("mail me@host://x", "mail me@host://x"),
      ("git@host:path", "git@host:path"),
      ("a://", "a://"),
    ])
  func masks(text: String, expected: String) { #expect(text.withoutCredentials == expected) }

  @Test("lose queries too where asked")
  func queries() {
    #expect("ADD http://u:p@h/x?k=v /y?z".withoutSecrets == "ADD http://***@h/x?… /y?z")
    #expect("'http://h?k=v#f' http://h/a?b".withoutSecrets == "'http://h?…#f' http://h/a?…")
    #expect("http://h?k=v".withoutCredentials == "http://h?k=v")
  }
}
