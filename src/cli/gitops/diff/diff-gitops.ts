import type { Config } from '../../../config/config.ts'
import { gitopsOf } from '../../../config/gitops/gitops-of.ts'
import { resolveEnvironmentOption } from '../../../config/resolver/resolve.ts'
import { queryRunningImages } from '../../../deployments/clusters/running-images.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError, type ErrorCode, isDrayError, toErrorInfo } from '../../../lib/errors.ts'
import { compareGitOps } from '../../../usecases/gitops/diff/compare.ts'
import { findDeclared } from '../../../usecases/gitops/diff/declared.ts'
import type { DesiredImage } from '../../../usecases/gitops/diff/desired-image.ts'
import type { ClusterFacts } from '../../../usecases/gitops/diff/facts.ts'
import { gatherCompared } from '../../../usecases/gitops/diff/gather-compared.ts'
import { gatherDesired } from '../../../usecases/gitops/diff/gather-desired.ts'
import type { GitOpsDiff } from '../../../usecases/gitops/diff/gitops-diff.ts'
import { ImageOwners } from '../../../usecases/gitops/diff/image-owners.ts'
import { resolveImageNames } from '../../arguments/named-images.ts'
import { listTargets } from '../../arguments/status-request.ts'
import { readDeployedImages } from '../../deployed/read-deployed-images.ts'
import type { Context } from '../../wiring/context.ts'
import { readDeclaredFiles } from './declared-files.ts'
import { otherNamesIn, otherNamesInClusters, ownerPorts } from './owner-ports.ts'

export interface GitOpsDiffRequest {
  /** of `--env` */
  readonly environment: string
  /** empty: all */
  readonly images: readonly string[]
  /** of kubectl */
  readonly contexts: readonly string[]
}

/** The user has to correct these. No other cluster is read after one. */
const fatal: ReadonlySet<ErrorCode> = new Set(['config', 'interrupted', 'internal'])

/**
 * Compares the deployment files and clusters of an environment with its images at the registry.
 * Changes nothing.
 * @throws `usage`, `config`, `refused`, `io`.
 */
export async function diffGitOps(
  context: Context,
  request: GitOpsDiffRequest,
  call: Call,
): Promise<GitOpsDiff> {
  const loaded = await context.config()
  const { config } = loaded
  const { environment } = resolveEnvironmentOption(request.environment, config)
  const gitops = gitopsOf(loaded).get(environment)
  if (gitops === undefined && request.contexts.length === 0) throw nothingToCompare(environment)
  const within = { option: '--env', environments: [environment] } as const
  const images = resolveImageNames(request.images, within, config)
  const desired = await readDesired(context, images, environment, config, call)
  const ports = ownerPorts(environment, request.images.length === 0, config)
  const owners = new ImageOwners(desired, otherNamesInClusters(gitops, images, config), ports)
  const declared =
    gitops &&
    findDeclared(
      await readDeclaredFiles(
        gitops,
        images,
        (rule) => new ImageOwners(desired, otherNamesIn(rule, images, config), ports),
        call,
      ),
      owners,
    )
  const clusters = await readClusters(context, request.contexts, owners, call)
  const stores = await context.stores()
  const facts = await gatherCompared(stores, declared?.entries ?? [], clusters, owners, call)
  return compareGitOps({ environment, desired, declared, clusters, facts }, owners)
}

async function readDesired(
  context: Context,
  images: readonly string[],
  environment: string,
  config: Config,
  call: Call,
): Promise<readonly DesiredImage[]> {
  const targets = images.flatMap((image) => listTargets(image, environment, config))
  const deployed = await readDeployedImages(context, targets, call)
  const cells = deployed.map(({ target, cell: { digest, version, highest, error } }) => ({
    image: target.image,
    repository: target.repository,
    digest,
    version: version ?? highest,
    ...(error !== undefined && { error }),
  }))
  return await gatherDesired(await context.stores(), cells, call)
}

async function readClusters(
  context: Context,
  contexts: readonly string[],
  owners: ImageOwners,
  call: Call,
): Promise<readonly ClusterFacts[]> {
  const isNeeded = (image: string, imageId: string): boolean =>
    owners.ofContainer({ image, imageId }) !== undefined ||
    owners.likeContainer({ image, imageId }).length > 0
  const read: ClusterFacts[] = []
  // One at a time, because each may ask for a login.
  for (const name of new Set(contexts)) {
    try {
      read.push({ context: name, images: await queryRunningImages(name, isNeeded, context, call) })
    } catch (error) {
      if (!isDrayError(error) || fatal.has(error.code) || call.signal.aborted) throw error
      read.push({ context: name, images: [], error: toErrorInfo(error) })
    }
  }
  return read
}

function nothingToCompare(environment: string): DrayError {
  return new DrayError('usage', `there is nothing to compare with ${environment}`, {
    why: `dray.yaml has no \`gitops\` for ${environment}, and --context names no cluster`,
    hint: `Add the deployment files to dray.yaml (environments.${environment}.gitops), or pass --context NAME.`,
  })
}
