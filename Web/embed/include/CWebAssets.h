#ifndef KINDLING_WEB_ASSETS_H
#define KINDLING_WEB_ASSETS_H

#include <stddef.h>

/// One file of Web/app, inside the executable; everything it points to lives as long as the process.
struct kindling_web_asset {
  /// Path in the page's address, such as "/css/base.css"; the page itself is "/index.html".
  const char *path;
  /// Value of the Content-Type header.
  const char *content_type;
  /// The file's bytes; not terminated.
  const unsigned char *data;
  /// Number of bytes at `data`.
  size_t length;
};

/// Every file of Web/app, sorted by path. Points at `kindling_web_asset_count` elements.
extern const struct kindling_web_asset *const kindling_web_assets;

/// How many elements `kindling_web_assets` points at.
extern const size_t kindling_web_asset_count;

#endif
