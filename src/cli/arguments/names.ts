import { type Address, formatAddress } from '../../config/addresses.ts'

/**
 * As a person calls it in a sentence: an image of an environment without its environment, which is said beside it; but whole where two images would be
 * called the same.
 */
export function namesOf(sources: readonly Address[]): readonly string[] {
  const short = sources.map((source) =>
    source.kind === 'image' ? formatAddress(source).replace(/^@[^/]*\//, '') : formatAddress(source),
  )
  const uses = Map.groupBy(short, (name) => name)
  return sources.map((source, i) => {
    const name = short[i] ?? ''
    return uses.get(name)?.length === 1 ? name : formatAddress(source)
  })
}
