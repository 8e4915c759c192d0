/** A retention policy to begin with. */
export interface StartingPolicy {
  readonly name: string
  /** one line, for a menu */
  readonly summary: string
  /** YAML: the rules */
  readonly rules: string
  readonly protect: string
}

const releases = `    # all releases, and their pre-releases
    - semver: { range: ">=0.0.0" }
      optional: true`

/** In the order of the menu, indented as below `retention:`. `{repositories}` is a placeholder. */
export const startingPolicies: readonly StartingPolicy[] = [
  {
    name: 'pull-requests',
    summary: 'Pull requests and branches: the newest build of each, all for two weeks',
    protect: releases,
    rules: String.raw`    # pr-17, pr-17-3f2a91c
    - name: pull-requests
      repositories: ["{repositories}"]
      tags: { regex: 'pr-(?<number>\d+)(-.*)?' }
      groupBy: number
      keepNewest: 1
      olderThan: 14d
    # feature-login-3f2a91c: a branch and a commit; a date of eight digits looks like one too
    - name: branches
      repositories: ["{repositories}"]
      tags: { regex: '(?<branch>.+)-[0-9a-f]{7,40}' }
      groupBy: branch
      keepNewest: 2
      olderThan: 14d`,
  },
  {
    name: 'nightlies',
    summary: 'Nightly builds: 30 days, and never fewer than seven of them',
    protect: releases,
    rules: `    - name: nightlies
      repositories: ["{repositories}"]
      tags: ["nightly", "nightly-*"]
      keepNewest: 7
      olderThan: 30d`,
  },
  {
    name: 'release-candidates',
    summary: 'Release candidates: the newest two of each version, all for 60 days',
    // A range would match the candidates too.
    protect: String.raw`    # releases, and not their candidates
    - tags: { regex: 'v?\d+\.\d+\.\d+' }
      optional: true`,
    rules: String.raw`    # 1.4.0-rc.1, v2.0.0-beta.3
    - name: release-candidates
      repositories: ["{repositories}"]
      tags: { regex: 'v?(?<version>\d+\.\d+\.\d+)-(alpha|beta|rc)[.-]?\d*' }
      groupBy: version
      keepNewest: 2
      olderThan: 60d`,
  },
  {
    name: 'newest',
    summary: 'Builds of any name: the newest 20 of each image, all for a week',
    protect: releases,
    rules: `    # without tags it is about every tag
    - name: builds
      repositories: ["{repositories}"]
      keepNewest: 20
      olderThan: 7d`,
  },
  {
    name: 'environment',
    summary: 'A whole environment: all but the newest releases and what runs, after 30 days',
    protect: `    # of each minor version the highest two
    - semver: { range: ">=0.0.0", newestPer: minor, count: 2 }
      optional: true
    # what these files have running, wherever it is; where they cannot be read, nothing is deleted
    - inUse: { files: ["deploy/**/*.yaml"] }
    # what runs in a cluster, as kubectl tells it:
    # - inUse: { kubectl: { contexts: [production] } }`,
    rules: `    - name: unused
      repositories: ["{repositories}"]
      keepNewest: 5
      olderThan: 30d`,
  },
]

/** Formats the section `retention` with a policy for an environment, as YAML with comments. */
export function formatRetentionSection({ protect, rules }: StartingPolicy, environment: string): string {
  return `# What "dray prune" may delete. It shows a plan; only --apply carries it out.
retention:
  # These are never deleted, whatever the rules say, nor is anything that they refer to.
  protect:
    - tags: [latest, "prod-*", "release-*"]
      optional: true # there may be none
${protect}
  # What all conditions of a rule agree on may be deleted; any one rule is enough.
  # What no rule selects is kept, and so is what has no time to be believed.
  rules:
${rules.replaceAll('{repositories}', () => `@${environment}/**`)}
  # Beyond these nothing at all is deleted. The first run may have more to do: see its plan, then raise them for it.
  limits:
    maxDeletes: 200 # images, in a repository and in the run
    maxPercent: 50 # of the images of a repository
    minRemaining: 1 # images that each repository has afterwards
  # Where the time of an image is read: org.opencontainers.image.created, then its config.
  timeFrom: [annotation, config]
`
}
