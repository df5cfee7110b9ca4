/** `820 ms`, `8.1 s`, `1 min 14 s`, `2 h 3 min`. */
export function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `just now`, `12 s ago`, `5 min ago`, `3 h ago`, `2 d ago`, then the date. */
export function ago(milliseconds, now = Date.now()) {
  const seconds = Math.floor((now - milliseconds) / 1000);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 7 * 86400) return `${Math.floor(seconds / 86400)} d ago`;
  return absolute(milliseconds).slice(0, 10);
}

/** `2026-07-10 14:03:22`, in the reader's own time zone. */
export function absolute(milliseconds) {
  const date = new Date(milliseconds);
  const two = (number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `84 MB`, `6.1 MB`, `512 B`: decimal units, as the command line prints them. */
export function size(bytes) {
  let value = bytes;
  for (const unit of ["B", "kB", "MB"]) {
    if (value < 999.5) return `${unit === "B" || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
  return `${value >= 9.95 ? Math.round(value) : value.toFixed(1)} GB`;
}

/** The integer in a field that may be a JSON string (64-bit), a number or absent (then 0). */
export function integer(field) {
  const value = Number(field ?? 0);
  return Number.isFinite(value) ? value : 0;
}
