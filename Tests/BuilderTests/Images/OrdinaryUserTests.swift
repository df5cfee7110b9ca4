import Foundation
import TestSupport
import Testing

/// The server of somebody who is not root, with a range of ids of his own. Run by an ordinary user, every other suite is
/// this test; run by root, this one gives up being root first.
@Suite("A server of an ordinary user", .enabled(if: geteuid() == 0))
struct OrdinaryUserServerTests {
  /// Shows the server, and nobody else, a user with a name and a range of ids, and becomes that user.
  private static let launcher = """
    set -e
    home=$1; shift
    echo ordinary:700000:65536 > $home/subid
    printf 'root:x:0:0::/:/bin/sh\\nordinary:x:64998:64998::/:/bin/sh\\n' > $home/passwd
    mkdir $home/data && chown 64998:64998 $home/data && chmod 755 $home
    mount --make-rprivate /
    mount --bind $home/subid /etc/subuid
    mount --bind $home/subid /etc/subgid
    mount --bind $home/passwd /etc/passwd
    exec setpriv --reuid 64998 --regid 64998 --clear-groups --inh-caps=-all $home/kindling "$@"
    """

  @Test("builds images with several owners, and the registry has them as they should be")
  func builds() async throws {
    try await withTemporaryFolder { folder in
      // Where the binary was built may be a place only root can enter.
      let copied = try await Tool("cp").run([ServerProcess.binary, folder.path("kindling")])
      try #require(copied.status == 0, "\(copied.all)")
      let unshare = try Tool("unshare").path
      let server = try await ServerProcess(
        data: folder.path("data"),
        launcher: [unshare, "-m", "--", "/bin/sh", "-c", Self.launcher, "launcher", folder.path])
      do {
        try await server.importBusybox()
        let image = try await Kitchen(server: server, folder: folder).image(
          """
          FROM busybox
          RUN id -u > /who && chown 5:6 /who && mkdir -m 700 /own && echo x > /own/f && chown -R 1000:1001 /own
          USER builder
          RUN test "$(id -u):$(id -g)" = 1000:1001 && cat /own/f && rm /own/f && echo y > /own/g
          COPY --chown=7:8 Dockerfile /x/
          RUN --mount=target=/ctx --mount=from=busybox,target=/b --mount=type=cache,target=/c,uid=1000 --mount=type=tmpfs,target=/t \\
            touch /c/x /t/y && test -f /ctx/Dockerfile -a -x /b/bin/busybox && test "$(stat -c %u:%g /c)" = 1000:0
          """)
        #expect(
          image.layers.dropFirst().map(\.entries) == [
            ["drwx------ 1000/1001 own/", "-rw-r--r-- 1000/1001 own/f", "-rw-r--r-- 5/6 who"],
            ["drwx------ 1000/1001 own/", "---------- 0/0 own/.wh.f", "-rw-r--r-- 1000/1001 own/g"],
            ["drwxr-xr-x 7/8 x/", "-rw-r--r-- 7/8 x/Dockerfile"], [],
          ])
      } catch {
        await server.stop()
        throw error
      }
      #expect(await server.stop() == 0)
    }
  }
}
