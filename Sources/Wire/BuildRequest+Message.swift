import API
import FoundationEssentials
import Service

extension BuildRequest {
  /// The request as a message carries it; `build_tier` is accepted and dropped (contract §1.1).
  package init(_ message: Dodil_Ignite_V1_CreateBuildRequest) {
    self.init()
    name = message.name
    dockerfile = message.dockerfile
    tags = message.tags
    buildArgs = message.buildArgs
    platform = message.platform
    noCache = message.noCache
    timeoutSeconds = message.timeoutSecs
    registry = message.registry
    repository = message.repository
    source = message.source.map { source in
      switch source {
      case .contextID(let id): .context(id)
      case .zippedCode(let bytes): .inline(Array(bytes))
      case .gitSource(let git): .git(url: git.url, reference: git.reference, directory: git.contextDir)
      }
    }
  }
}
