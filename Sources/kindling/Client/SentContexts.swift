import Diagnostics
import Foundation
import OCI
import SystemPackage

/// What this user sent to servers as contexts, so that a directory that looks as it did then is named and not sent.
///
/// One small file for each directory and server, below the user's cache. Losing it costs one upload; whether the server
/// still has the context, and for whom, only the server knows.
struct SentContexts: Sendable {
  private static let title = "kindling sent context 1"
  private static let most = 256

  let folder: FilePath

  static func live(_ environment: [String: String]) -> SentContexts {
    SentContexts(folder: ExecutorWorkspace.cacheFolder(environment).appending("contexts"))
  }

  /// The context that was made of the directory when it looked like `fingerprint`; nil when it looks different.
  func contextID(of directory: FilePath, at endpoint: Endpoint, _ fingerprint: Digest) -> String? {
    guard let text = SmallFile.text(of: file(directory, endpoint)) else { return nil }
    let lines = text.split(separator: "\n")
    guard lines.count == 3, lines[0] == Self.title, lines[1] == fingerprint.description else { return nil }
    return String(lines[2])
  }

  /// Remembers it; where that cannot be written it is sent again.
  func remember(_ contextID: String, of directory: FilePath, at endpoint: Endpoint, _ fingerprint: Digest) {
    let text = "\(Self.title)\n\(fingerprint)\n\(contextID)\n"
    let target = file(directory, endpoint)
    let manager = FileManager.default
    try? manager.createDirectory(
      atPath: folder.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try? Data(text.utf8).write(to: URL(fileURLWithPath: target.string), options: .atomic)
    let names = (try? manager.contentsOfDirectory(atPath: folder.string)) ?? []
    guard names.count > Self.most else { return }
    let aged = names.map { folder.appending($0) }.map { path in
      (path, (try? manager.attributesOfItem(atPath: path.string)[.modificationDate] as? Date) ?? .distantPast)
    }
    for (path, _) in aged.sorted(by: { $0.1 < $1.1 }).dropLast(Self.most) {
      try? manager.removeItem(atPath: path.string)
    }
  }

  private func file(_ directory: FilePath, _ endpoint: Endpoint) -> FilePath {
    let path = URL(fileURLWithPath: directory.string).resolvingSymlinksInPath().path
    return folder.appending(String(Digest(sha256Of: "\(endpoint) \(path)".utf8).hex.prefix(32)))
  }
}
