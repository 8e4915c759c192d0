/**
 * What must not reach a terminal or a CI log as it is: controls (C0, DEL, C1), formats (what turns the direction of text, UAX #9, or has no width),
 * line and paragraph separators, halves of surrogate pairs; and letters and tag characters that show nothing.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115f\u1160\u3164\uffa0\u2060-\u206f]|[\u{e0000}-\u{e0fff}]/gu

/** GitHub's `::command::` counts at the start of a line only, `##[command]`, Azure's `##vso[` and TeamCity's `##teamcity[` anywhere in one. */
const ciCommand = /^(\s*):(?=:)|#(?=#(?:vso|teamcity)?\[)/gi

/**
 * Makes text of the other side (registries, tags, annotations, file names) safe to print, on one line: what a terminal or a CI
 * service would act on comes out as `\x1b`, `\n` or `\u{202e}`, anything else as it is.
 */
export function escapeText(text: string): string {
  return text
    .replace(unsafe, escapeCharacter)
    .replace(ciCommand, (_, space: string | undefined) => (space === undefined ? '\\x23' : `${space}\\x3a`))
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  const code = character.codePointAt(0) ?? 0
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}
