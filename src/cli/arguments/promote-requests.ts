import type { Config } from '../../config/config.ts'
import { environmentNamed, repositoriesOf } from '../../config/environments.ts'
import { formatTagAndDigest } from '../../config/resolver/argument-grammar.ts'
import {
  namesOf,
  resolve,
  resolveEnvironmentOption,
  resolveImage,
  type ResolvedEnvironment,
  type ResolvedImage,
  type Within,
  withinOption,
} from '../../config/resolver/resolve.ts'
import { asUsage } from '../../lib/as-usage.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Platform } from '../../oci/platform.ts'
import { defaultTag, parseTag, tagOrDigest, type TagOrDigest } from '../../oci/reference.ts'
import type { TagMaintenance, PromoteRequest as Request } from '../../usecases/promote/request.ts'
import { type ImageOwner, readingOfImage, tagPolicyOf } from '../changes/tag-policy.ts'

/** The arguments and options of `promote` and `copy`. */
export interface PromoteArguments {
  /** a copy ignores which environments take images from which */
  readonly operation: 'promote' | 'copy'
  /** images; without `to` a source and a destination */
  readonly references: readonly string[]
  /** an environment, with or without `@` */
  readonly from?: string
  readonly to?: string
  /** the tags to write instead of the source's */
  readonly tags: readonly string[]
  /** of an index: the platforms to copy; absent or empty: all */
  readonly platforms?: readonly Platform[]
  readonly expect?: Digest
  /** overrides `attest` of the environment */
  readonly attest?: boolean
  /** floating tags can move to a lower version */
  readonly allowBackward?: boolean
  /** the folder that relative paths of layouts start at */
  readonly cwd: string
}

/** Finds the tag or digest of the only image in the folder of a layout. */
export type FindOnlyImage = (folder: string) => Promise<TagOrDigest>

type Destination = ResolvedImage | ResolvedEnvironment

/** Resolves the arguments of `promote` and `copy`. @throws `usage`; what `findOnlyImage` throws. */
export async function promoteRequests(
  given: PromoteArguments,
  config: Config,
  findOnlyImage: FindOnlyImage,
): Promise<readonly Request[]> {
  const { sources: texts, destination } = resolveDestination(given, config)
  const within = sourcesOf(destination, given, config)
  const sources = await Promise.all(
    texts.map(async (text) => {
      const source = resolveImage(text, { accepts: ['image', 'layout'], within, cwd: given.cwd }, config)
      return await withOnlyImage(source, findOnlyImage)
    }),
  )
  if (given.expect !== undefined && sources.length > 1) {
    throw new DrayError('usage', '--expect-digest requires exactly one image', {
      hint: 'Promote the images one by one.',
    })
  }
  if (sources.length > 1 && destination.kind !== 'environment') {
    throw new DrayError('usage', `cannot write several images to the reference ${destination.text}`, {
      hint: 'Pass an environment with --to, or promote the images one by one.',
    })
  }
  const distinct = [...new Map(sources.map((source) => [source.text, source])).values()]
  const names = namesOf(distinct)
  return distinct.map((source, i) => ({
    image: names[i] ?? source.text,
    ...requestOf(source, destination, given, config),
  }))
}

function resolveDestination(
  { references, to, cwd }: PromoteArguments,
  config: Config,
): { readonly sources: readonly string[]; readonly destination: Destination } {
  const [source, destination, ...more] = references
  if (source === undefined) throw missing('an image')
  if (to !== undefined) return { sources: references, destination: resolveEnvironmentOption(to, config) }
  checkEnvironmentIsNamed(references, config)
  if (destination === undefined || more.length > 0) throw missing('a destination')
  const accepts = ['environment', 'tag', 'layout'] as const
  return { sources: [source], destination: resolve(destination, { accepts, cwd }, config) }
}

/** @throws `usage` with the complete command for `api:1.4.2 prod` and `api 1.4.2 staging prod`. */
function checkEnvironmentIsNamed(references: readonly string[], { environments, images }: Config): void {
  const isEnvironment = (text: string): boolean => environments.has(text) && images?.has(text) !== true
  const count = references.toReversed().findIndex((text) => !isEnvironment(text))
  if (count !== 1 && count !== 2) return
  const sources = references.slice(0, -count)
  const isSplit = sources.length === 2 && sources.every((text) => !/[:@/]/.test(text))
  const [to = '', from] = references.slice(-count).toReversed()
  const options = from === undefined ? `--to ${to}` : `--from ${from} --to ${to}`
  const destination = sources.length === 1 ? `, or write @${to}` : ''
  throw new DrayError('usage', `"${to}" is an environment, which requires --to`, {
    hint: `Run "dray promote ${sources.join(isSplit ? ':' : ' ')} ${options}"${destination}.`,
  })
}

/** Returns the environment of bare names: that of `--from`, or the only one of `promoteFrom`. */
function sourcesOf(
  { environment }: Destination,
  { operation, from }: PromoteArguments,
  config: Config,
): Within {
  return operation === 'copy' ? { environments: [] } : withinSources(environment, from, config)
}

/**
 * Returns the environment of bare names that are written to an environment.
 * @param from the value of `--from`; by default the only environment of `promoteFrom`
 */
export function withinSources(
  environment: string | undefined,
  from: string | undefined,
  config: Config,
): Within {
  const only = from === undefined ? onlySourceOf(environment, config) : undefined
  return only === undefined ? withinOption('--from', from) : { environments: [only] }
}

