// What a message's body is, and how it is shown.

const SHOWN_BYTES_MAX = 64 * 1024;
const HEX_COLUMNS = 16;

/** @typedef {"pretty" | "text" | "hex" | "base64"} Form */

/** @param {string} text @returns {"json" | "xml" | "base64" | "text"} */
export function kindOf(text) {
  const trimmed = text.trim();
  if (/^[[{"]/.test(trimmed) || /^(-?\d|true$|false$|null$)/.test(trimmed)) {
    try {
      JSON.parse(trimmed);
      return "json";
    } catch {
      // Something that only begins so.
    }
  }
  if (/^<[?!a-zA-Z]/.test(trimmed) && trimmed.endsWith(">")) return "xml";
  if (trimmed.length >= 16 && trimmed.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(trimmed)) return "base64";
  return "text";
}

/** @param {string} text */
export function bytesOf(text) {
  return new TextEncoder().encode(text);
}

/** @param {string} base64 */
export function fromBase64(base64) {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** @param {Uint8Array} bytes @param {string | null} text where the bytes are text @param {Form} form */
export function shown(bytes, text, form) {
  const cut = bytes.length > SHOWN_BYTES_MAX;
  const more = cut ? `\n… ${bytes.length - SHOWN_BYTES_MAX} more bytes` : "";
  if (form === "hex") return hex(bytes.subarray(0, SHOWN_BYTES_MAX)) + more;
  if (form === "base64") return toBase64(bytes.subarray(0, SHOWN_BYTES_MAX)) + more;
  if (text === null) return `These ${bytes.length} bytes are no text: look at them as hex or base64.`;
  if (form === "pretty") return pretty(text).slice(0, 2 * SHOWN_BYTES_MAX);
  return cut ? text.slice(0, SHOWN_BYTES_MAX) + more : text;
}

/** @param {string} text @returns {string} */
export function pretty(text) {
  const kind = kindOf(text);
  if (kind === "json") return JSON.stringify(JSON.parse(text), null, 2);
  if (kind === "xml") return xml(text);
  if (kind === "base64") {
    try {
      const inner = new TextDecoder("utf-8", { fatal: true }).decode(fromBase64(text.trim()));
      if (!/[\u0000-\u0008\u000e-\u001f]/.test(inner)) return `${pretty(inner)}\n\n(this was base64)`;
    } catch {
      // It only looks like base64.
    }
  }
  return text;
}

/** Indents tags. @param {string} text */
function xml(text) {
  const pieces = text.trim().match(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<[^>]*>|[^<]+/g) ?? [];
  let depth = 0;
  let out = "";
  let isAfterText = false;
  for (const piece of pieces) {
    if (!piece.startsWith("<")) {
      if (piece.trim()) {
        out += piece.trim();
        isAfterText = true;
      }
      continue;
    }
    const closes = piece.startsWith("</");
    const opens = !closes && !piece.endsWith("/>") && !/^<[?!]/.test(piece);
    if (closes) depth = Math.max(0, depth - 1);
    const isNested = out.endsWith(">") || !out;
    if (isNested && !isAfterText && out) out += `\n${"  ".repeat(depth)}`;
    out += piece;
    isAfterText = false;
    if (opens) depth += 1;
  }
  return out;
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += HEX_COLUMNS) {
    const row = [...bytes.subarray(at, at + HEX_COLUMNS)];
    const codes = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const chars = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${codes.padEnd(HEX_COLUMNS * 3)} ${chars}`);
  }
  return lines.join("\n");
}
