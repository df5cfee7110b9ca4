import API
import Diagnostics
import Testing

@testable import Gateway

@Suite struct QueryFieldsTests {
  @Test(
    "a query is read in both cases, with enums by any of their names",
    arguments: [
      ("status=RUNNING", #"{"status":"BUILD_STATUS_RUNNING"}"#),
      ("status=running", #"{"status":"BUILD_STATUS_RUNNING"}"#),
      ("status=BUILD_STATUS_FAILED", #"{"status":"BUILD_STATUS_FAILED"}"#),
      ("status=2", #"{"status":2}"#),
      ("limit=5&cursor=a%22b+c", #"{"limit":"5","cursor":"a\"b c"}"#),
      ("limit=5&limit=7", #"{"limit":"7"}"#),
    ]
  )
  func readsQueries(query: String, json: String) throws {
    #expect(try Self.json(query, Dodil_Ignite_V1_ListBuildsRequest.self) == json)
  }

  @Test(
    "a flag is true, false, 1, 0 or alone",
    arguments: [
      ("from_start=true", "true"), ("fromStart=1", "true"), ("from_start", "true"), ("fromStart=FALSE", "false"),
      ("from_start=0", "false"),
    ]
  )
  func readsFlags(query: String, value: String) throws {
    #expect(try Self.json(query, Dodil_Ignite_V1_StreamBuildLogsRequest.self) == #"{"fromStart":\#(value)}"#)
  }

  @Test(
    "what no field can hold is refused by name",
    arguments: [
      ("colour=red", "query-field-unknown", "colour"), ("limit=many", "query-value-invalid", "limit"),
      ("limit=", "query-value-invalid", "limit"), ("status=sleeping", "query-value-invalid", "status"),
    ]
  )
  func refuses(query: String, reason: String, named: String) {
    let failure = #expect(throws: Failure.self) {
      try Self.json(query, Dodil_Ignite_V1_ListBuildsRequest.self)
    }
    #expect(failure?.reason == reason)
    #expect(failure?.message.contains("'\(named)'") == true)
  }

  private static func json(_ query: String, _ type: any MessageWithShape.Type) throws -> String {
    var fields = QueryFields(type.shape)
    for parameter in Query(query).parameters { try fields.add(parameter.name, parameter.value) }
    return fields.json
  }
}

private protocol MessageWithShape { static var shape: MessageShape { get } }
extension Dodil_Ignite_V1_ListBuildsRequest: MessageWithShape { static var shape: MessageShape { .of(Self.self) } }
extension Dodil_Ignite_V1_StreamBuildLogsRequest: MessageWithShape {
  static var shape: MessageShape { .of(Self.self) }
}
