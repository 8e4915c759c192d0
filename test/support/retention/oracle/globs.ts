/** Whether a glob matches the whole text: `*` is any text, and `?` is one character. */
function matchesGlob(glob: string, text: string): boolean {
  const [first] = glob
  if (first === undefined) return text === ''
  const rest = glob.slice(1)
  if (first === '*')
    return Array.from({ length: text.length + 1 }, (_, i) => text.slice(i)).some((one) =>
      matchesGlob(rest, one),
    )
  return text !== '' && (first === '?' || first === text[0]) && matchesGlob(rest, text.slice(1))
}

export function matchesAny(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => matchesGlob(glob, text))
}
