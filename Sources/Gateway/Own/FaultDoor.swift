import Diagnostics
import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import NIOCore
import Service
import Storage

/// `/_kindling/faults`: what is on, `PUT` of one more, `DELETE` of those at a place or of all.
struct FaultDoor: Sendable {
  let builds: BuildService
  /// Whose the faults are on a server that others reach; nil on loopback, where everybody with a token may set them.
  let owner: OrganizationName?

  func respond(to call: Call, as caller: Identity) async throws(Failure) -> Response {
    switch call.method {
    case .get, .head: break
    case .put:
      try check(caller)
      builds.faults.set(try await fault(in: call))
    case .delete:
      try check(caller)
      await builds.clearFaults(at: try call.query["at"].map { (word) throws(Failure) in try Self.place(word) })
    default: return .methodNotAllowed(call, allowed: [.get, .put, .delete])
    }
    return .json(Document(faults: builds.faults.faults.map(Entry.init)))
  }

  private func check(_ caller: Identity) throws(Failure) {
    guard let owner, caller.organization != owner else { return }
    throw Failure(
      .permissionDenied, reason: "faults-not-yours",
      "the faults of a server that others reach are set by organisation '\(owner)' alone",
      hint: "use a token of '\(owner)': kindling token --org \(owner)")
  }

  private func fault(in call: Call) async throws(Failure) -> Fault {
    let body = try await BodyReader.collect(call.request, limit: 1 << 16)
    let entry: Entry
    do { entry = try JSONDecoder().decode(Entry.self, from: Data((body ?? ByteBuffer()).readableBytesView)) } catch {
      throw Failure(
        .invalidArgument, reason: "fault-invalid", "the body is no fault",
        hint: #"send {"at": "CreateBuild", "code": "UNAVAILABLE", "delayMs": 200, "count": 3}; only at is required"#)
    }
    var code: Code?
    if let name = entry.code {
      code = Code.allCases.first { $0.name == name.uppercased() || String($0.rawValue) == name }
      guard code != nil else {
        throw Failure(
          .invalidArgument, reason: "fault-invalid", "'\(name.prefix(100))' is no code",
          hint: "the codes are \(Code.allCases.map(\.name).joined(separator: ", "))")
      }
    }
    if let organization = entry.organization { _ = try OrganizationName(organization) }
    return try Fault(
      at: try Self.place(entry.at), organization: entry.organization, code: code, message: entry.message,
      delayMilliseconds: entry.delayMs ?? 0, probability: entry.probability ?? 1, count: entry.count)
  }

  private static func place(_ word: String) throws(Failure) -> Fault.Place {
    guard let place = Fault.Place.allCases.first(where: { $0.rawValue.lowercased() == word.lowercased() }) else {
      throw Failure(
        .invalidArgument, reason: "fault-place-unknown", "faults cannot be put at '\(word.prefix(100))'",
        hint: "the places are \(Fault.Place.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return place
  }

  private struct Document: Encodable { var faults: [Entry] }

  private struct Entry: Codable {
    var at: String
    var organization: String?
    var code: String?
    var message: String?
    var delayMs: Int64?
    var probability: Double?
    var count: Int?

    init(_ fault: Fault) {
      at = fault.place.rawValue
      organization = fault.organization
      code = fault.code?.name
      message = fault.message
      delayMs = fault.delayMilliseconds > 0 ? fault.delayMilliseconds : nil
      probability = fault.probability < 1 ? fault.probability : nil
      count = fault.count
    }
  }
}
