import Diagnostics
import Service
import Storage
import SystemPackage

/// The token in `DATA/token`, made at the first start for the default organisation: the command line finds it there.
struct FirstToken {
  let data: DataDirectory

  /// Readable by the owner alone; made anew when it is missing or has ended.
  func makeIfMissing(by identities: IdentityService) async throws(Failure) {
    let path = data.root.appending("token")
    if let stored = Self.read(path), (try? await identities.identity(token: stored)) != nil { return }
    let token = try await identities.mintToken(for: identities.defaultOrganization, lifetime: .seconds(365 * 86_400))
    do {
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
      try file.closeAfter { _ = try file.writeAll((token + "\n").utf8) }
    } catch { throw Failure(wrapping: error, while: "writing the first token") }
  }

  private static func read(_ path: FilePath) -> String? {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: 16 << 10)
    guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) else { return nil }
    return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").first.map(String.init)
  }
}
