/**
 * GitHub's `::command::` works only at the start of a line; `##[command]`, Azure's `##vso[` and
 * TeamCity's `##teamcity[` work anywhere.
 */
const ciCommand = /^(\s*):(?=:)|#(?=#(?:vso|teamcity)?\[)/gi

const printableAscii = /^[\u0020-\u007e]*$/

/**
 * Makes text of a third party (registries, tags, annotations, file names) safe to print on one
 * line: text that a terminal or a CI service acts on becomes `\x1b`, `
 * ` or `\u{202e}`.
 */
export function escapeText(text: string): string {
  return escapeInvisible(text).replace(ciCommand, (_, space: string | undefined) =>
    space === undefined ? '\\x23' : `${space}\\x3a`,
  )
}

/** Escapes only characters that are invisible or change the direction of text. */
export function escapeInvisible(text: string): string {
  return printableAscii.test(text) ? text : escapeUnsafe(text)
}

/**
 * Escapes the characters that must not reach a terminal or a CI log: controls (C0, DEL, C1),
 * formats (which change the direction of text, UAX #9, or have no width), line and paragraph
 * separators, unpaired surrogates, and letters and tag characters that show nothing. The expression
 * is part of this function, because it loads tables of Unicode, and most runs print only ASCII.
 */
function escapeUnsafe(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115f\u1160\u3164\uffa0\u2060-\u206f]|[\u{e0000}-\u{e0fff}]/gu,
    escapeCharacter,
  )
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  const code = character.codePointAt(0) ?? 0
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}
