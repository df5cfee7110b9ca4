import API
import Diagnostics
import FoundationEssentials
import Runner
import Service
import Storage

extension Dodil_Ignite_V1_AppMeta {
  /// An app, or one of its versions, as callers see it.
  package init(_ view: AppView) {
    self.init()
    let (record, configuration) = (view.record, view.configuration)
    id = record.id.description
    name = record.id.name.name
    organizationName = record.id.organization.name
    if let runtime = configuration.runtime { self.runtime = Dodil_Ignite_V1_Runtime(runtime) }
    limits = Dodil_Ignite_V1_ResourceLimits(applied: configuration)
    env = configuration.environment
    resourceTier = Dodil_Ignite_V1_ResourceTier(configuration.tier)
    scaling = Dodil_Ignite_V1_ScalingConfig(configuration)
    storageMode = Dodil_Ignite_V1_StorageMode(configuration.storageMode)
    deploymentState = Dodil_Ignite_V1_DeploymentState(view.state.phase)
    version = view.version.number
    activeVersion = record.activeVersion?.number ?? 0
    description_p = configuration.description
    inputSchema = configuration.inputSchema
    outputSchema = configuration.outputSchema
    mcpEnabled = configuration.speaksMCP
    maxConcurrency = configuration.maximumConcurrency
    ports = configuration.servedPorts.map { UInt32($0.number) }
    healthPath = configuration.policy.healthPath
    if let code = view.code {
      deploymentMode = .image
      codeKind = Dodil_Ignite_V1_CodeKind(code)
    }
    imageRef = view.image?.reference ?? ""
    allowUnauthenticated = configuration.allowsAnonymous
    createdAtMs = record.createdAt.milliseconds
    updatedAtMs = record.updatedAt.milliseconds
  }
}

extension Dodil_Ignite_V1_DeploymentState {
  init(_ phase: DeploymentState.Phase) {
    self =
      switch phase {
      case .created: .created
      case .deploying: .deploying
      case .active: .active
      case .failed: .failed
      }
  }
}

extension Dodil_Ignite_V1_CodeKind {
  init(_ code: AppCode) {
    self =
      switch code {
      case .prebuilt: .prebuilt
      case .archive: .uploadImage
      case .git: .gitImage
      }
  }
}

extension Dodil_Ignite_V1_DraftInfo {
  package init(_ draft: AppDraft) {
    self.init()
    status =
      switch draft.status {
      case .saved: .draft
      case .compiling: .compiling
      case .compiled: .compiled
      case .failed: .failed
      }
    codeHash = draft.codeHash
    createdAtMs = draft.savedAt.milliseconds
    codeKind = Dodil_Ignite_V1_CodeKind(draft.code)
    deployID = draft.deploy?.text ?? ""
    error = draft.failure?.oneLine ?? ""
    imageRef = draft.image?.reference ?? ""
  }
}

extension Dodil_Ignite_V1_AppVersionInfo {
  package init(_ version: AppVersionRecord, active: AppVersion?, unready: AppVersion?) {
    self.init()
    self.version = version.version.number
    codeHash = version.codeHash
    createdAtMs = version.publishedAt.milliseconds
    status =
      switch version.version {
      case active: .active
      case unready: .failed
      default: .superseded
      }
    resourceTier = Dodil_Ignite_V1_ResourceTier(version.configuration.tier)
    if let runtime = version.configuration.runtime { self.runtime = Dodil_Ignite_V1_Runtime(runtime) }
    scaling = Dodil_Ignite_V1_ScalingConfig(version.configuration)
    codeKind = Dodil_Ignite_V1_CodeKind(version.code)
    imageRef = version.image.reference
  }
}

extension Dodil_Ignite_V1_Execution {
  package init(_ record: ExecutionRecord) {
    self.init()
    executionID = record.id.text
    appID = record.app.description
    status =
      switch record.status {
      case .running: .running
      case .succeeded: .succeeded
      case .failed: .failed
      }
    statusCode = UInt32(clamping: record.statusCode ?? 0)
    output = Data(record.output)
    error = record.error ?? ""
    createdAtMs = record.createdAt.milliseconds
    completedAtMs = record.completedAt?.milliseconds ?? 0
  }
}

extension Dodil_Ignite_V1_AppLogLine {
  package init(_ line: AppLogLine) {
    self.init()
    timestampMs = line.moment.milliseconds
    replicaID = line.replica.text
    self.line = line.text
    stream = line.stream.rawValue
  }
}

/// An answer's headers as a message has them: names in lower case, several of one name joined as RFC 9110 §5.3 says.
func headerMap(_ headers: [(name: String, value: String)]) -> [String: String] {
  Dictionary(headers.map { ($0.name.lowercased(), $0.value) }) { "\($0), \($1)" }
}
