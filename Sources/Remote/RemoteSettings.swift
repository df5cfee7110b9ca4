import Diagnostics
import OCI

/// How other registries are reached.
package struct RemoteSettings: Sendable, Hashable {
  /// By registry host (`docker.io`, `ghcr.io`, `localhost:5000`): the places asked first, in order, each
  /// `host[:port][/path]`, with `http://` in front where it is plain.
  package var mirrors: [String: [String]] = [:]
  /// Whether the registry itself is asked when no mirror had the image.
  package var fallsBackToRegistry = true
  /// Hosts (`host` or `host:port`) that may be spoken to without TLS, or with a certificate nobody vouches for.
  /// `*` is every host; this machine's own addresses always may.
  package var insecureHosts: Set<String> = []
  /// How often one request is tried in all.
  package var attempts = 4
  /// For how long a tag is believed to stand for what it stood for when its registry was asked last.
  package var tagLife = Duration.seconds(60)
  /// The first pause between two attempts; each following one is twice as long, up to `longestPause`.
  package var firstPause = Duration.milliseconds(500)
  package var longestPause = Duration.seconds(30)
  /// How many blobs travel at once.
  package var transfers = 4
  /// A blob larger than this is sent in pieces of this size, so that a broken connection costs one piece.
  package var pieceSize = ByteCount.mebibytes(64)
  /// The largest layer that is fetched.
  package var layerLimit = ByteCount.mebibytes(64 << 10)
  /// How long a registry may think about a finished upload.
  package var uploadPatience = Duration.seconds(300)

  package init() {}
}
