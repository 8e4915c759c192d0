/** Orders tags by code unit, but runs of digits by their number: `1.9` before `1.10`. Total: equal only where the tags are the same. */
export function compareTags(a: string, b: string): number {
  const these = pieces(a)
  const those = pieces(b)
  for (let i = 0; i < Math.min(these.length, those.length); i++) {
    const order = comparePieces(these[i] ?? '', those[i] ?? '')
    if (order !== 0) return order
  }
  return these.length - those.length || compareText(a, b)
}

function comparePieces(a: string, b: string): number {
  if (!isNumber(a) || !isNumber(b)) return compareText(a, b)
  const [one, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')]
  // longer is larger, without leading zeros; a tag has room for more digits than a number
  return one.length - other.length || compareText(one, other)
}

function pieces(tag: string): readonly string[] {
  return tag.match(/\d+|\D+/g) ?? []
}

function isNumber(piece: string): boolean {
  return /^\d/.test(piece)
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
