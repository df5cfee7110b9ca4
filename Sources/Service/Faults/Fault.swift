import Diagnostics

/// Something that goes wrong because somebody asked for it, to see what a client makes of that.
package struct Fault: Sendable, Hashable, Codable {
  /// Where one can be put: an RPC by its name, at both doors, or a part of what builds and the registry do.
  package enum Place: String, Sendable, Hashable, Codable, CaseIterable {
    case createBuild = "CreateBuild"
    case getBuild = "GetBuild"
    case listBuilds = "ListBuilds"
    case streamBuildLogs = "StreamBuildLogs"
    case cancelBuild = "CancelBuild"
    case saveBuildSecrets = "SaveBuildSecrets"
    case uploadBuildContext = "UploadBuildContext"
    case createSecret = "CreateSecret"
    case getSecret = "GetSecret"
    case listSecrets = "ListSecrets"
    case deleteSecret = "DeleteSecret"
    case createApp = "CreateApp"
    case getApp = "GetApp"
    case listApps = "ListApps"
    case updateAppConfig = "UpdateAppConfig"
    case deleteApp = "DeleteApp"
    case getAppState = "GetAppState"
    case saveDraft = "SaveDraft"
    case getDraftInfo = "GetDraftInfo"
    case compileDraft = "CompileDraft"
    case streamCompileLogs = "StreamCompileLogs"
    case testDraft = "TestDraft"
    case publishDraft = "PublishDraft"
    case listAppVersions = "ListAppVersions"
    case getAppVersion = "GetAppVersion"
    case rollbackApp = "RollbackApp"
    case invoke = "Invoke"
    case invokeAsync = "InvokeAsync"
    case getExecution = "GetExecution"
    case watchExecution = "WatchExecution"
    case getAppLogs = "GetAppLogs"
    case streamAppLogs = "StreamAppLogs"
    case getBuildLog = "GetBuildLog"
    /// New builds stay PENDING until the fault is gone.
    case pending
    /// Each line of a log comes late.
    case log
    /// The fetch of a build's git source.
    case clone
    /// A base image of a build, wherever it lies.
    case pull
    /// The hand-over of a finished image to the registry.
    case push
    /// The registry's door, by what its caller does.
    case registryPull = "registry-pull"
    case registryPush = "registry-push"
    /// Calls of apps by their host names.
    case hostCall = "invoke"
  }

  package var place: Place
  /// Whose calls and builds it meets; nil is everybody's.
  package var organization: String?
  /// What is answered; nil only delays.
  package var code: Code?
  package var message: String?
  package var delayMilliseconds: Int64
  /// How likely each one is met, from 0 to 1.
  package var probability: Double
  /// How many are met before it is over; nil is all.
  package var count: Int?

  /// A delay longer than this is no test any more.
  package static let longestDelay: Int64 = 600_000

  /// Without `code` and without a delay it is the usual failure of its place. Throws `fault-invalid`.
  package init(
    at place: Place, organization: String? = nil, code: Code? = nil, message: String? = nil,
    delayMilliseconds: Int64 = 0, probability: Double = 1, count: Int? = nil
  ) throws(Failure) {
    guard (0...Self.longestDelay).contains(delayMilliseconds) else {
      throw Self.invalid("the delay of \(delayMilliseconds) ms is not between 0 and \(Self.longestDelay)")
    }
    guard (0...1).contains(probability) else { throw Self.invalid("probability \(probability) is not from 0 to 1") }
    guard count.map({ $0 > 0 }) != false else { throw Self.invalid("the count is not positive") }
    self.place = place
    self.organization = organization
    self.message = message.map(Shown.text)
    self.probability = probability
    self.count = count
    switch place {
    case .pending, .log:
      guard code == nil else { throw Self.invalid("'\(place.rawValue)' delays, and answers with no code") }
      self.delayMilliseconds = place == .log && delayMilliseconds == 0 ? 1000 : delayMilliseconds
    default:
      self.code = code ?? (delayMilliseconds == 0 ? Self.usualCode(at: place) : nil)
      self.delayMilliseconds = delayMilliseconds
    }
  }

  private static func usualCode(at place: Place) -> Code {
    switch place {
    case .registryPull, .registryPush: .unauthenticated
    default: .unavailable
    }
  }

  private static func invalid(_ words: String) -> Failure {
    Failure(.invalidArgument, reason: "fault-invalid", words, hint: "see: kindling faults set --help")
  }

  /// What whoever meets it is told.
  var failure: Failure? {
    code.map { code in
      Failure(
        code, reason: "fault-injected", "fault injected: " + (message ?? "\(place.rawValue) answers \(code.name)"),
        hint: "take it away with: kindling faults clear \(place.rawValue)")
    }
  }

  /// What a build's log says when it is met and goes on.
  var note: String {
    place == .pending
      ? "fault injected: the build stays PENDING until: kindling faults clear pending"
      : "fault injected: \(place.rawValue) takes \(delayMilliseconds) ms longer"
  }
}
