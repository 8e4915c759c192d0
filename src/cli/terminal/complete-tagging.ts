import { isBareName } from '../../config/resolver/argument-grammar.ts'
import { resolveImage, type Within, withinOption } from '../../config/resolver/resolve.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import { adviseUnread } from '../../semver/unread-version.ts'
import { isExactVersion, parseVersion } from '../../semver/version.ts'
import { splitVersion } from '../arguments/tag-requests.ts'
import { taggingPolicy, type VersionFlags } from '../arguments/tagging-policy.ts'
import { newFlag } from '../command/command-line.ts'
import { askEnvironment, askImage, askImages, type AskPorts, withTag } from './ask-images.ts'

/** The arguments and options of `tag` that questions can complete. */
export interface TaggingArguments {
  /** images; the last can be a version */
  readonly references: readonly string[]
  readonly env: string | undefined
  /** an option selects the tags */
  readonly hasTagOption: boolean
  /** the flags that decide which tags are versions */
  readonly policy: VersionFlags
}

/** The arguments and options of `tag` with the answers. */
export interface CompleteTagging {
  readonly references: readonly string[]
  readonly env: string | undefined
  readonly next?: 'patch' | 'minor' | 'major'
  readonly fromLabel?: true
  /** the answers as flags */
  readonly flags: readonly string[]
}

const versionChoices = [
  { value: 'patch', label: 'next patch version' },
  { value: 'minor', label: 'next minor version' },
  { value: 'major', label: 'next major version' },
  { value: 'label', label: 'version in the label of the image' },
  { value: 'other', label: 'another version' },
] as const

/** Asks for a missing environment, images and version; undefined if nothing is missing. */
export async function completeTagging(
  given: TaggingArguments,
  ports: AskPorts,
): Promise<CompleteTagging | undefined> {
  const { images: named, version } = given.hasTagOption
    ? { images: given.references, version: undefined }
    : splitVersion(given.references)
  const env = needsEnvironment(named, given.env, ports) ? await askWhere(ports) : given.env
  const within = withinOption('--env', env)
  const hasVersion =
    given.hasTagOption || version !== undefined || isEachVersioned(named, within, given, ports)
  if (env === given.env && named.length > 0 && hasVersion) return undefined
  const chosen = named.length > 0 ? named : await askImages(ports)
  const images: string[] = []
  for (const image of chosen) images.push(await withTag(image, within, ports))
  const answer =
    hasVersion || isEachVersioned(images, within, given, ports)
      ? {}
      : await askVersion(policiesOf(images, within, given, ports), ports)
  const { entered = version, flags = [], ...rest } = answer
  return {
    references: [...images, ...(entered === undefined ? [] : [entered])],
    env,
    ...rest,
    flags: [...newFlag('env', given.env, env), ...flags],
  }
}

/** The arguments and options of `rollback` that questions can complete. */
export interface RollbackArguments {
  readonly image: string | undefined
  readonly env: string | undefined
}

/** Asks for the environment and the image if they are missing. */
export async function completeRollback(
  given: RollbackArguments,
  ports: AskPorts,
): Promise<RollbackArguments> {
  const named = given.image === undefined ? [] : [given.image]
  const env = needsEnvironment(named, given.env, ports) ? await askWhere(ports) : given.env
  const image = given.image ?? (env === undefined ? undefined : await askImage(ports))
  return env === given.env && image === given.image ? given : { image, env }
}

function needsEnvironment(images: readonly string[], env: string | undefined, { config }: AskPorts): boolean {
  if (env !== undefined || config.environments.size === 0) return false
  return images.length === 0 || images.some(isBareName)
}

async function askWhere(ports: AskPorts): Promise<string> {
  return await askEnvironment('Environment:', [...ports.config.environments.keys()], ports)
}

async function askVersion(
  policies: readonly TagPolicy[],
  { questions }: AskPorts,
): Promise<
  Pick<CompleteTagging, 'next' | 'fromLabel'> & {
    readonly flags?: readonly string[]
    readonly entered?: string
  }
> {
  const isDate = policies.some(({ scheme }) => scheme === 'calver')
  const choices = versionChoices.filter(({ value }) => !isDate || (value !== 'minor' && value !== 'major'))
  const choice = await questions.pick('New version:', choices)
  switch (choice) {
    case 'patch':
    case 'minor':
    case 'major':
      return { next: choice, flags: ['--next', choice] }
    case 'label':
      return { fromLabel: true, flags: ['--from-label'] }
    default:
      return {
        entered: await questions.enter(promptFor(policies), (text) => {
          const unread = policies.find((policy) => parseVersion(text, policy) === undefined)
          return unread && adviseUnread(text, unread)
        }),
      }
  }
}

function promptFor(policies: readonly TagPolicy[]): string {
  return policies.every(({ scheme }) => scheme === 'semver') ? 'Version (MAJOR.MINOR.PATCH):' : 'Version:'
}

/** Whether the tag of each image is its version. */
function isEachVersioned(
  images: readonly string[],
  within: Within,
  given: TaggingArguments,
  ports: AskPorts,
): boolean {
  return (
    images.length > 0 &&
    images.every((text) => {
      const image = resolveImage(text, { accepts: ['image', 'layout'], within }, ports.config)
      return (
        image.tag !== undefined && isExactVersion(image.tag, taggingPolicy(image, given.policy, ports.config))
      )
    })
  )
}

function policiesOf(
  images: readonly string[],
  within: Within,
  { policy }: TaggingArguments,
  { config }: AskPorts,
): readonly TagPolicy[] {
  return images.map((text) => {
    const image = resolveImage(text, { accepts: ['image', 'layout'], within }, config)
    return taggingPolicy(image, policy, config)
  })
}
