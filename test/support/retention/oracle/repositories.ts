/** The patterns of repositories that random policies use, and whether they match `@dev/api`. */
export const repositoryPatterns: Readonly<Record<string, boolean>> = {
  '@dev/*': true,
  '@dev': true,
  '@dev/api': true,
  'registry.test/dev/*': true,
  'registry.test/**': true,
  '@dev/web': false,
  '@prod/*': false,
  'registry.test/prod/*': false,
  'other.test/**': false,
}

/** Whether a rule or protection applies to the repository of the simulation. */
export function appliesTo({ repositories }: { readonly repositories?: readonly string[] }): boolean {
  return repositories?.some((pattern) => repositoryPatterns[pattern] === true) ?? true
}
