import Diagnostics
import TestSupport
import Testing

@Suite("The code table")
struct CodeTests {
  @Test("gives every code its number, its name, its HTTP status, its exit status, and whether a retry can help")
  func table() throws {
    let lines = Code.allCases.map {
      "\($0.rawValue) \($0.name) http \($0.httpStatus) exit \($0.exitStatus)\($0.isRetryable ? " retry" : "")"
    }
    try Golden.expect("codes", lines)
  }
}
