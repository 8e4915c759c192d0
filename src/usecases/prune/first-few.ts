/** How many of a long list a warning names. */
const few = 5

/** The first five of a list and how many more there are, on one line. */
export function joinFirst(all: readonly string[]): string {
  const more = all.length - few
  return `${all.slice(0, few).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