/** The environment that another one takes images from, if it is the only one. */
export function onlySourceOf(environment: string | undefined, config: Config): string | undefined {
  const { promoteFrom = [] } = config.environments.get(environment ?? '') ?? {}
  return promoteFrom.length === 1 ? promoteFrom[0] : undefined
}

async function withOnlyImage(source: ResolvedImage, findOnlyImage: FindOnlyImage): Promise<ResolvedImage> {
  const { form, text, tag, digest, repositories } = source
  if (form !== 'layout' || tag !== undefined || digest !== undefined) return source
  const at = await findOnlyImage(repositories[0].path)
  const complete = `${text}${formatTagAndDigest(at)}`
  return { ...source, ...at, text: complete, shortText: complete }
}

function missing(what: string): DrayError {
  return new DrayError('usage', `${what} is missing`, {
    hint: 'Pass images with --from and --to (dray promote api:1.4.2 --from staging --to prod), or a source and a destination (dray promote @staging/api:1.4.2 @prod).',
  })
}

function requestOf(
  source: ResolvedImage,
  destination: Destination,
  given: PromoteArguments,
  config: Config,
): Omit<Request, 'image'> {
  const owner = ownerOf(source, destination)
  const to = destinationOf(owner, destination, given, config)
  const tag = destination.kind === 'image' ? destination.tag : undefined
  const chosen = given.tags.length > 0 ? given.tags.map((one) => asUsage(() => parseTag(one))) : listOf(tag)
  const tags = chosen.length > 0 ? chosen : listOf(tagOf(source))
  const tagMaintenance = keepUpIn(owner, chosen.length === 0, given, config)
  if (tags.length === 0 && given.operation === 'promote' && tagMaintenance === undefined) {
    throw new DrayError('usage', `${source.text} has no tag, and the destination needs one`, {
      hint: 'Pass the tag with --tag.',
    })
  }
  return {
    from: {
      ...(source.isNamed && source.environment !== undefined && { environment: source.environment }),
      repository: source.repositories[0],
      at: tagOrDigest(source),
      reading: readingOfImage(source, config),
    },
    to: { ...to, ...(isAttested(to, given, config) && { attest: true }) },
    tags,
    ...(tagMaintenance !== undefined && { tagMaintenance }),
    ...(given.expect !== undefined && { expect: given.expect }),
    ...(given.platforms !== undefined && given.platforms.length > 0 && { platforms: given.platforms }),
  }
}

/** The tag that an image keeps at the destination; none for a digest alone. */
function tagOf({ tag, digest }: ResolvedImage): string | undefined {
  return tag ?? (digest === undefined ? defaultTag : undefined)
}

function listOf(tag: string | undefined): readonly string[] {
  return tag === undefined ? [] : [tag]
}

/** The environment and the name of the image at the destination. */
function ownerOf(source: ResolvedImage, destination: Destination): ImageOwner {
  if (destination.kind === 'image') return destination
  return { environment: destination.environment, image: imageNameOf(source, destination) }
}

/** Returns the targets of an image with the rules of their environment, by any repository name. */
function destinationOf(
  owner: ImageOwner,
  destination: Destination,
  { operation }: PromoteArguments,
  config: Config,
): Request['to'] {
  const { environment, image = '' } = owner
  const reading = readingOfImage(owner, config)
  const targets =
    destination.kind === 'image'
      ? destination.repositories
      : repositoriesOf(config, destination.environment, image)
  if (environment === undefined) return { targets, reading }
  const { promoteFrom, tags } = environmentNamed(config, environment)
  const isReference = destination.kind === 'image' && destination.form === 'reference'
  return {
    // A copy to a repository names no environment in the audit log.
    ...((operation === 'promote' || !isReference) && { environment }),
    ...(tags?.immutable !== undefined && { immutable: tags.immutable }),
    ...(operation === 'promote' && promoteFrom !== undefined && { accepts: promoteFrom }),
    targets,
    reading,
  }
}

/** The name of an image in an environment. @throws `usage` for a layout without a name. */
export function imageNameOf(
  { image, form, repositories }: ResolvedImage,
  { environment, text }: ResolvedEnvironment,
): string {
  const last = form === 'layout' ? undefined : repositories[0].path.split('/').at(-1)
  const name = image ?? last
  if (name !== undefined) return name
  throw new DrayError('usage', `${text} does not name an image`, {
    hint: `Name it: @${environment}/NAME:TAG.`,
  })
}

/** Returns the policy for floating tags if the environment maintains them. */
function keepUpIn(
  owner: ImageOwner,
  mayDerive: boolean,
  { operation, allowBackward }: PromoteArguments,
  config: Config,
): TagMaintenance | undefined {
  const tags = config.environments.get(owner.environment ?? '')?.tags
  if (operation === 'copy' || tags?.semver === undefined) return undefined
  return { policy: tagPolicyOf(owner, config, allowBackward ?? false), mayDerive }
}

/** Whether to attest: a promotion by its environment, a copy only with an option. */
function isAttested(
  { environment }: Request['to'],
  { operation, attest }: PromoteArguments,
  config: Config,
): boolean {
  if (attest !== undefined) return attest
  if (operation === 'copy' || environment === undefined) return false
  return config.environments.get(environment)?.attest ?? false
}
