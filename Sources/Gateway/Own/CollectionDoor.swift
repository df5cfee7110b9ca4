import Diagnostics
import HTTPTypes
import HummingbirdCore
import Registry
import Service
import Storage

/// `POST /_kindling/gc`: takes away what nothing names; `?dryRun`, `untagged`, `pulled`, `steps`, `grace` and `scrub` say more.
struct CollectionDoor: Sendable {
  let owner: OrganizationName
  let registry: ImageRegistry
  private let threads = BuildThreads()

  init(owner: OrganizationName, registry: ImageRegistry) {
    self.owner = owner
    self.registry = registry
  }

  func respond(to call: Call, as caller: Identity) async throws(Failure) -> Response {
    guard call.method == .post else { return .methodNotAllowed(call, allowed: [.post]) }
    try check(call, caller)
    let order = try Self.order(call.query)
    let scrubs = try Self.flag("scrub", call.query)
    let registry = registry
    let answer = try await threads.run { () async throws(Failure) in
      Answer(
        collection: try registry.collect(order),
        scrub: scrubs && !order.isDry ? try registry.scrub() : nil)
    }
    return .json(answer)
  }

  /// It concerns what every organisation has, as a reset does: only this machine may, with all that the default
  /// organisation may.
  private func check(_ call: Call, _ caller: Identity) throws(Failure) {
    guard call.context.isFromLoopback, HostRule.isLoopback(call.request.head.authority) else {
      throw Failure(
        .permissionDenied, reason: "collection-not-local", "a collection is only asked for on the server's own machine",
        hint: "run there: kindling gc")
    }
    guard caller.organization == owner, caller.scopes == nil else {
      throw Failure(
        .permissionDenied, reason: "collection-not-yours",
        "a collection concerns every organisation, so it wants an unrestricted token of organisation '\(owner)'",
        hint: "use one: kindling token --org \(owner)")
    }
  }

  private static func order(_ query: Query) throws(Failure) -> CollectionOrder {
    let known: Set = ["dryRun", "untagged", "pulled", "steps", "grace", "scrub"]
    if let odd = query.parameters.first(where: { !known.contains($0.name) }) {
      throw Failure(
        .invalidArgument, reason: "collection-invalid", "'\(odd.name.prefix(100))' says nothing to a collection",
        hint: "there are " + known.sorted().joined(separator: ", "))
    }
    var order = CollectionOrder()
    order.isDry = try flag("dryRun", query)
    order.untagged = try number("untagged", query).map { .seconds($0) }
    order.pulled = try number("pulled", query).map { ByteCount($0) }
    order.steps = try number("steps", query).map { ByteCount($0) }
    if let grace = try number("grace", query) { order.grace = .seconds(grace) }
    return order
  }

  private static func number(_ name: String, _ query: Query) throws(Failure) -> Int64? {
    guard let text = query[name] else { return nil }
    // Beyond that, moments have no milliseconds any more.
    guard let number = Int64(text), (0...(1 << 50)).contains(number) else { throw invalid(name, text) }
    return number
  }

  private static func flag(_ name: String, _ query: Query) throws(Failure) -> Bool {
    switch query[name] {
    case nil, "false": return false
    case "", "true": return true
    case let text?: throw invalid(name, text)
    }
  }

  private static func invalid(_ name: String, _ text: String) -> Failure {
    Failure(
      .invalidArgument, reason: "collection-invalid", "\(name) '\(text.prefix(100))' cannot be read",
      hint: "untagged and grace are seconds, pulled and steps bytes, dryRun and scrub true or false")
  }

  private struct Answer: Encodable, Sendable {
    var collection: CollectionReport
    var scrub: ScrubReport?
  }
}
