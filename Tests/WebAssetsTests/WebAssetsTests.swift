import CWebAssets
import Foundation
import Testing

@Suite("Web assets")
struct WebAssetsTests {
  private struct Asset {
    var path: String
    var contentType: String
    var data: Data
  }

  private let assets = (0..<kindling_web_asset_count).map { index in
    let asset = kindling_web_assets[index]
    return Asset(
      path: String(cString: asset.path),
      contentType: String(cString: asset.content_type),
      data: Data(bytes: asset.data, count: asset.length)
    )
  }

  /// Web/app in the source tree this test was built from.
  private let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Web/app").resolvingSymlinksInPath()

  @Test("every file of Web/app is embedded, sorted by path, with its present bytes")
  func completeness() throws {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter {
      $0.split(separator: "/").last?.contains(".") == true
    }
    #expect(assets.map(\.path) == names.map { "/" + $0 }.sorted())
    for asset in assets {
      let bytes = try Data(contentsOf: folder.appending(path: String(asset.path.dropFirst())))
      #expect(asset.data == bytes, "\(asset.path)")
    }
  }

  @Test(
    "a file's type follows from its extension",
    arguments: [
      ("html", "text/html; charset=utf-8"), ("js", "text/javascript; charset=utf-8"),
      ("css", "text/css; charset=utf-8"), ("svg", "image/svg+xml"),
    ]
  )
  func types(suffix: String, type: String) {
    let matching = assets.filter { $0.path.hasSuffix("." + suffix) }
    #expect(!matching.isEmpty)
    #expect(matching.allSatisfy { $0.contentType == type })
  }

  @Test("whatever a file asks for is embedded too, and nothing asks another origin or carries inline code")
  func references() throws {
    let paths = Set(assets.map(\.path))
    let reference = /(?:from|href=|src=)\s*"([^"$]+\.(?:js|css|svg))"/
    for asset in assets {
      let text = String(decoding: asset.data, as: UTF8.self)
      for match in text.matches(of: reference) {
        #expect(paths.contains(String(match.1)), "\(asset.path) asks for \(match.1)")
      }
      let links = text.replacing("http://www.w3.org/2000/svg", with: "")
      #expect(!links.contains("http://") && !links.contains("https://"), "\(asset.path)")
      #expect(!text.contains("innerHTML") && !text.contains(" style=") && !text.contains("<style"), "\(asset.path)")
    }
    let page = try #require(assets.first { $0.path == "/index.html" })
    let html = String(decoding: page.data, as: UTF8.self)
    #expect(
      html.matches(of: /<script/).count == html.matches(of: /<script type="module" src="\/[^"]+"><\/script>/).count
    )
  }
}
