import Testing

@testable import Gateway

@Suite struct HTTPDateTests {
  @Test(
    "moments are written as HTTP wants them",
    arguments: [
      (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
      (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
    ]
  )
  func dates(second: Int64, text: String) {
    #expect(HTTPDate.text(second) == text)
  }
}
