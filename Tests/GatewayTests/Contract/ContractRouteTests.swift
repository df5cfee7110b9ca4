import API
import HTTPTypes
import SwiftProtobuf
import Testing

@testable import Gateway

@Suite struct ContractRouteTests {
  @Test("every HTTP mapping of the protos is a row of the table, and no row is invented")
  func tableMatchesProtos() {
    var declared: Set<String> = []
    for file in Descriptors.files {
      for service in file.service {
        for method in service.method where method.options.hasGoogle_Api_http {
          let rule = method.options.Google_Api_http
          let mapping =
            switch rule.pattern {
            case .get(let path): "GET \(path)"
            case .post(let path): "POST \(path)"
            case .put(let path): "PUT \(path)"
            case .patch(let path): "PATCH \(path)"
            case .delete(let path): "DELETE \(path)"
            case .custom, nil: "?"
            }
          declared.insert("\(method.name) \(mapping)")
          let isBare = ["GET", "DELETE"].contains { mapping.hasPrefix($0) }
          #expect((rule.body == "*") == !isBare, "\(method.name)")
        }
      }
    }
    let rows = Set(ContractRoute.table.map { "\($0.rpc) \($0.method.rawValue) \($0.path)" })
    #expect(rows == declared)
    #expect(!declared.isEmpty)
  }

  @Test(
    "a path's variables are whole components",
    arguments: [
      ("/v1/ignite/builds/{build_id}", "/v1/ignite/builds/bld_1", ["build_id": "bld_1"]),
      ("/v1/ignite/builds/{build_id}", "/v1/ignite/builds/a%2Fb", ["build_id": "a/b"]),
      ("/v1/ignite/builds/{build_id}", "/v1/ignite/builds", nil),
      ("/v1/ignite/builds/{build_id}", "/v1/ignite/builds/a/b", nil),
      ("/v1/ignite/builds/{build_id}/cancel", "/v1/ignite/builds/a/cancel", ["build_id": "a"]),
    ] as [(String, String, [String: String]?)]
  )
  func templates(template: String, path: String, expected: [String: String]?) {
    #expect(PathTemplate(template).match(path.split(separator: "/")) == expected)
  }
}
