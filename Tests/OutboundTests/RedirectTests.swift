import Diagnostics
import NIOHTTP1
import TestSupport
import Testing

@testable import Outbound

@Suite("Redirects")
struct RedirectTests {
  @Test("a chain is followed to its end, relative and absolute, and the last address is told")
  func chain() async throws {
    try await withServer { asked in
      switch asked.target {
      case "/a/1": .redirect("2")
      case "/a/2": .redirect("/b?x=1", 307)
      default: .answer(status: 200, body: Array("end".utf8))
      }
    } _: { server in
      try await withClient { client in
        let answer = try await client.get(server.base + "/a/1")
        #expect(answer.url.text == server.base + "/b?x=1")
        let got1 = try await answer.text(limit: .kibibytes(1))
        #expect(got1 == "end")
      }
    }
  }

  @Test("without a rule to follow, the redirect is the answer")
  func none() async throws {
    try await withServer({ _ in .redirect("/x") }) { server in
      try await withClient { client in
        let got2 = try await client.get(server.base, redirects: .none).status
        #expect(got2 == 302)
      }
    }
  }

  @Test("a loop ends at the limit")
  func loop() async throws {
    try await withServer({ _ in .redirect("/again") }) { server in
      try await withClient { client in
        let got3 = try await client.reason(server.base, redirects: .follow(limit: 3))
        #expect(got3 == "outbound-redirect-limit")
      }
      #expect(server.asked.count == 4)
    }
  }

  @Test("passwords stay with the server they are for, also when a redirect leads back")
  func secrets() async throws {
    try await withServer({ _ in .answer(status: 200) }) { back in
      try await withServer({ _ in .redirect(back.base + "/end") }) { other in
        try await withServer { asked in
          asked.target == "/same" ? .redirect(other.base + "/x") : .redirect("/same")
        } _: { first in
          try await withClient { client in
            let headers = [
              (name: "AUTHORIZATION", value: "Basic sesame"), (name: "Cookie", value: "sesame"),
              (name: "Accept", value: "text/plain"),
            ]
            let got4 = try await client.get(first.base + "/first", headers: headers).status
            #expect(got4 == 200)
          }
          #expect(first.asked.map { $0.headers["authorization"] } == [["Basic sesame"], ["Basic sesame"]])
          for asked in other.asked + back.asked {
            #expect(asked.headers["authorization"].isEmpty)
            #expect(asked.headers["cookie"].isEmpty)
            #expect(asked.headers["accept"] == ["text/plain"])
          }
        }
      }
    }
  }

  @Test(
    "a redirect into the house is refused, by number, by name and in disguise",
    arguments: [
      "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://192.168.1.1/", "http://[fd12::1]/",
      "http://[::ffff:169.254.169.254]/", "http://0xa9fea9fe/", "http://2852039166/", "http://inside.example/",
      "http://0.0.0.0/", "http://224.0.0.1/", "http://mixed.example/",
    ])
  func places(target: String) async throws {
    try await withServer({ _ in .redirect(target) }) { server in
      let names = ["inside.example": ["172.16.3.4"], "mixed.example": ["10.0.0.1", "169.254.169.254"]]
      try await withClient(names: names) { client in
        let got5 = try await client.reason(server.base)
        #expect(got5 == "outbound-address")
      }
    }
  }

  @Test("a server that is not this machine alone may not lead to this machine, and one that is may")
  func toLoopback() async throws {
    try await withServer({ _ in .answer(status: 200) }) { inner in
      let target = inner.base
      try await withServer({ _ in .redirect(target) }) { outer in
        let names = ["outside.example": ["127.0.0.1", "93.184.216.34"], "local.example": ["127.0.0.1"]]
        try await withClient(names: names) { client in
          let got6 = try await client.reason("http://outside.example:\(outer.port)/")
          #expect(got6 == "outbound-address")
          #expect(inner.asked.isEmpty)
          let got7 = try await client.get("http://local.example:\(outer.port)/").status
          #expect(got7 == 200)
        }
      }
    }
  }

  @Test("no request goes to a link-local address at all")
  func always() async throws {
    try await withClient(names: ["cloud.example": ["169.254.169.254"]]) { client in
      for address in ["http://169.254.169.254/", "http://[fe80::1]/", "http://cloud.example/"] {
        let got8 = try await client.reason(address)
        #expect(got8 == "outbound-address")
      }
    }
  }

  @Test("a name that changes its mind after it was looked at gains nothing")
  func rebinding() async throws {
    try await withServer({ _ in .answer(status: 200) }) { server in
      let answers = Answers(["127.0.0.1", "169.254.169.254"])
      let client = OutboundClient(policy: OutboundPolicy(), environment: [:]) {
        (_, _, _) async throws(Failure) -> [NetworkAddress] in await answers.next()
      }
      let got9 = try await client.get("http://rebind.example:\(server.port)/").status
      #expect(got9 == 200)
      #expect(await answers.asked == 1)
      await client.shutdown()
    }
  }

  @Test("requests on the word of an answer go where its own request could have been led, whatever names say by then")
  func beginnings() async throws {
    try await withServer({ _ in .answer(status: 200) }) { server in
      let answers = Answers(["127.0.0.1", "10.0.0.1", "127.0.0.1", "127.0.0.1"])
      let client = OutboundClient(policy: OutboundPolicy(), environment: [:]) {
        (_, _, _) async throws(Failure) -> [NetworkAddress] in await answers.next()
      }
      var request = OutboundRequest(url: try OutboundURL(parsing: "http://rebind.example:\(server.port)/"))
      let first = try await client.send(request)
      #expect(first.beginning == OutboundBeginning(kind: .loopback))
      request.beginning = first.beginning
      let failure = await #expect(throws: Failure.self) { _ = try await client.send(request) }
      #expect(failure?.reason == "outbound-address")
      #expect(try await client.send(request).beginning == first.beginning)
      request.beginning = OutboundBeginning(kind: .public)
      let inwards = await #expect(throws: Failure.self) { _ = try await client.send(request) }
      #expect(inwards?.reason == "outbound-address" && server.asked.count == 2)
      await client.shutdown()
    }
  }

  @Test("a POST is sent again for 307 and 308 and refused for the others", arguments: [301, 302, 303, 307, 308])
  func methods(status: Int) async throws {
    try await withServer { asked in
      asked.target == "/" ? .redirect("/next", status) : .answer(status: 200)
    } _: { server in
      try await withClient { client in
        let request = OutboundRequest(
          method: "POST", url: try OutboundURL(parsing: server.base), body: .bytes([1, 2, 3]),
          redirects: .follow(limit: 2))
        let answered = try? await client.send(request).status
        #expect(answered == (status >= 307 ? 200 : nil))
      }
      #expect(server.asked.map(\.bodyLength) == (status >= 307 ? [3, 3] : [3]))
    }
  }

  private actor Answers {
    private var left: [String]
    private(set) var asked = 0
    init(_ texts: [String]) { left = texts }
    func next() -> [NetworkAddress] {
      asked += 1
      return left.isEmpty ? [] : [NetworkAddress(literal: left.removeFirst())].compactMap(\.self)
    }
  }
}
