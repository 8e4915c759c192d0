import { resolve } from 'node:path'
import type { Config } from '../../config/config.ts'
import type { GitOpsConfig } from '../../config/gitops/gitops.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { EditedImage, EditPlan, GitRequest } from '../../plan/edits/edit-step.ts'
import { decideEdits } from '../../usecases/gitops/decide.ts'
import { type GatheredFile, gatherFiles } from '../../usecases/gitops/gather.ts'
import type { EditRequest } from '../../usecases/gitops/request.ts'
import type { Context } from '../wiring/context.ts'
import { decideWithRecords } from './decide-with-records.ts'
import { deploymentFilesIn, type EditableFiles } from './deployment-files.ts'
import { gitRequestOf, type PublishFlags } from './git-request.ts'
import { openGitPorts } from './open-git-ports.ts'
import { editRequest } from './wanted-images.ts'

/** The current basis of the edits of a plan. */
export interface EditFindings {
  readonly request: EditRequest
  readonly files: EditableFiles
  /** absolute paths of the files to commit; absent if nothing is committed */
  readonly toCommit?: readonly string[]
}

export interface PlannedEdits {
  readonly edits: EditPlan
  readonly findings: EditFindings
  readonly warnings: readonly string[]
}

/**
 * Decides the edits that bring images into the deployment files of their environment, and checks
 * that they can be committed. It changes nothing and reads no registry.
 * @param git the flags, or the request of a saved plan
 * @throws `usage` for an environment without files; what the gather, the decision and git throw.
 */
export async function planEdits(
  images: readonly EditedImage[],
  environment: string,
  git:
    | { readonly flags: PublishFlags }
    | { readonly saved: GitRequest | undefined; readonly auditFile: string | undefined },
  context: Context,
  call: Call,
): Promise<PlannedEdits> {
  const [gitops, { config }] = await Promise.all([
    gitopsOfEnvironment(environment, context),
    context.config(),
  ])
  return await planEditsIn(gitops, images, git, { config, context, call })
}

async function planEditsIn(
  gitops: GitOpsConfig,
  images: readonly EditedImage[],
  git: Parameters<typeof planEdits>[2],
  { config, context, call }: { readonly config: Config; readonly context: Context; readonly call: Call },
): Promise<PlannedEdits> {
  const wanted = 'flags' in git ? gitRequestOf(git.flags, gitops, images) : git.saved
  const auditFile = 'flags' in git ? git.flags['audit-file'] : git.auditFile
  const files = deploymentFilesIn(gitops.folder)
  const plain = editRequest(gitops, images, config)
  const gathered = await gatherFiles(plain, files, call)
  const { request, decided } = await decideWithRecords(gathered, plain, auditFile, context, call)
  const { plan, results, warnings } = decided
  const edits = { ...plan, ...(wanted !== undefined && { git: wanted }) }
  const toCommit =
    wanted === undefined
      ? undefined
      : await checkCommit(wanted, [...results.keys()], { request, gathered, files }, context, call)
  return { edits, findings: { request, files, ...(toCommit !== undefined && { toCommit }) }, warnings }
}

/** @throws `usage` for an environment without deployment files; `config` for mistakes in them. */
export async function gitopsOfEnvironment(environment: string, context: Context): Promise<GitOpsConfig> {
  const { gitopsOf } = await import('../../config/gitops/gitops-of.ts')
  const loaded = await context.config()
  const gitops = gitopsOf(loaded).get(environment)
  if (gitops !== undefined) return gitops
  throw new DrayError('usage', `${environment} has no deployment files`, {
    subject: environment,
    why: `environments.${environment}.gitops is not in ${loaded.name ?? 'dray.yaml'}`,
    hint: `Add the files to dray.yaml: environments.${environment}.gitops: [{ files: "clusters/${environment}/**/*.yaml" }]`,
  })
}

/** Checks the working tree of git before anything is promoted. */
async function checkCommit(
  { mode, branch }: GitRequest,
  names: readonly string[],
  basis: {
    readonly request: EditRequest
    readonly gathered: readonly GatheredFile[]
    readonly files: EditableFiles
  },
  context: Context,
  call: Call,
): Promise<readonly string[]> {
  const { checkWorkingTree } = await import('../../deployments/git/check-working-tree.ts')
  const { folder } = basis.files
  const paths = new Map(names.map((name) => [resolve(folder, name), name]))
  return await checkWorkingTree(
    {
      mode,
      ...(branch !== undefined && { branch }),
      folder,
      files: [...paths.keys()],
      edit: async (path, bytes) => editedBytes(paths.get(path), bytes, basis),
    },
    openGitPorts(context),
    call,
  )
}

/** The bytes of one file after the edits; undefined if they cannot be decided. */
function editedBytes(
  name: string | undefined,
  bytes: Uint8Array,
  { request, gathered }: { readonly request: EditRequest; readonly gathered: readonly GatheredFile[] },
): Uint8Array | undefined {
  if (name === undefined) return undefined
  const files = gathered.map((one) => (one.file === name ? { ...one, bytes } : one))
  try {
    return decideEdits(files, request).results.get(name)
  } catch (error) {
    if (isDrayError(error)) return undefined
    throw error
  }
}
