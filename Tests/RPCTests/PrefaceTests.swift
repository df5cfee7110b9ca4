import Testing

@testable import RPC

@Suite struct PrefaceTests {
  @Test(
    "the first bytes tell HTTP/2 from everything else",
    arguments: [
      ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Preface.Verdict.http2),
      ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u{0}\u{0}", .http2),
      ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r", .undecided),
      ("P", .undecided),
      ("", .undecided),
      ("POST / HTTP/1.1\r\n", .http1),
      ("PRI * HTTP/1.1\r\n", .http1),
      ("GET / HTTP/1.1\r\n", .http1),
      ("G", .http1),
      ("\u{16}\u{3}\u{1}", .http1),
    ]
  )
  func verdicts(text: String, verdict: Preface.Verdict) {
    var whole = Preface()
    whole.read(text.utf8)
    #expect(whole.verdict == verdict)
    var piecewise = Preface()
    for byte in text.utf8 { piecewise.read([byte]) }
    #expect(piecewise.verdict == verdict)
  }

  @Test("a verdict stands, whatever follows")
  func final() {
    var preface = Preface()
    preface.read("GET".utf8)
    preface.read(Preface.bytes)
    #expect(preface.verdict == .http1)
  }
}
