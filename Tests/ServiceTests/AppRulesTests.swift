import Diagnostics
import OCI
import Runner
import Storage
import Testing

@testable import Service

@Suite("Apps: what is decided without running anything") struct AppRulesTests {
  private static func id(_ name: String, _ organization: String) throws -> AppID {
    AppID(organization: try OrganizationName(organization), name: try AppName(name))
  }

  private static func record(
    _ id: AppID, at moment: Int64 = 1, _ change: (inout AppConfiguration) throws -> Void = { _ in }
  ) throws -> AppRecord {
    var configuration = AppConfiguration()
    try change(&configuration)
    let at = Timestamp(milliseconds: moment)
    return AppRecord(id: id, configuration: configuration, createdAt: at, updatedAt: at)
  }

  @Test("host names are looked up, never taken apart; the older of two apps keeps a name that both have")
  func labels() throws {
    let apps = KnownApps()
    let first = try Self.id("a-b", "c")
    let second = try Self.id("a", "b-c")
    apps.set(try Self.record(second, at: 2))
    #expect(apps.destination(of: "a-b-c")?.app == second)
    apps.set(try Self.record(first, at: 1))
    #expect(apps.destination(of: "a-b-c")?.app == first)
    #expect(apps.clash(of: second)?.contains("another organisation's app") == true && apps.clash(of: first) == nil)
    #expect(apps.labels(of: second).isEmpty && apps.labels(of: first) == ["a-b-c"])
    apps.remove(first)
    #expect(apps.destination(of: "a-b-c")?.app == second)
    #expect(apps.destination(of: "a") == nil && apps.destination(of: "") == nil)
  }

  @Test("each port has its name; the main one has the bare name too unless port 80 is there; points are written out")
  func ports() throws {
    let apps = KnownApps()
    let app = try Self.id("v1.2", "dev")
    let eighty = try #require(AppPort(8080))
    apps.set(try Self.record(app) { try $0.setPorts([8080, 9090]) })
    #expect(apps.labels(of: app).sorted() == ["v1-dot-2-dev", "v1-dot-2-dev-8080", "v1-dot-2-dev-9090"])
    #expect(apps.destination(of: "v1-dot-2-dev")?.port == eighty)
    #expect(apps.destination(of: app, port: eighty)?.app == app)
    #expect(apps.destination(of: app, port: .standard) == nil)
    apps.set(try Self.record(app) { try $0.setPorts([8080, 80]) })
    #expect(apps.destination(of: "v1-dot-2-dev")?.port == .standard)
    #expect(apps.destination(of: "v1-dot-2-dev-9090") == nil)
    apps.set(try Self.record(app) { $0.allowsAnonymous = true })
    #expect(apps.destination(of: "v1-dot-2-dev")?.allowsAnonymous == true)
    #expect(apps.destination(of: "v1-dot-2-dev")?.isPublic == false)
    let open = try Self.id("x", "public")
    apps.set(try Self.record(open))
    #expect(apps.destination(of: "x-public")?.isPublic == true)
  }

  @Test("a draft's revision is another after every saving, compile and configuration, and reserves nothing")
  func draftRevisions() throws {
    var app = try Self.record(try Self.id("a", "dev")) { $0.reservedReplicas = 1 }
    let code = AppCode.prebuilt(reference: "x", secret: nil)
    var draft = AppDraft(app: app.id, code: code, codeHash: code.hash, savedAt: Timestamp(milliseconds: 1))
    var seen: [AppRevision] = [app.revision(of: draft)]
    draft.number += 1
    seen.append(app.revision(of: draft))
    draft.deploy = DeployID.make(at: Timestamp(milliseconds: 12_345))
    seen.append(app.revision(of: draft))
    draft.deploy = DeployID.make(at: Timestamp(milliseconds: 12_346))
    seen.append(app.revision(of: draft))
    app.configurationNumber += 1
    seen.append(app.revision(of: draft))
    #expect(Set(seen).count == seen.count)
    #expect(seen.allSatisfy { $0.version == .draft && $0.policy.reservedReplicas == 0 })
    #expect(app.revision(AppVersion(3)).policy.reservedReplicas == 1)
  }

