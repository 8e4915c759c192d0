import { project } from '../../src/cli/project.ts'

/** A file that a build used (in-toto attestation, spec/v1/resource_descriptor.md). */
export interface Material {
  readonly name: string
  readonly uri?: string
  readonly digest: Readonly<Record<string, string>>
}

/** The facts of a build that its provenance states. */
export interface BuildFacts {
  readonly version: string
  /** the hash of the commit; undefined outside of a repository */
  readonly commit: string | undefined
  /** RFC 3339: the time in the image */
  readonly created: string
  readonly materials: readonly Material[]
}

export const provenanceType = 'https://slsa.dev/provenance/v1'
/** The page describes the parameters below. */
const buildType = `${project.docs}/decisions/container-image.md`

/**
 * Builds the predicate of SLSA provenance v1 (slsa.dev/spec/v1.0/provenance). It has no times of
 * the run, so that a second build of the commit gives the same bytes.
 */
export function provenanceOf(facts: BuildFacts, env: NodeJS.ProcessEnv = process.env): object {
  const { version, commit, created, materials } = facts
  const source =
    commit === undefined
      ? []
      : [{ name: 'source', uri: `git+${project.repository}`, digest: { gitCommit: commit } }]
  return {
    buildDefinition: {
      buildType,
      externalParameters: { version },
      internalParameters: { created, node: process.version },
      resolvedDependencies: [...source, ...materials],
    },
    runDetails: { builder: { id: builderOf(env) }, ...invocationOf(env) },
  }
}

/** The workflow that runs the build, by the variables of GitHub Actions. */
function builderOf(env: NodeJS.ProcessEnv): string {
  const { GITHUB_SERVER_URL: server, GITHUB_WORKFLOW_REF: workflow } = env
  return server && workflow ? `${server}/${workflow}` : 'urn:dray:local-build'
}

function invocationOf(env: NodeJS.ProcessEnv): object {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env
  if (!server || !repository || !run) return {}
  const attempt = env['GITHUB_RUN_ATTEMPT'] ?? '1'
  return { metadata: { invocationId: `${server}/${repository}/actions/runs/${run}/attempts/${attempt}` } }
}
