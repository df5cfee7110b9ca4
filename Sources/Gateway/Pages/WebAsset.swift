import CWebAssets
import HTTPTypes
import NIOCore
import OCI

/// One embedded file of the web page.
struct WebAsset: Sendable {
  let contentType: String
  let bytes: ByteBuffer
  /// The content's digest as an entity tag.
  let entityTag: String

  /// Every embedded file by its URL path, such as `/app.js`.
  static func embedded() -> [String: WebAsset] {
    var assets: [String: WebAsset] = [:]
    for asset in UnsafeBufferPointer(start: kindling_web_assets, count: kindling_web_asset_count) {
      let bytes = UnsafeRawBufferPointer(start: asset.data, count: asset.length)
      let hash = RunningDigest(.sha256)
      hash.update(bytes)
      assets[String(cString: asset.path)] = WebAsset(
        contentType: String(cString: asset.content_type),
        bytes: ByteBuffer(bytes: bytes),
        entityTag: "\"\(hash.digest().short)\""
      )
    }
    return assets
  }
}
