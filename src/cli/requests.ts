import { resolve } from 'node:path'
import { type Address, formatAddress, parseAddress } from '../config/addresses.ts'
import type { Config } from '../config/config.ts'
import { environmentNamed, imagesAt, repositoriesOf } from '../config/environments.ts'
import { DrayError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import {
  defaultTag,
  layoutRegistry,
  parseTag,
  type RepositoryName,
  type TagOrDigest,
} from '../oci/reference.ts'
import type { Request } from '../promote/snapshot.ts'
import { asUsage } from './usage-error.ts'

export interface Route {
  /** the words of the command line: images, or with no `to` a source and a destination */
  readonly words: readonly string[]
  /** an environment's name, with or without `@` */
  readonly from?: string
  readonly to?: string
  /** tags to write in place of the source's */
  readonly tags: readonly string[]
  readonly expect?: Digest
  /** in place of what the environment says */
  readonly attest?: boolean
  /** where relative folders of layouts begin */
  readonly cwd: string
}

/** Whether the rules of environments count: which takes images from which. */
export type Rules = 'promotion' | 'copy'

/** What the only image in a layout's folder is named by. */
export type OnlyImage = (folder: string) => Promise<TagOrDigest>

/** Turns the words of `promote` and `copy` into requests. @throws `usage`, `malformed`; what `onlyImage` throws. */
export async function requestsOf(
  route: Route,
  rules: Rules,
  config: Config,
  onlyImage: OnlyImage,
): Promise<readonly Request[]> {
  const { sources: named, destination } = split(route)
  const sources = await Promise.all(named.map((source) => inLayout(source, onlyImage)))
  if (route.expect !== undefined && sources.length > 1) {
    throw new DrayError('usage', '--expect-digest goes with one image', {
      hint: 'Promote the images one by one.',
    })
  }
  if (sources.length > 1 && destination.kind !== 'environment') {
    throw new DrayError(
      'usage',
      `several images cannot go to the one address ${formatAddress(destination)}`,
      {
        hint: 'Name an environment with --to, or promote the images one by one.',
      },
    )
  }
  // A word that is said twice is one image.
  const distinct = [...new Map(sources.map((source) => [formatAddress(source), source])).values()]
  const names = namesOf(distinct)
  return distinct.map((source, i) => ({
    image: names[i] ?? formatAddress(source),
    ...requestOf(source, destination, route, rules, config),
  }))
}

/**
 * As a person calls it in a sentence: an image of an environment without its environment, which is said beside it; but whole where two images would be
 * called the same.
 */
function namesOf(sources: readonly Address[]): readonly string[] {
  const short = sources.map((source) =>
    source.kind === 'image' ? formatAddress(source).replace(/^@[^/]*\//, '') : formatAddress(source),
  )
  const uses = Map.groupBy(short, (name) => name)
  return sources.map((source, i) => {
    const name = short[i] ?? ''
    return uses.get(name)?.length === 1 ? name : formatAddress(source)
  })
}

function split(route: Route): { readonly sources: readonly Address[]; readonly destination: Address } {
  const from = route.from === undefined ? undefined : environmentWord(route.from)
  const parse = (word: string): Address =>
    inEnvironmentOf(
      from,
      asUsage(() => parseAddress(word, from)),
    )
  if (route.to !== undefined) {
    if (route.words.length === 0) throw missing('an image')
    return {
      sources: route.words.map(parse),
      destination: { kind: 'environment', environment: environmentWord(route.to) },
    }
  }
  const [source, destination, ...more] = route.words
  if (source === undefined) throw missing('an image')
  if (destination === undefined || more.length > 0) throw missing('a destination')
  return { sources: [parse(source)], destination: asUsage(() => parseAddress(destination)) }
}

/** A layout with one image in it need not be told which. */
async function inLayout(source: Address, onlyImage: OnlyImage): Promise<Address> {
  if (source.kind !== 'layout' || source.tag !== undefined || source.digest !== undefined) return source
  return { ...source, ...(await onlyImage(source.folder)) }
}

function inEnvironmentOf(from: string | undefined, address: Address): Address {
  if (from === undefined || address.kind !== 'image' || address.environment === from) return address
  throw notIn(from, address)
}

function notIn(environment: string, address: Address): DrayError {
  return new DrayError('usage', `${formatAddress(address)} is not in ${environment}, which --from names`, {
    hint: 'Leave --from away, or name an image of that environment.',
  })
}

function environmentWord(word: string): string {
  return word.replace(/^@/, '')
}

function missing(what: string): DrayError {
  return new DrayError('usage', `${what} is missing`, {
    hint: 'Give images with --from and --to (dray promote api:1.4.2 --from staging --to prod), or a source and a destination (dray promote @staging/api:1.4.2 @prod).',
  })
}

function requestOf(
  source: Address,
  destination: Address,
  route: Route,
  rules: Rules,
  config: Config,
): Omit<Request, 'image'> {
  const from = sourceOf(source, route, config)
  const to = destinationOf(destination, from.image, route, rules, config)
  const tags =
    route.tags.length > 0 ? route.tags.map((tag) => asUsage(() => parseTag(tag))) : (to.tag ?? from.tag)
  if (tags === undefined && rules === 'promotion') {
    throw new DrayError('usage', `${formatAddress(source)} has no tag to promote it under`, {
      hint: 'Say which tag it gets with --tag.',
    })
  }
  return {
    from: from.from,
    to: { ...to.to, ...(isAttested(to.to, route, rules, config) && { attest: true }) },
    tags: tags === undefined ? [] : typeof tags === 'string' ? [tags] : tags,
    ...(route.expect !== undefined && { expect: route.expect }),
  }
}

/** An environment attests what is promoted to it; a copy is attested only where that is asked for. */
function isAttested({ environment }: Request['to'], route: Route, rules: Rules, config: Config): boolean {
  if (route.attest !== undefined) return route.attest
  if (rules === 'copy' || environment === undefined) return false
  return config.environments.get(environment)?.attest ?? false
}

interface Source {
  readonly from: Request['from']
  /** the name that an environment's path is made with; undefined where there is none */
  readonly image: string | undefined
  readonly tag: string | undefined
}

function sourceOf(source: Address, route: Route, config: Config): Source {
  switch (source.kind) {
    case 'environment':
      throw new DrayError('usage', `@${source.environment} is an environment, not an image`, {
        hint: `Name an image in it, such as @${source.environment}/api:1.4.2.`,
      })
    case 'image': {
      const [repository] = repositoriesOf(config, source.environment, source.image)
      if (repository === undefined) throw new DrayError('internal', `${source.environment} has no target`)
      return {
        from: { environment: source.environment, repository, at: atOf(source) },
        image: source.image,
        tag: tagOf(source),
      }
    }
    case 'reference': {
      const { registry, path } = source.reference
      const repository: RepositoryName = { registry, path }
      const placed = imagesAt(config, repository)
      const from = route.from === undefined ? undefined : environmentWord(route.from)
      const place = from === undefined ? placed[0] : placed.find((one) => one.environment === from)
      if (from !== undefined && place === undefined) throw notIn(from, source)
      return {
        from: {
          ...(place !== undefined && { environment: place.environment }),
          repository,
          at: atOf(source.reference),
        },
        image: place?.image ?? path.split('/').at(-1),
        tag: tagOf(source.reference),
      }
    }
    case 'layout':
      if (route.from !== undefined) throw notIn(environmentWord(route.from), source)
      return {
        from: { repository: layoutRepository(source.folder, route.cwd), at: atOf(source) },
        image: undefined,
        tag: tagOf(source),
      }
  }
}

function atOf(at: { readonly tag?: string; readonly digest?: Digest }): Request['from']['at'] {
  return at.digest === undefined ? { tag: at.tag ?? defaultTag } : { digest: at.digest }
}

/** Whole, so that a saved plan means the same folder wherever it is carried out. */
function layoutRepository(folder: string, cwd: string): RepositoryName {
  return { registry: layoutRegistry, path: resolve(cwd, folder) }
}

/** The tag that goes along: beside a digest the one that is named, and none where none is. */
function tagOf(at: { readonly tag?: string; readonly digest?: Digest }): string | undefined {
  return at.tag ?? (at.digest === undefined ? defaultTag : undefined)
}

function byDigest(destination: Address): DrayError {
  return new DrayError(
    'usage',
    `${formatAddress(destination)} is no destination: a digest cannot be chosen`,
    {
      hint: 'Name the tag that the image gets, or the repository alone.',
    },
  )
}

interface Destination {
  readonly to: Request['to']
  readonly tag: string | undefined
}

function destinationOf(
  destination: Address,
  image: string | undefined,
  route: Route,
  rules: Rules,
  config: Config,
): Destination {
  switch (destination.kind) {
    case 'environment': {
      if (image === undefined) {
        throw new DrayError('usage', `${formatAddress(destination)} needs the name of an image`, {
          hint: `Name it: @${destination.environment}/NAME:TAG.`,
        })
      }
      return { to: inEnvironment(destination.environment, image, rules, config), tag: undefined }
    }
    case 'image':
      return {
        to: inEnvironment(destination.environment, destination.image, rules, config),
        tag: destination.tag,
      }
    case 'reference': {
      const { registry, path, tag, digest } = destination.reference
      if (digest !== undefined) throw byDigest(destination)
      return { to: atRepository({ registry, path }, rules, config), tag }
    }
    case 'layout':
      return { to: { targets: [layoutRepository(destination.folder, route.cwd)] }, tag: destination.tag }
  }
}

/** A repository named by itself is still the environment's that it belongs to: its rule cannot be walked around. */
function atRepository(repository: RepositoryName, rules: Rules, config: Config): Request['to'] {
  const [place] = rules === 'promotion' ? imagesAt(config, repository) : []
  if (place === undefined) return { targets: [repository] }
  return { ...inEnvironment(place.environment, place.image, rules, config), targets: [repository] }
}

function inEnvironment(environment: string, image: string, rules: Rules, config: Config): Request['to'] {
  const { promoteFrom } = environmentNamed(config, environment)
  return {
    environment,
    ...(rules === 'promotion' && promoteFrom !== undefined && { accepts: promoteFrom }),
    targets: repositoriesOf(config, environment, image),
  }
}