  @Test("a policy and limits are the app's own words, and the platform's where it has none")
  func policies() throws {
    let usual = AppConfiguration()
    #expect(usual.policy == AppPolicy() && usual.limits == ReplicaLimits())
    var own = AppConfiguration()
    own.tier = .small
    own.cpu = 100
    own.timeoutSeconds = 7
    own.healthPath = "/up"
    own.maximumReplicas = 3
    try own.setPorts([81])
    #expect(own.limits == ReplicaLimits(memory: .mebibytes(256), cpu: 100))
    #expect(own.policy.callTimeout == .seconds(7) && own.policy.healthPath == "/up")
    #expect(own.policy.ports == [try #require(AppPort(81))] && own.policy.maximumReplicas == 3)
  }

  @Test("the state is what the ledger and the replicas say together")
  func states() throws {
    var app = try Self.record(try Self.id("a", "dev"))
    var status = FleetStatus()
    #expect(DeploymentState(app, status).phase == .created)
    app.activeVersion = AppVersion(2)
    // Nobody calls it.
    #expect(DeploymentState(app, status).phase == .active)
    func replica(_ version: UInt32, _ state: FleetStatus.ReplicaStatus.State) -> FleetStatus.ReplicaStatus {
      FleetStatus.ReplicaStatus(
        id: ReplicaID.make(at: Timestamp(milliseconds: 1)), version: AppVersion(version), state: state, calls: 0,
        startedAt: Timestamp(milliseconds: 1))
    }
    status.replicas = [replica(2, .starting)]
    #expect(DeploymentState(app, status).phase == .deploying)
    status.replicas = [replica(2, .ready), replica(1, .draining), replica(0, .ready)]
    #expect(DeploymentState(app, status).phase == .active && DeploymentState(app, status).readyReplicas == 1)
    // The old version serves while the new one cannot start.
    status.replicas = [replica(1, .ready)]
    status.failure = Failure(.unavailable, reason: "why", "so")
    #expect(DeploymentState(app, status).phase == .failed && DeploymentState(app, status).readyReplicas == 1)
    status.replicas = []
    #expect(DeploymentState(app, status).phase == .failed)
    // Put back: the earlier one is active, and what should have been says why it is not.
    app.activeVersion = AppVersion(1)
    (status.replicas, status.active, status.unready) = ([replica(1, .ready)], AppVersion(1), AppVersion(2))
    #expect(DeploymentState(app, status).phase == .failed)
    #expect(DeploymentState(app, status).error == "version 2 did not become ready: so; version 1 still serves")
    status = FleetStatus()
    let refusal = Failure(.failedPrecondition, reason: "user-root", "root")
    #expect(DeploymentState(app, status, refusal: refusal).phase == .failed)
  }

  @Test("what of the container contract can be told by the image alone")
  func contract() {
    func warnings(_ user: String?, command: [String]? = ["/app"]) -> [String] {
      var config = ImageConfig(platform: .host)
      config.config = ImageConfig.Container()
      config.config?.user = user
      config.config?.cmd = command
      return config.contractWarnings
    }
    #expect(warnings("1000").isEmpty && warnings("1000:1000").isEmpty)
    #expect(warnings(nil).count == 1 && warnings("root").count == 1 && warnings("0:0").count == 1)
    #expect(warnings("node").first?.contains("CreateContainerConfigError") == true)
    #expect(warnings("1000", command: nil).first?.contains("no command") == true)
    var other = ImageConfig(platform: Platform(os: "linux", architecture: "s390x"))
    other.config = ImageConfig.Container()
    other.config?.user = "1"
    other.config?.entrypoint = ["/x"]
    #expect(other.contractWarnings.first?.contains("s390x") == true)
  }

  @Test("the hash of code is eight digits that change with it")
  func hashes() {
    let one = AppCode.prebuilt(reference: "a", secret: nil)
    let other = AppCode.prebuilt(reference: "b", secret: nil)
    #expect(one.hash.count == 8 && one.hash == AppCode.prebuilt(reference: "a", secret: nil).hash)
    #expect(one.hash != other.hash && one.hash.allSatisfy { $0.isHexDigit })
  }
}
