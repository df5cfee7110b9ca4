#include "CWebAssets.h"

// #embed is C23; the clang of every supported toolchain has it as an extension of the older default.
#pragma clang diagnostic ignored "-Wc23-extensions"

#define HTML "text/html; charset=utf-8"
#define STYLE "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define DRAWING "image/svg+xml"

// A new file in Web/app needs its bytes and its row here; WebAssetsTests says so when one is forgotten.

static const unsigned char ansi_js[] = {
#embed "../app/ansi.js"
};
static const unsigned char api_js[] = {
#embed "../app/api.js"
};
static const unsigned char app_js[] = {
#embed "../app/app.js"
};
static const unsigned char css_base_css[] = {
#embed "../app/css/base.css"
};
static const unsigned char css_log_css[] = {
#embed "../app/css/log.css"
};
static const unsigned char css_tokens_css[] = {
#embed "../app/css/tokens.css"
};
static const unsigned char dom_js[] = {
#embed "../app/dom.js"
};
static const unsigned char elements_copy_js[] = {
#embed "../app/elements/copy.js"
};
static const unsigned char elements_letter_js[] = {
#embed "../app/elements/letter.js"
};
static const unsigned char elements_log_js[] = {
#embed "../app/elements/log.js"
};
static const unsigned char elements_mark_js[] = {
#embed "../app/elements/mark.js"
};
static const unsigned char elements_moment_js[] = {
#embed "../app/elements/moment.js"
};
static const unsigned char elements_step_js[] = {
#embed "../app/elements/step.js"
};
static const unsigned char icons_cancelled_svg[] = {
#embed "../app/icons/cancelled.svg"
};
static const unsigned char icons_failed_svg[] = {
#embed "../app/icons/failed.svg"
};
static const unsigned char icons_kindling_svg[] = {
#embed "../app/icons/kindling.svg"
};
static const unsigned char icons_running_svg[] = {
#embed "../app/icons/running.svg"
};
static const unsigned char icons_succeeded_svg[] = {
#embed "../app/icons/succeeded.svg"
};
static const unsigned char index_html[] = {
#embed "../app/index.html"
};
static const unsigned char pages_build_js[] = {
#embed "../app/pages/build.js"
};
static const unsigned char pages_builds_js[] = {
#embed "../app/pages/builds.js"
};
static const unsigned char stream_js[] = {
#embed "../app/stream.js"
};
static const unsigned char time_js[] = {
#embed "../app/time.js"
};

#define ROW(path, type, data) { path, type, data, sizeof(data) }

static const struct kindling_web_asset rows[] = {
  ROW("/ansi.js", SCRIPT, ansi_js),
  ROW("/api.js", SCRIPT, api_js),
  ROW("/app.js", SCRIPT, app_js),
  ROW("/css/base.css", STYLE, css_base_css),
  ROW("/css/log.css", STYLE, css_log_css),
  ROW("/css/tokens.css", STYLE, css_tokens_css),
  ROW("/dom.js", SCRIPT, dom_js),
  ROW("/elements/copy.js", SCRIPT, elements_copy_js),
  ROW("/elements/letter.js", SCRIPT, elements_letter_js),
  ROW("/elements/log.js", SCRIPT, elements_log_js),
  ROW("/elements/mark.js", SCRIPT, elements_mark_js),
  ROW("/elements/moment.js", SCRIPT, elements_moment_js),
  ROW("/elements/step.js", SCRIPT, elements_step_js),
  ROW("/icons/cancelled.svg", DRAWING, icons_cancelled_svg),
  ROW("/icons/failed.svg", DRAWING, icons_failed_svg),
  ROW("/icons/kindling.svg", DRAWING, icons_kindling_svg),
  ROW("/icons/running.svg", DRAWING, icons_running_svg),
  ROW("/icons/succeeded.svg", DRAWING, icons_succeeded_svg),
  ROW("/index.html", HTML, index_html),
  ROW("/pages/build.js", SCRIPT, pages_build_js),
  ROW("/pages/builds.js", SCRIPT, pages_builds_js),
  ROW("/stream.js", SCRIPT, stream_js),
  ROW("/time.js", SCRIPT, time_js),
};

const struct kindling_web_asset *const kindling_web_assets = rows;
const size_t kindling_web_asset_count = sizeof(rows) / sizeof(rows[0]);
