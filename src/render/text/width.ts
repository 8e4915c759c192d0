/** Wide on a terminal: East Asian Wide and Fullwidth (UAX #11), by blocks, and what is drawn as an emoji. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
/** Drawn over the character before: marks, and the vowels and finals that join a Hangul syllable (Unicode, 3.12). */
const combining = /^[\p{Mn}\p{Me}\ufe00-\ufe0f\u1161-\u11ff\ud7b0-\ud7ff]$/u
/** One picture however many characters it is made of: flags, skins, and what the selector 16 makes an emoji of (UTS #51); joiners are escaped before. */
const onePicture = /^\p{RI}\p{RI}|\p{Emoji_Modifier}|\p{Emoji}\ufe0f/u
const ascii = /^[\u0020-\u007e]*$/

/** Made when first asked for: it loads tables that most runs have no use for, 10 ms. */
let segmenter: Intl.Segmenter | undefined

/** What a person sees as one character each (UAX #29). */
function graphemesOf(text: string): Iterable<{ readonly segment: string }> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

/** How many columns escaped text takes on a terminal. */
export function displayWidth(text: string): number {
  if (ascii.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemesOf(text)) width += widthOf(segment)
  return width
}

/**
 * Cuts text to so many columns, with `…` for what is left out; what a person sees as one character stays whole. Terminals do not agree on how wide a picture of
 * several characters is: what is kept fits in those too that draw each of them (tmux 3.3, xterm).
 */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const { segment } of graphemesOf(text)) {
    used += Math.max(widthOf(segment), sumOfWidths(segment))
    if (used > width) break
    kept += segment
  }
  return `${kept}…`
}

/** Cuts text to so many columns at its beginning: of a path, the end says most. */
export function cutStart(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const { segment } of [...graphemesOf(text)].toReversed()) {
    used += Math.max(widthOf(segment), sumOfWidths(segment))
    if (used > width) break
    kept = segment + kept
  }
  return `…${kept}`
}

/** Breaks escaped text into lines of at most so many columns: at spaces, and within a word where that alone is longer. Nothing is left out. */
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
    const pieces = piecesOf(word, width)
    lines.push(...pieces.slice(0, -1))
    line = pieces.at(-1) ?? ''
  }
  return [...lines, line]
}

function piecesOf(word: string, width: number): readonly string[] {
  const pieces: string[] = []
  let piece = ''
  let used = 0
  for (const { segment } of graphemesOf(word)) {
    const more = Math.max(widthOf(segment), sumOfWidths(segment))
    if (used + more > width && piece !== '') {
      pieces.push(piece)
      piece = ''
      used = 0
    }
    piece += segment
    used += more
  }
  return [...pieces, piece]
}

/** Fills text up to so many columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'left' ? text + space : space + text
}

function widthOf(grapheme: string): number {
  return onePicture.test(grapheme) ? 2 : sumOfWidths(grapheme)
}

function sumOfWidths(grapheme: string): number {
  let width = 0
  for (const character of grapheme) {
    if (!combining.test(character)) width += wide.test(character) ? 2 : 1
  }
  return width
}
