/** A retention policy to begin with. */
export interface StartingPolicy {
  readonly name: string
  /** one line, for a menu */
  readonly summary: string
  /** YAML: the rules */
  readonly rules: string
  readonly protect: string
}

const versions = `    - { semver: { range: ">=0.0.0" }, optional: true } # all versions`

/**
 * In the order of the menu, the default first, indented as below `retention:`. `{repositories}` is
 * a placeholder.
 */
export const startingPolicies: readonly [StartingPolicy, ...StartingPolicy[]] = [
  {
    name: 'newest',
    summary: 'Builds: keep all versions, the newest 20 others, and all of 30 days',
    protect: versions,
    rules: `    - name: builds # every tag that is not protected
      repositories: ["{repositories}"]
      keepNewest: 20
      olderThan: 30d`,
  },
  {
    name: 'pull-requests',
    summary: 'Pull requests and branches: keep the newest of each, and all of 14 days',
    protect: versions,
    rules: String.raw`    # pr-17, pr-17-3f2a91c
    - name: pull-requests
      repositories: ["{repositories}"]
      tags: { regex: 'pr-(?<number>\d+)(-.*)?' }
      groupBy: number
      keepNewest: 1
      olderThan: 14d
    # feature-login-3f2a91c: a branch and a commit; a date of eight digits matches too
    - name: branches
      repositories: ["{repositories}"]
      tags: { regex: '(?<branch>.+)-[0-9a-f]{7,40}' }
      groupBy: branch
      keepNewest: 2
      olderThan: 14d`,
  },
  {
    name: 'nightlies',
    summary: 'Nightly builds: keep the newest 7, and all of 30 days',
    protect: versions,
    rules: `    - name: nightlies
      repositories: ["{repositories}"]
      tags: ["nightly", "nightly-*"]
      keepNewest: 7
      olderThan: 30d`,
  },
  {
    name: 'release-candidates',
    summary: 'Release candidates: keep the newest 2 of each version, and all of 60 days',
    // A range would match the candidates too.
    protect: String.raw`    - { tags: { regex: 'v?\d+\.\d+\.\d+' }, optional: true } # releases`,
    rules: String.raw`    # 1.4.0-rc.1, v2.0.0-beta.3
    - name: release-candidates
      repositories: ["{repositories}"]
      tags: { regex: 'v?(?<version>\d+\.\d+\.\d+)-(alpha|beta|rc)[.-]?\d*' }
      groupBy: version
      keepNewest: 2
      olderThan: 60d`,
  },
  {
    name: 'environment',
    summary: 'A whole environment: keep the newest versions and images in use',
    protect: `    # the highest two patches of each minor version
    - { semver: { range: ">=0.0.0", newestPer: minor, count: 2 }, optional: true }
    # images in these files; dray deletes nothing if it cannot read them
    - inUse: { files: ["deploy/**/*.yaml"] }
    # images that run in a cluster:
    # - inUse: { kubectl: { contexts: [production] } }`,
    rules: `    - name: unused
      repositories: ["{repositories}"]
      keepNewest: 5
      olderThan: 30d`,
  },
]

/** Formats the section `retention` with a policy for an environment, as YAML with comments. */
export function formatRetentionSection({ protect, rules }: StartingPolicy, environment: string): string {
  return `# "dray prune" shows what it would delete. Only "dray prune --apply" deletes.
retention:
  protect: # never deleted; "optional" allows that nothing matches
    - { tags: [latest, "prod-*", "release-*"], optional: true }
${protect}
  rules: # delete if all conditions of a rule match; other tags are kept
${rules.replaceAll('{repositories}', () => `@${environment}/**`)}
  # dray deletes nothing if a plan exceeds a limit.
  limits: { maxDeletes: 200, maxPercent: 50, minRemaining: 1 }
`
}
