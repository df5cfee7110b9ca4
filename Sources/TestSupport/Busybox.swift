import Foundation

/// A base image from Debian's busybox-static, made once and kept with what was built.
package actor Busybox {
  package static let shared = Busybox()
  private var made: Task<String, any Error>?

  /// The path of a root file system tar with hard-linked applets, as in the well-known image.
  package func archive() async throws -> String {
    if let made { return try await made.value }
    let task = Task { try await Self.make() }
    made = task
    return try await task.value
  }

  private static func make() async throws -> String {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    // Beside what was built, so that the next run finds it and nothing is left in the temporary folder.
    let kept = FileManager.default.currentDirectoryPath + "/.build/busybox-base.tar"
    if FileManager.default.fileExists(atPath: kept) { return kept }
    let script = """
      set -e
      mkdir -p root/bin root/etc root/tmp root/root root/home
      cp /bin/busybox root/bin/busybox
      for applet in $(/bin/busybox --list); do [ $applet = busybox ] || ln root/bin/busybox root/bin/$applet; done
      printf 'root:x:0:0:root:/root:/bin/sh\\nbuilder:x:1000:1001:builder:/home:/bin/sh\\n' > root/etc/passwd
      printf 'root:x:0:\\nbuilders:x:1001:\\naudio:x:29:builder\\n' > root/etc/group
      chmod 1777 root/tmp; chmod 700 root/root
      tar --numeric-owner --owner=0 --group=0 --sort=name -C root -cf base.tar .
      """
    let result = try await Tool("/bin/sh").run(["-c", script], in: folder.path)
    guard result.status == 0 else { throw Tool.Missing(name: "busybox-static (\(result.error))") }
    let moved = kept + ".\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.moveItem(atPath: folder.path("base.tar"), toPath: moved)
    guard rename(moved, kept) == 0 else { throw CocoaError(.fileWriteUnknown) }
    return kept
  }
}

extension ServerProcess {
  /// Imports the busybox base as `busybox:latest` of the default organisation.
  package func importBusybox() async throws {
    let result = try await kindling(["image", "import", "busybox:latest", try await Busybox.shared.archive()])
    guard result.status == 0 else { throw StartFailed(words: result.all, status: result.status) }
  }
}
