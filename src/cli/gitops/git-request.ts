import type { GitOpsConfig } from '../../config/gitops/gitops.ts'
import { digestOf } from '../../oci/digest.ts'
import { DrayError } from '../../lib/errors.ts'
import type { EditedImage, EditPlan, GitRequest } from '../../plan/edits/edit-step.ts'

/** The flags that commit edits. */
export interface PublishFlags {
  readonly commit?: boolean | undefined
  readonly push?: boolean | undefined
  readonly pr?: boolean | undefined
  readonly message?: string | undefined
  readonly branch?: string | undefined
  /** the audit log, which shows the edits that an interrupted run began */
  readonly 'audit-file'?: string | undefined
}

/** Of a command that also writes tags: `--gitops` asks for edits. */
export interface EditFlags extends PublishFlags {
  readonly gitops?: boolean | undefined
}

const defaultMessage = 'Deploy {image} {version} to {env}'
/** The most images that a commit message and the name of a branch list. */
const maxNamed = 3

/**
 * The commit that the flags and dray.yaml ask for; undefined if edits stay in the working tree.
 * @throws `usage` for `--message` or `--branch` without a commit.
 */
export function gitRequestOf(
  flags: PublishFlags,
  { environment, git }: GitOpsConfig,
  images: readonly EditedImage[],
): GitRequest | undefined {
  const mode = modeOf(flags, git.pullRequest === true)
  if (mode === undefined) {
    const given = (['message', 'branch'] as const).find((name) => flags[name] !== undefined)
    if (given === undefined) return undefined
    throw new DrayError('usage', `--${given} needs a commit`, {
      hint: `Pass --commit, --push or --pr with --${given}.`,
    })
  }
  const branch = flags.branch ?? git.branch?.replaceAll('{env}', environment)
  return {
    mode,
    ...(branch !== undefined && { branch }),
    message: messageOf(flags.message ?? git.message ?? defaultMessage, environment, images),
  }
}

/** Returns what the flags ask git for; undefined if the edits stay uncommitted. */
function modeOf({ commit, push, pr }: PublishFlags, isPullRequest = false): GitRequest['mode'] | undefined {
  if (pr === true) return 'pullRequest'
  if (push === true) return isPullRequest ? 'pullRequest' : 'push'
  return commit === true ? 'commit' : undefined
}

/** Several images are listed with their versions. */
function messageOf(template: string, environment: string, images: readonly EditedImage[]): string {
  const names = images.map(({ image }) => image)
  const versions = images.map(versionOf)
  const both = images.map((image) => `${image.image} ${versionOf(image)}`)
  return template
    .replaceAll('{image} {version}', () => listed(both))
    .replaceAll('{image}', () => listed(names))
    .replaceAll('{version}', () => listed(versions))
    .replaceAll('{digest}', () => listed(images.map(({ digest }) => shortHash(digest))))
    .replaceAll('{env}', () => environment)
}

function listed(texts: readonly string[]): string {
  if (texts.length <= maxNamed) return texts.join(', ')
  return `${texts.slice(0, maxNamed).join(', ')} and ${texts.length - maxNamed} more`
}

function versionOf({ tag, digest }: EditedImage): string {
  return tag ?? shortHash(digest)
}

function shortHash(digest: string): string {
  return digest.slice(0, digest.indexOf(':') + 13)
}

/** The same name for the same images, so that a repeated run finds its branch. */
export function pullRequestBranch({ environment, images }: EditPlan): string {
  const facts = images
    .map(({ image, tag = '', digest }) => `${image}:${tag}@${digest}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
  const hash = digestOf(facts.join(' ')).slice('sha256:'.length, 'sha256:'.length + 8)
  const names = images.slice(0, maxNamed).map(({ image }) => image.replaceAll('/', '-'))
  return `dray/${environment}/${[...names, hash].join('-')}`
}
