import Diagnostics
import Dockerfile
import OCI

// COPY and ADD: what they name, expanded and told apart.
extension StagePlanner {
  func origin(
    of transfer: TransferInstruction, _ graph: StageGraph, _ bases: any BaseImageSource
  ) async throws(Failure) -> CopyAction.Origin {
    guard let from = transfer.from else { return .context }
    guard let origin = try await self.origin(named: from, graph, bases) else {
      throw Failure(.invalidArgument, reason: "copy-from-scratch", "'--from=scratch' names nothing to copy from")
    }
    return origin
  }

  /// What a `from` means in this stage; nil is `scratch`.
  func origin(
    named from: String, _ graph: StageGraph, _ bases: any BaseImageSource
  ) async throws(Failure) -> CopyAction.Origin? {
    switch graph.origin(from) {
    case .stage(let index): return .stage(index)
    case .scratch: return nil
    case .files(let name): return .named(name)
    case .image(let reference):
      // BuildKit: an image that is only copied from is one of the build's platform, whatever the stage is for.
      return .image(try await bases.image(reference, platform: order.platform, for: order.organization))
    }
  }

  func action(of transfer: TransferInstruction, from origin: CopyAction.Origin) throws(Failure) -> CopyAction {
    let keyword = transfer.isAdd ? "ADD" : "COPY"
    let checksum = try transfer.checksum.map { (text) throws(Failure) in try expand(text) }
    var sources: [CopyAction.Source] = []
    for source in transfer.sources {
      switch source {
      case .heredoc(let heredoc):
        let content = heredoc.expands ? try expandDocument(heredoc.body) : heredoc.body
        sources.append(.inline(name: heredoc.name, content: content))
      case .path(let word): sources.append(try self.source(try expand(word), transfer, checksum))
      }
    }
    if checksum != nil { try check(checksumOf: sources) }
    let word = try expand(transfer.destination)
    let endsWithSlash = word.isEmpty || word.hasSuffix("/") || word == "." || word.hasSuffix("/.")
    guard sources.count == 1 || endsWithSlash else {
      throw Failure(
        .invalidArgument, reason: "copy-destination-not-directory",
        "the destination '\(word)' of several sources does not end with a slash",
        hint: "write '\(keyword) … \(word)/'")
    }
    return CopyAction(
      origin: origin, sources: sources, destination: Self.resolve(word, from: container.workingDir ?? "/"),
      endsWithSlash: endsWithSlash, owner: try transfer.chown.map { (text) throws(Failure) in try expand(text) },
      mode: try transfer.chmod.map { (text) throws(Failure) in try ModeChange(try expand(text)) },
      unpacksArchives: transfer.isAdd && transfer.unpack != false, excludes: try expanded(transfer.exclude),
      keepsParents: transfer.parents, isLinked: transfer.link)
  }

  /// What the image's history says, as BuildKit puts it: words expanded, without where the files are from.
  ///
  /// Here: without what may be a password in a URL.
  func history(of transfer: TransferInstruction, _ action: CopyAction) throws(Failure) -> String {
    var words = [transfer.isAdd ? "ADD" : "COPY"]
    if action.keepsParents { words.append("--parents") }
    if let owner = action.owner { words.append("--chown=\(owner)") }
    if let mode = action.mode { words.append("--chmod=\(mode)") }
    for source in action.sources {
      switch source {
      case .path(let path): words.append(path)
      case .inline(let name, _): words.append("<<\(name)")
      case .url(let url, _, _): words.append(RemoteSource.shown(url))
      case .git(let order): words.append(RemoteSource.shown(order.source))
      }
    }
    return (words + [try expand(transfer.destination), "# buildkit"]).joined(separator: " ")
  }

  private func expanded(_ words: [String]) throws(Failure) -> [String] {
    var result: [String] = []
    for word in words { result.append(try expand(word)) }
    return result
  }

  private func source(
    _ text: String, _ transfer: TransferInstruction, _ checksum: String?
  ) throws(Failure) -> CopyAction.Source {
    switch RemoteSource(text) {
    case .none: return .path(text)
    case .some where !transfer.isAdd:
      throw Failure(
        .invalidArgument, reason: "copy-remote-source", "COPY cannot fetch '\(RemoteSource.shown(text))'",
        hint: "use ADD")
    case .some where transfer.from != nil: return .path(text)
    case .git:
      if let checksum { try Self.check(commit: checksum) }
      return .git(RemoteTreeOrder(source: text, checksum: checksum, keepsGitDirectory: transfer.keepGitDir))
    case .url:
      return .url(
        text, checksum: try checksum.map { (text) throws(Failure) in try Digest(text) },
        unpacks: transfer.unpack == true)
    }
  }

  /// BuildKit: one source, and a remote one.
  private func check(checksumOf sources: [CopyAction.Source]) throws(Failure) {
    switch sources.first {
    case .url where sources.count == 1, .git where sources.count == 1: return
    default:
      throw Failure(
        .invalidArgument, reason: "checksum-not-remote", "ADD --checksum is for one URL or git source",
        hint: "leave --checksum out; files of the context are what you sent")
    }
  }

  private static func check(commit text: String) throws(Failure) {
    guard (7...64).contains(text.utf8.count), text.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else {
      throw Failure(
        .invalidArgument, reason: "checksum-invalid", "'--checksum=\(text)' is not a commit",
        hint: "for a git source write the commit's name, 40 hexadecimal digits")
    }
  }
}
