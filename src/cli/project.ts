/**
 * The account that publishes dray. It is a placeholder: a release is refused until this line names
 * an account. Everything else derives from it.
 */
const owner = 'OWNER'

/** Where dray and its releases are published. package.json repeats the first three (a test). */
export const project = {
  homepage: `https://github.com/${owner}/dray#readme`,
  repository: `https://github.com/${owner}/dray`,
  bugs: `https://github.com/${owner}/dray/issues`,
  /** the base of the addresses of release files: `${releases}/download/v1.4.0/NAME` */
  releases: `https://github.com/${owner}/dray/releases`,
  /** the pages in docs/ */
  docs: `https://github.com/${owner}/dray/blob/main/docs`,
  /** the repository of the container image; a path of a registry is lower-case */
  image: `ghcr.io/${owner.toLowerCase()}/dray`,
  /** the name in `uses:` of a GitHub workflow */
  action: `${owner}/dray`,
  isPlaceholder: owner === 'OWNER',
} as const
