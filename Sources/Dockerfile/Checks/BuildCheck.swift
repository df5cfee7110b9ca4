/// One of the Dockerfile reference's build checks: what builds but should be looked at.
package enum BuildCheck: String, Sendable, Hashable, Codable, CaseIterable {
  case consistentInstructionCasing = "ConsistentInstructionCasing"
  case copyIgnoredFile = "CopyIgnoredFile"
  case duplicateStageName = "DuplicateStageName"
  case exposeInvalidFormat = "ExposeInvalidFormat"
  case exposeProtoCasing = "ExposeProtoCasing"
  case fromAsCasing = "FromAsCasing"
  case fromPlatformFlagConstDisallowed = "FromPlatformFlagConstDisallowed"
  case invalidDefaultArgInFrom = "InvalidDefaultArgInFrom"
  case invalidDefinitionDescription = "InvalidDefinitionDescription"
  case jsonArgsRecommended = "JSONArgsRecommended"
  case legacyKeyValueFormat = "LegacyKeyValueFormat"
  case maintainerDeprecated = "MaintainerDeprecated"
  case multipleInstructionsDisallowed = "MultipleInstructionsDisallowed"
  case noEmptyContinuation = "NoEmptyContinuation"
  case redundantTargetPlatform = "RedundantTargetPlatform"
  case reservedStageName = "ReservedStageName"
  case secretsUsedInArgOrEnv = "SecretsUsedInArgOrEnv"
  case stageNameCasing = "StageNameCasing"
  case undefinedArgInFrom = "UndefinedArgInFrom"
  case undefinedVar = "UndefinedVar"
  case workdirRelativePath = "WorkdirRelativePath"

  /// Runs only where `experimental=` asks for it.
  package var isExperimental: Bool { self == .invalidDefinitionDescription }
}

extension ParsedDockerfile.Directives.Check {
  /// Whether findings of `check` are wanted.
  package func runs(_ check: BuildCheck) -> Bool {
    func names(_ list: [String]) -> Bool {
      list.contains { $0.lowercased() == "all" || $0.lowercased() == check.rawValue.lowercased() }
    }
    if check.isExperimental, !names(experimental) { return false }
    return !names(skip)
  }

  /// Reads `skip=A,B;error=true;experimental=C`; nil when it is not understood.
  package init?(_ text: String) {
    self.init()
    for option in text.split(separator: ";") {
      let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map { Array($0.utf8).trimmed().text }
      let names = parts.count == 2 ? parts[1].split(separator: ",").map { Array($0.utf8).trimmed().text } : []
      switch (parts[0].lowercased(), parts.count == 2 ? parts[1].lowercased() : nil) {
      case ("skip", .some): skip = names
      case ("experimental", .some): experimental = names
      case ("error", "true"): error = true
      case ("error", "false"): error = false
      default: return nil
      }
    }
  }
}
