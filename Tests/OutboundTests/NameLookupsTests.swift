import Diagnostics
import Dispatch
import Testing

@testable import Outbound

@Suite("Looking names up")
struct NameLookupsTests {
  private let found = NetworkAddress(bytes: [192, 0, 2, 1])

  /// Lookups below `dead.example` block until the gate opens.
  private func lookups(_ gate: DispatchSemaphore, most: Int, perDomain: Int) -> NameLookups {
    let answer = found.map { [$0] } ?? []
    return NameLookups(most: most, perDomain: perDomain) { host, _ in
      if host.hasSuffix("dead.example") {
        gate.wait()
        gate.signal()
      }
      return .success(answer)
    }
  }

  private func ask(_ lookups: NameLookups, _ host: String, _ patience: Duration) async -> Result<
    [NetworkAddress], Failure
  > {
    do throws(Failure) { return .success(try await lookups.addresses(of: host, port: 80, patience: patience)) } catch {
      return .failure(error)
    }
  }

  @Test("a domain whose name servers are silent keeps no other waiting")
  func silentDomain() async throws {
    let gate = DispatchSemaphore(value: 0)
    let lookups = lookups(gate, most: 6, perDomain: 3)
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<20 {
        group.addTask {
          let result = await ask(lookups, "h\(number).dead.example", .milliseconds(200))
          #expect((try? result.get()) == nil)
        }
      }
      await group.waitForAll()
    }
    // Three threads still hang; those who gave up left the line.
    #expect(lookups.running == 3)
    #expect(lookups.waiting == 0)
    for host in ["alive.example.org", "localhost.", "dead.example.org"] {
      let addresses = try await ask(lookups, host, .seconds(30)).get()
      #expect(addresses == [found])
    }
    let late = await ask(lookups, "x.dead.example", .milliseconds(50))
    #expect(throws: Failure.self) { try late.get() }
    gate.signal()
    let addresses = try await ask(lookups, "y.dead.example", .seconds(30)).get()
    #expect(addresses == [found])
  }

  @Test("so many lookups run at once, and the next begins when one ends")
  func bound() async throws {
    let gate = DispatchSemaphore(value: 0)
    let lookups = lookups(gate, most: 2, perDomain: 2)
    async let first = ask(lookups, "a.dead.example", .seconds(30))
    async let second = ask(lookups, "b.dead.example", .seconds(30))
    async let third = ask(lookups, "alive.example.org", .seconds(30))
    gate.signal()
    for result in await [first, second, third] { #expect(try result.get() == [found]) }
    #expect(lookups.waiting == 0)
  }

  @Test(
    "the domain of a name is its last two labels",
    arguments: [
      ("a.b.example", "b.example"), ("A.B.Example.", "b.example"), ("example", "example"), ("", ""), ("..", ""),
    ])
  func domains(name: String, domain: String) { #expect(NameLookups.domain(of: name) == domain) }
}
