import Diagnostics
import Git
import Storage

/// Brings the commits that builds from git are made from.
package struct GitSources: Sendable {
  private let data: DataDirectory
  private let fetcher: GitFetcher
  private let rules: GitRules

  package init(data: DataDirectory, fetcher: GitFetcher, rules: GitRules) {
    self.data = data
    self.fetcher = fetcher
    self.rules = rules
  }

  /// The tree of `source` for the build `record`; the caller releases its lease when the build is over.
  ///
  /// The organisation's saved credentials, or the slot that the source names, go to the host of the source's own address (contract §1.1) and to no other;
  /// they stand in no event and in no failure, whatever the remote says.
  func tree(
    _ source: GitBuildSource, of record: BuildRecord, reporter: EventReporter
  ) async throws(Failure) -> FetchedTree {
    let saved = try credentials(source, of: record.organization)
    let redaction = Redaction(saved)
    do throws(Failure) {
      let credentials = saved.map { GitCredentials(username: $0.username, password: $0.password) }
      let order = try rules.order(source, credentials: credentials, scope: record.organization.name)
      let progress = FetchReporter(reporter, redaction: redaction, clock: data.clock)
      let tree = try await fetcher.tree(order) { (update) throws(Failure) in try progress.report(update) }
      do throws(Failure) {
        try data.ledger.setCommit(tree.commit.hex, of: record.id)
        try reporter.report(Self.events(of: tree, from: source, progress, redaction))
      } catch {
        tree.lease.release()
        throw error
      }
      return tree
    } catch {
      throw Self.advised(redaction.failure(error), hasCredentials: saved != nil, slot: source.secret)
    }
  }

  /// A slot is read now, at dispatch, so that a rotated one counts (contract §1.2).
  private func credentials(
    _ source: GitBuildSource, of organization: OrganizationName
  ) throws(Failure) -> BuildSecrets.GitCredentials? {
    guard let slot = source.secret else { return try BuildSecretStore(data: data).gitCredentials(of: organization) }
    return try SecretStore(data: data).gitCredential(try SecretSlotName(slot), of: organization)
  }

  private static func events(
    of tree: FetchedTree, from source: GitBuildSource, _ progress: FetchReporter, _ redaction: Redaction
  ) -> [BuildEvent.Kind] {
    var events: [BuildEvent.Kind] = []
    if tree.transferred.objects > 0 {
      events.append(
        .fetch(
          BuildEvent.FetchProgress(
            objects: tree.transferred.objects, totalObjects: tree.transferred.objects, size: tree.transferred.bytes,
            durationMilliseconds: progress.elapsedMilliseconds)))
    }
    let kept = tree.transferred.objects == 0 ? ", kept from before: nothing transferred" : ""
    let reference = tree.reference == tree.commit.hex ? "" : " \(tree.reference)"
    events.append(.note("git \(source.url)\(reference) → \(tree.commit.hex)\(kept)"))
    return events + tree.notes.map { .note(redaction.text($0)) }
  }

  /// What to do about missing or wrong credentials is said in the words of this door.
  private static func advised(_ failure: Failure, hasCredentials: Bool, slot: String?) -> Failure {
    guard failure.reason == "git-auth-required" || failure.reason == "git-auth-refused" else { return failure }
    var failure = failure
    if let slot {
      failure.hint =
        "the secret '\(slot)' was not accepted; save another with: kindling secret create \(slot) --type git"
      return failure
    }
    failure.hint =
      hasCredentials
      ? "the organisation's saved git_credentials were not accepted; save others with SaveBuildSecrets"
      : "save the organisation's git_credentials with SaveBuildSecrets; a token is a password"
    return failure
  }
}
