import API
import Diagnostics
import FoundationEssentials
import GRPCCore
import SwiftProtobuf

/// gRPC server reflection v1: tells clients without our protos what can be called here.
struct ReflectionRPC: Grpc_Reflection_V1_ServerReflection.SimpleServiceProtocol {
  let index: ReflectionIndex

  func serverReflectionInfo(
    request: RPCAsyncSequence<Grpc_Reflection_V1_ServerReflectionRequest, any Error>,
    response: RPCWriter<Grpc_Reflection_V1_ServerReflectionResponse>,
    context: ServerContext
  ) async throws {
    for try await question in request { try await response.write(index.answer(question)) }
  }
}

/// Reflection under its older name, which many clients still ask first. The messages are the same on the wire.
struct ReflectionAlphaRPC: Grpc_Reflection_V1alpha_ServerReflection.SimpleServiceProtocol {
  let index: ReflectionIndex

  func serverReflectionInfo(
    request: RPCAsyncSequence<Grpc_Reflection_V1alpha_ServerReflectionRequest, any Error>,
    response: RPCWriter<Grpc_Reflection_V1alpha_ServerReflectionResponse>,
    context: ServerContext
  ) async throws {
    for try await question in request {
      let asked: [UInt8] = try question.serializedBytes()
      let answered: [UInt8] =
        try index.answer(Grpc_Reflection_V1_ServerReflectionRequest(serializedBytes: asked)).serializedBytes()
      try await response.write(Grpc_Reflection_V1alpha_ServerReflectionResponse(serializedBytes: answered))
    }
  }
}

extension ReflectionIndex {
  /// The answer to one question; what is not known is an error answer, and the stream goes on.
  func answer(
    _ question: Grpc_Reflection_V1_ServerReflectionRequest
  ) -> Grpc_Reflection_V1_ServerReflectionResponse {
    var answer = Grpc_Reflection_V1_ServerReflectionResponse()
    answer.validHost = question.host
    answer.originalRequest = question
    switch question.messageRequest {
    case .fileByFilename(let name):
      answer.messageResponse = Self.files(files(named: name), or: "file '\(name)'")
    case .fileContainingSymbol(let symbol):
      answer.messageResponse = Self.files(files(declaring: symbol), or: "symbol '\(symbol)'")
    case .fileContainingExtension(let wanted):
      answer.messageResponse = Self.files(
        files(extending: wanted.containingType, number: wanted.extensionNumber),
        or: "extension \(wanted.extensionNumber) of '\(wanted.containingType)'"
      )
    case .allExtensionNumbersOfType(let type):
      answer.messageResponse = numbers(of: type)
    case .listServices:
      var list = Grpc_Reflection_V1_ListServiceResponse()
      list.service = services.map { name in
        var service = Grpc_Reflection_V1_ServiceResponse()
        service.name = name
        return service
      }
      answer.messageResponse = .listServicesResponse(list)
    case nil:
      answer.messageResponse = Self.error(.invalidArgument, "the reflection request asks nothing")
    }
    return answer
  }

  private typealias Answer = Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse

  private func numbers(of type: String) -> Answer {
    guard let numbers = extensionNumbers(of: type) else { return Self.error(.notFound, "type '\(type)' is not known") }
    var list = Grpc_Reflection_V1_ExtensionNumberResponse()
    list.baseTypeName = type
    list.extensionNumber = numbers
    return .allExtensionNumbersResponse(list)
  }

  private static func files(_ files: [Data]?, or missing: String) -> Answer {
    guard let files else { return error(.notFound, "\(missing) is not known") }
    var list = Grpc_Reflection_V1_FileDescriptorResponse()
    list.fileDescriptorProto = files
    return .fileDescriptorResponse(list)
  }

  private static func error(_ code: Code, _ text: String) -> Answer {
    var error = Grpc_Reflection_V1_ErrorResponse()
    error.errorCode = Int32(code.rawValue)
    error.errorMessage = text
    return .errorResponse(error)
  }
}
