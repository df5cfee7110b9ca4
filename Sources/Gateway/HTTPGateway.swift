import Diagnostics
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import Registry
import Service
import Storage
import Wire

/// The HTTP door of the house: every HTTP/1.1 request goes by its first path component to one of six doors behind it.
///
/// Hummingbird's core reads requests and writes responses. Its router is not used: registry paths have to be read from
/// their end, and the hot ones should cost one comparison.
package struct HTTPGateway: Sendable {
  private let contract: ContractDoor
  private let own: OwnDoor
  private let realms: RealmDoor
  private let health: HealthDoor
  private let registry: RegistryDoor
  private let pages: PageDoor
  private let hosts: HostRule
  private let version: String
  private let date: HTTPDate
  private let logger: Logger

  /// `readiness` is asked at every call of `/readyz`; without `reset` nobody can.
  package init(
    builds: BuildService,
    calls: ContractCalls,
    identities: IdentityService,
    registry images: ImageRegistry,
    imports: ImageImportService,
    data: DataDirectory,
    settings: GatewaySettings,
    logger: Logger = Logger(label: "gateway"),
    reset: ResetDoor.Reset? = nil,
    readiness: @escaping @Sendable () async -> Readiness
  ) {
    let local = LocalCallers(areTrusted: settings.offersSession)
    let reply = StreamReply(heartbeat: settings.heartbeat)
    contract = ContractDoor(calls: calls, identities: identities, reply: reply)
    own = OwnDoor(
      builds: builds,
      identities: identities,
      imports: ImageImportDoor(imports: imports, work: data.path(.work)),
      contexts: ContextDoor(builds: builds),
      queue: QueueDoor(builds: builds, owner: settings.isShared ? identities.defaultOrganization : nil),
      faults: FaultDoor(builds: builds, owner: settings.isShared ? identities.defaultOrganization : nil),
      collection: CollectionDoor(owner: identities.defaultOrganization, registry: images),
      reset: reset.map { ResetDoor(owner: identities.defaultOrganization, reset: $0) },
      reply: reply,
      version: settings.version,
      local: local
    )
    realms = RealmDoor(identities: identities, local: local)
    health = HealthDoor(readiness: readiness)
    registry = RegistryDoor(
      access: RegistryAccess(identities: identities, isRequired: settings.registryAuthRequired),
      blobs: BlobDoor(registry: images, sendsFilesDirectly: settings.sendsFilesDirectly),
      uploads: UploadDoor(registry: images),
      manifests: ManifestDoor(registry: images),
      listings: ListingDoor(registry: images),
      faults: builds.faults
    )
    pages = PageDoor(assets: WebAsset.embedded())
    hosts = HostRule(extra: settings.allowedHosts, apps: settings.appDomain)
    version = settings.version
    date = HTTPDate(clock: data.clock)
    self.logger = logger
  }

  /// What the shared port calls for every HTTP/1.1 request.
  package var responder: HTTPChannelHandler.Responder {
    { request, writer, channel in
      let context = GatewayContext(channel: channel, logger: logger)
      // Clients that announce a large body wait up to a second for this.
      if request.headers[.expect]?.lowercased() == "100-continue" {
        try await writer.writeInformationalHead(HTTPResponse(status: .continue))
      }
      let response = await respond(to: request, context: context)
      try await writer.write(response: response.head, body: response.body)
    }
  }

  /// Answers one request; whatever fails becomes a response.
  package func respond(to request: Request, context: GatewayContext) async -> Response {
    let call = Call(request, context)
    var response = await answer(call)
    if call.method == .head { response = response.createHeadResponse() }
    response.headers[.date] = date.text
    response.headers[.kindlingVersion] = version
    response.headers[.requestID] = context.requestID.description
    response.headers[.xContentTypeOptions] = "nosniff"
    return response
  }

  private func answer(_ call: Call) async -> Response {
    let isRegistry = Self.isBelow(call.path, "/v2")
    do throws(Failure) { try HostRule.checkOnlyOne(call.request.head) } catch {
      return isRegistry ? .registryFailure(error) : .failure(error)
    }
    do throws(Failure) {
      try hosts.check(call.request.head.authority)
    } catch {
      // RFC 9110 §15.5.20: the request was sent to a server that is not its origin.
      return isRegistry
        ? .registryFailure(error, status: .misdirectedRequest) : .failure(error, status: .misdirectedRequest)
    }
    do throws(Failure) {
      try OriginRule.check(call.request.head)
      if isRegistry { return await registry.respond(to: call) }
      if Self.isBelow(call.path, "/v1") { return try await contract.respond(to: call) }
      if Self.isBelow(call.path, "/realms") { return await realms.respond(to: call) }
      if Self.isBelow(call.path, "/_kindling") { return try await own.respond(to: call) }
      switch call.path {
      case "/livez": return health.live(call)
      case "/readyz": return await health.ready(call)
      default: return try pages.respond(to: call)
      }
    } catch {
      if error.code == .internal {
        logger.error("\(error.oneLine)", metadata: ["request-id": "\(call.context.requestID)"])
      }
      return isRegistry ? .registryFailure(error) : .failure(error)
    }
  }

  private static func isBelow(_ path: String, _ door: String) -> Bool {
    path.hasPrefix(door) && (path.utf8.count == door.utf8.count || path.utf8.dropFirst(door.utf8.count).first == 0x2f)
  }
}
