/** Selects the highest versions of each line; each variant has lines of its own. */
export interface NewestVersions {
  readonly per: 'repository' | 'major' | 'minor' | 'patch'
  readonly count: number
}
