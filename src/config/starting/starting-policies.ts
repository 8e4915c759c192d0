/** A retention policy to begin with. */
export interface StartingPolicy {
  readonly name: string
  /** one line, for a menu */
  readonly summary: string
  /** YAML: the rules */
  readonly rules: string
  /** YAML: protections in addition to those of all policies, in whole lines */
  readonly protect: string
  /** YAML: the key `timeFrom`, if the policy explains it */
  readonly timeFrom?: string
}

/** Does not depend on the scheme of a repository, so that a wrong scheme deletes no release. */
const allVersions = String.raw`    # every tag that begins like a version: 1.4.2, v1.4.2-rc.1, 2024.04.1, 27.3.4.1, 16.3-alpine
    - { name: versions, tags: { regex: 'v?\d+(\.|alpha|beta|rc)\d.*' }, optional: true }
`

/** A name with a version is a release of one of several images in a repository. */
const namedVersions = String.raw`    # versions after a name: web-1.4.2, web-v1.4.2-rc.1
    - name: versions of components
      tags:
        regex: '[A-Za-z].*-v?\d+\.\d.*'
        exclude: ["pr-*", "feature-*", "fix-*", "dependabot-*", "renovate-*", "dev-*", "nightly-*", "build-*"]
      optional: true
`

/**
 * In the order of the menu, the default first, indented as below `retention:`. `{repositories}` is
 * a placeholder.
 */
export const startingPolicies: readonly [StartingPolicy, ...StartingPolicy[]] = [
  {
    name: 'newest',
    summary: 'Builds: keep all versions, the newest 20 others, and all of 30 days',
    protect: allVersions + namedVersions,
    rules: `    - name: builds # every tag that is not protected
      repositories: ["{repositories}"]
      keepNewest: 20
      olderThan: 30d`,
  },
  {
    name: 'pull-requests',
    summary: 'Pull requests and branches: keep the newest of each, and all of 14 days',
    protect: allVersions + namedVersions,
    rules: String.raw`    # pr-17, pr-17-3f2a91c; without groupBy, the last image of an old pull request is deleted too
    - name: pull-requests
      repositories: ["{repositories}"]
      tags: { regex: 'pr-(?<number>\d+)(-.*)?' }
      groupBy: number
      keepNewest: 1
      olderThan: 14d
    # main-3f2a91c, web-main-3f2a91c, sha-3f2a91c: branches that releases come from
    - name: main-branches
      repositories: ["{repositories}"]
      tags: { regex: '(?<branch>(.+-)?(main|master|trunk|develop|next|canary|edge|sha))-[0-9a-f]{7,40}' }
      groupBy: branch
      keepNewest: 20
      olderThan: 30d
    # feature-login-3f2a91c: a branch and a commit, not a date
    - name: branches
      repositories: ["{repositories}"]
      tags: { regex: '(?<branch>.+)-[0-9a-f]{7,40}', exclude: { regex: '.+-(19|20)\d{6,12}' } }
      groupBy: branch
      keepNewest: 2
      olderThan: 14d
    # cache-pr-17: build caches have no time, so the highest numbers are the newest
    - name: caches
      repositories: ["{repositories}"]
      tags: { regex: '(build)?cache-pr-(?<number>\d+)(-.*)?' }
      orderBy: { number: number }
      keepNewest: 20`,
  },
  {
    name: 'nightlies',
    summary: 'Nightly builds: keep the newest 7, and all of 30 days',
    protect: allVersions + namedVersions,
    rules: `    # Reproducible builds have no time. For them, replace olderThan with: orderBy: name
    - name: nightlies
      repositories: ["{repositories}"]
      tags: ["nightly-*"]
      keepNewest: 7
      olderThan: 30d`,
  },
  {
    name: 'release-candidates',
    summary: 'Release candidates: keep the newest 2 of each version, and all of 60 days',
    // The protection of all versions includes the candidates.
    protect: String.raw`    # releases: 1.4.2, v1.4.2, 27.3.4.1, web-1.4.2
    - { name: releases, tags: { regex: '([A-Za-z].*-)?v?\d+(\.\d+)+(_.*)?' }, optional: true }
`,
    rules: String.raw`    # 1.4.0-rc.1, v2.0.0-beta.3, 1.4.0-rc.1-alpine, web-1.4.0-rc.1, 17beta1
    - name: release-candidates
      repositories: ["{repositories}"]
      tags:
        regex: '(?<version>v?\d+(\.\d+)*|[A-Za-z].*-v?\d+(\.\d+)+)-?(alpha|beta|rc)[.-]?[\d.]*(?<suffix>(-.+)?)'
      groupBy: [version, suffix]
      keepNewest: 2
      olderThan: 60d`,
  },
  {
    name: 'environment',
    summary: 'A whole environment: keep the newest versions and images in use',
    protect: `    # the highest two patches of each minor version, and of each variant
    - { semver: { range: ">=0.0.0", newestPer: minor, count: 2 }, optional: true }
    # 1.4, 1.4-alpine, 16.3: floating tags, and versions of two numbers
    - { name: two numbers, tags: { regex: 'v?\\d+\\.\\d+(-.+)?' }, optional: true }
${namedVersions}    # images in these files; dray deletes nothing if it cannot read them
    - inUse: { files: ["deploy/**/*.yaml"] }
    # images that run in a cluster:
    # - inUse: { kubectl: { contexts: [production] } }
`,
    rules: `    - name: unused
      repositories: ["{repositories}"]
      keepNewest: 5
      olderThan: 30d
    # untagged images that promotions have replaced, found in the audit log:
    # - { name: superseded, kind: superseded, keepNewest: 3, olderThan: 30d }`,
    timeFrom: `  # An image is as old as its last promotion to this environment.
  timeFrom: [promoted, annotation, config]
`,
  },
]

/** Formats the section `retention` with a policy for an environment, as YAML with comments. */
export function formatRetentionSection(
  { protect, rules, timeFrom = '' }: StartingPolicy,
  environment: string,
): string {
  return `# "dray prune" shows what it would delete. Only "dray prune --apply" deletes.
retention:
  protect: # never deleted; "optional" allows that nothing matches
    # main, web-main, latest-alpine, prod-eu, release-1.4
    - name: floating tags
      tags:
        regex: '(.+-)?(latest|stable|lts|edge|nightly|main|master|develop|dev|staging|prod|production)'
        exclude: ["pr-*"]
      optional: true
    - { tags: ["latest-*", "prod-*", "release-*"], optional: true }
${protect}  rules: # delete if all conditions of a rule match; other tags are kept
${rules.replaceAll('{repositories}', () => `@${environment}/**`)}
${timeFrom}  # dray deletes nothing if a plan exceeds a limit.
  limits: { maxDeletes: 200, maxPercent: 50, minRemaining: 1 }
`
}
