import API
import Foundation
import SwiftProtobuf
import Testing

@testable import RPC

@Suite struct ReflectionIndexTests {
  private let index = ReflectionIndex(services: ["b.Two", "a.One"])

  private func names(_ files: [Data]?) throws -> [String]? {
    try files?.map { try Google_Protobuf_FileDescriptorProto(serializedBytes: $0).name }
  }

  @Test("a file comes first and brings everything it imports, once")
  func transitive() throws {
    let names = try #require(try names(index.files(named: "dodil/ignite/v1/ignite_build.proto")))
    #expect(names.first == "dodil/ignite/v1/ignite_build.proto")
    #expect(
      names.sorted() == [
        "dodil/ignite/v1/ignite_build.proto", "google/api/annotations.proto", "google/api/http.proto",
        "google/protobuf/descriptor.proto",
      ]
    )
  }

  @Test(
    "symbols of every kind are found in their file",
    arguments: [
      "dodil.ignite.v1.BuildService", "dodil.ignite.v1.BuildService.CreateBuild", "dodil.ignite.v1.Build",
      "dodil.ignite.v1.Build.BuildArgsEntry", "dodil.ignite.v1.Build.metrics", "dodil.ignite.v1.BuildStatus",
      "dodil.ignite.v1.BUILD_STATUS_PENDING", "dodil.ignite.v1.CreateBuildRequest.source",
    ]
  )
  func symbols(symbol: String) throws {
    #expect(try names(index.files(declaring: symbol))?.first == "dodil/ignite/v1/ignite_build.proto")
  }

  @Test("the HTTP option is an extension that can be looked up by type and number")
  func extensions() throws {
    let found = try names(index.files(extending: "google.protobuf.MethodOptions", number: 72_295_728))
    #expect(found?.first == "google/api/annotations.proto")
    #expect(index.extensionNumbers(of: "google.protobuf.MethodOptions") == [72_295_728])
    #expect(index.extensionNumbers(of: "dodil.ignite.v1.Build") == [])
  }

  @Test("services are listed in order")
  func services() {
    var question = Grpc_Reflection_V1_ServerReflectionRequest()
    question.listServices = "*"
    #expect(index.answer(question).listServicesResponse.service.map(\.name) == ["a.One", "b.Two"])
  }

  @Test(
    "what is not known is an error answer that repeats the question",
    arguments: [
      .fileByFilename("none.proto"), .fileContainingSymbol("none.None"), .allExtensionNumbersOfType("none.None"),
      .fileContainingExtension(Grpc_Reflection_V1_ExtensionRequest()),
    ] as [Grpc_Reflection_V1_ServerReflectionRequest.OneOf_MessageRequest]
  )
  func unknown(asked: Grpc_Reflection_V1_ServerReflectionRequest.OneOf_MessageRequest) {
    var question = Grpc_Reflection_V1_ServerReflectionRequest()
    question.messageRequest = asked
    let answer = index.answer(question)
    #expect(answer.errorResponse.errorCode == 5)
    #expect(answer.originalRequest == question)
  }
}
