/** Joins the first texts of a list and the number of the others on one line: `a, b and 3 more`. */
export function joinFirst(all: readonly string[], most = 5): string {
  const more = all.length - most
  return `${all.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
