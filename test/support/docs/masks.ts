/** What differs from run to run, and what replaces it. The order matters. */
const masks: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<id>'],
  [/\b(sha256[:-])?[0-9a-f]{12,64}(?![0-9a-f])/g, '<hash>'],
  // the end of a digest that a column of a table breaks
  [/^\s+[0-9a-f]{1,11}(?=\)|$|\s&&)/g, ' <hash>'],
  [/\bsha256:[0-9a-f]{1,11}…|\bsha\d{0,3}…/g, '<hash>'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)?/g, '<time>'],
  [/\b\d{4}-\d\d-\d\d\b/g, '<date>'],
  [/\b\d+(?:\.\d+)? (?:B|KiB|MiB|GiB|bytes)(?:\/s)?(?![\w])/g, '<size>'],
  [/\bless than 1 s\b|\b\d+(?:\.\d+)? ?(?:ms|s|min|m|h|d|w|mo|y)\b(?: ago)?/g, '<age>'],
  [/\bnode-v[\d.]+|\bNode(?:\.js)? v?[\d.]+/g, '<node>'],
  [/[─-]{3,}/g, '---'],
  [/\s+/g, ' '],
]

/** A line of output without what differs from run to run: digests, times, sizes, padding. */
function maskLine(line: string): string {
  return masks.reduce((text, [pattern, replacement]) => text.replaceAll(pattern, replacement), line).trim()
}

/**
 * Whether output is what a page shows. A shown line `…` matches any number of lines.
 * Empty lines at the end do not count.
 */
export function isShown(shown: readonly string[], output: readonly string[]): boolean {
  return matches(withoutEnd(shown).map(maskLine), withoutEnd(output).map(maskLine))
}

function withoutEnd(lines: readonly string[]): readonly string[] {
  const end = lines.findLastIndex((line) => line.trim() !== '')
  return lines.slice(0, end + 1)
}

function matches(shown: readonly string[], output: readonly string[]): boolean {
  const gap = shown.indexOf('…')
  if (gap < 0) return shown.length === output.length && shown.every((line, i) => line === output[i])
  const before = shown.slice(0, gap)
  if (!before.every((line, i) => line === output[i])) return false
  const after = shown.slice(gap + 1)
  for (let at = gap; at <= output.length; at++) if (matches(after, output.slice(at))) return true
  return false
}
