import API
import Diagnostics
import Foundation
import SwiftProtobuf
import Testing

@testable import Gateway

@Suite("Bodies and queries changed at random") struct DecodingMutationTests {
  /// A generator whose numbers are the same in every run (SplitMix64).
  private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  private static let bodies = [
    #"{"name":"a","tags":["v1","\u00e4\ud83d\ude00"],"buildArgs":{"A":"1"},"timeoutSecs":"60","noCache":true}"#,
    #"{"name":"a","zippedCode":"-_8=","platform":"linux/amd64","build_tier":null,"timeout_secs":9e1}"#,
    #"{"gitSource":{"url":"https://g.example/x","reference":"main","contextDir":"."},"registry":"r"}"#,
    #"{"buildId":"bld_1","fromStart":false}"#, #"{"status":"BUILD_STATUS_FAILED","limit":20,"cursor":"c"}"#,
    #"{"registryCredentials":{"a":"b"},"gitCredentials":{"username":"u","password":"p"},"buildSecrets":{}}"#,
  ]
  private static let queries = [
    "status=failed&limit=20&cursor=bld_1", "from_start=1&build_id=%41%zz", "limit=4294967295&limit=1&status=4",
    "tags=a&tags=b%00&timeoutSecs=-1", "buildArgs=x&zippedCode=y&no_cache&colour=+red+",
  ]
  private static let spice =
    Array("{}[]\":,\\0123456789eE+-.tfnu \n%&=\u{0}\u{1f}\u{7f}".utf8) + [0x80, 0xc3, 0xed, 0xff]

  /// One to four bytes changed, left out, doubled, moved up in number, or everything cut off behind one.
  private func mutated(_ text: String, _ dice: inout Dice) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0..<Int.random(in: 1...4, using: &dice) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &dice)
      switch Int.random(in: 0..<9, using: &dice) {
      case 0: bytes.remove(at: place)
      case 1: bytes.insert(bytes[place], at: place)
      case 2: bytes.removeLast(bytes.count - place)
      case 3: bytes[place] = UInt8.random(in: 0...255, using: &dice)
      case 4:
        let end = Int.random(in: place...bytes.count, using: &dice)
        bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &dice))
      default: bytes[place] = Self.spice.randomElement(using: &dice) ?? 0
      }
    }
    return bytes
  }

  /// Decodes as every RPC would; what is refused is refused with a word on what and what to do.
  private func decode<M: Message>(_ type: M.Type, body: [UInt8], query: Query) {
    do throws(Failure) {
      let variables = MessageShape.of(M.self)["build_id"] == nil ? [:] : ["build_id": "x"]
      _ = try MessageDecoding.message(M.self, body: body, variables: variables, query: query)
    } catch {
      #expect(error.code == .invalidArgument && error.reason.contains("-"), "\(error)")
      #expect(error.hint?.isEmpty == false, "\(error)")
    }
  }

  @Test("no body and no query does worse than an error", arguments: 0..<8)
  func survives(seed: UInt64) throws {
    var dice = Dice(state: seed)
    for _ in 0..<150 {
      for text in Self.bodies {
        let body = mutated(text, &dice)
        let query = Query(
          String(decoding: mutated(Self.queries.randomElement(using: &dice) ?? "", &dice), as: UTF8.self))
        let rounds = [(body, Query(nil)), ([], query)]
        for (body, query) in rounds {
          decode(Dodil_Ignite_V1_CreateBuildRequest.self, body: body, query: query)
          decode(Dodil_Ignite_V1_GetBuildRequest.self, body: body, query: query)
          decode(Dodil_Ignite_V1_ListBuildsRequest.self, body: body, query: query)
          decode(Dodil_Ignite_V1_StreamBuildLogsRequest.self, body: body, query: query)
          decode(Dodil_Ignite_V1_CancelBuildRequest.self, body: body, query: query)
          decode(Dodil_Ignite_V1_SaveBuildSecretsRequest.self, body: body, query: query)
        }
      }
    }
  }
}
