// The expressions are parts of functions, because they load tables of Unicode, and most runs print
// only ASCII.

const ascii = /^[\u0020-\u007e]*$/

/** Created on first use: it loads tables for 10 ms, and most runs do not need it. */
let segmenter: Intl.Segmenter | undefined

/** Splits text into user-perceived characters (UAX #29). */
function graphemesOf(text: string): Iterable<{ readonly segment: string }> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

/** The number of columns of escaped text on a terminal. */
export function displayWidth(text: string): number {
  if (ascii.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemesOf(text)) width += widthOf(segment)
  return width
}

/**
 * Cuts text to `width` columns and marks the cut with `…`. Keeps graphemes whole. Terminals
 * disagree on the width of pictures of several characters, so it counts each of them (tmux 3.3,
 * xterm).
 */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  return `${takeWidth(graphemesOf(text), width - 1).join('')}…`
}

/** Cuts the beginning of text to `width` columns, because the end of a path identifies it. */
export function cutStart(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  const fromEnd = [...graphemesOf(text)].toReversed()
  return `…${takeWidth(fromEnd, width - 1)
    .toReversed()
    .join('')}`
}

function takeWidth(graphemes: Iterable<{ readonly segment: string }>, width: number): readonly string[] {
  const taken: string[] = []
  let used = 0
  for (const { segment } of graphemes) {
    used += drawnWidth(segment)
    if (used > width) break
    taken.push(segment)
  }
  return taken
}

/** The width on a terminal that draws each of several characters of a picture. */
function drawnWidth(grapheme: string): number {
  return Math.max(widthOf(grapheme), sumOfWidths(grapheme))
}

/**
 * Breaks escaped text into lines of at most `width` columns, at spaces, and within longer words.
 */
export function wrap(text: string, width: number): readonly string[] {
  if (displayWidth(text) <= width) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (displayWidth(longer) <= width) {
      line = longer
      continue
    }
    if (line !== '') lines.push(line)
    const parts = splitWord(word, width)
    lines.push(...parts.slice(0, -1))
    line = parts.at(-1) ?? ''
  }
  return [...lines, line]
}

function splitWord(word: string, width: number): readonly string[] {
  const parts: string[] = []
  let part = ''
  let used = 0
  for (const { segment } of graphemesOf(word)) {
    const more = drawnWidth(segment)
    if (used + more > width && part !== '') {
      parts.push(part)
      part = ''
      used = 0
    }
    part += segment
    used += more
  }
  return [...parts, part]
}

/** Pads text to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'left' ? text + space : space + text
}

function widthOf(grapheme: string): number {
  return isOnePicture(grapheme) ? 2 : sumOfWidths(grapheme)
}

function sumOfWidths(grapheme: string): number {
  let width = 0
  for (const character of grapheme) {
    if (!isCombining(character)) width += isWide(character) ? 2 : 1
  }
  return width
}

/** Wide on a terminal: East Asian Wide and Fullwidth (UAX #11), by blocks, and emojis. */
function isWide(character: string): boolean {
  return /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u.test(
    character,
  )
}

/** Drawn over the character before: marks, and parts of a Hangul syllable (Unicode, 3.12). */
function isCombining(character: string): boolean {
  return /^[\p{Mn}\p{Me}\ufe00-\ufe0f\u1161-\u11ff\ud7b0-\ud7ff]$/u.test(character)
}

/** One picture of several characters: flags, skin tones, and emojis by selector 16 (UTS #51). */
function isOnePicture(grapheme: string): boolean {
  return /^\p{RI}\p{RI}|\p{Emoji_Modifier}|\p{Emoji}\ufe0f/u.test(grapheme)
}
