import { type Address, formatAddress } from '../../config/addresses.ts'
import type { Config } from '../../config/config.ts'
import { placesOf, repositoriesOf } from '../../config/environments.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { defaultTag, parseTag, type RepositoryName, type TagOrDigest } from '../../oci/reference.ts'
import type { PromoteRequest as Request } from '../../usecases/promote/request.ts'
import { addressNamed } from './address-word.ts'
import { destinationOf, isAttested, keepUpIn } from './destinations.ts'
import { environmentWord } from './environment-word.ts'
import { namesOf } from './names.ts'
import { layoutRepository, type Route, type Rules } from './route.ts'
import { asUsage } from '../command/usage-error.ts'

/** What the only image in a layout's folder is named by. */
export type OnlyImage = (folder: string) => Promise<TagOrDigest>

/** Turns the words of `promote` and `copy` into requests. @throws `usage`, `malformed`; what `onlyImage` throws. */
export async function requestsOf(
  route: Route,
  rules: Rules,
  config: Config,
  onlyImage: OnlyImage,
): Promise<readonly Request[]> {
  const { sources: named, destination } = split(route, config)
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

function split(
  route: Route,
  config: Config,
): { readonly sources: readonly Address[]; readonly destination: Address } {
  const from = route.from === undefined ? undefined : environmentWord(route.from)
  const parse = (word: string): Address => inEnvironmentOf(from, addressNamed(word, config, from))
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
  return { sources: [parse(source)], destination: addressNamed(destination, config) }
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
  const chosen = route.tags.length > 0 ? route.tags.map((tag) => asUsage(() => parseTag(tag))) : oneOf(to.tag)
  const tags = chosen.length > 0 ? chosen : oneOf(from.tag)
  const keepUp = keepUpIn(to.to, chosen.length === 0, route, rules, config)
  if (tags.length === 0 && rules === 'promotion' && keepUp === undefined) {
    throw new DrayError('usage', `${formatAddress(source)} has no tag to promote it under`, {
      hint: 'Say which tag it gets with --tag.',
    })
  }
  return {
    from: from.from,
    to: { ...to.to, ...(isAttested(to.to, route, rules, config) && { attest: true }) },
    tags,
    ...(keepUp !== undefined && { keepUp }),
    ...(route.expect !== undefined && { expect: route.expect }),
  }
}

function oneOf(tag: string | undefined): readonly string[] {
  return tag === undefined ? [] : [tag]
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
      const placed = placesOf(config, repository)
      const from = route.from === undefined ? undefined : environmentWord(route.from)
      const place = from === undefined ? placed[0] : placed.find((one) => one.environment === from)
      if (from !== undefined && place?.isNamed !== true) throw notIn(from, source)
      return {
        from: {
          // `promoteFrom` admits images of an environment: another loopback name may be another registry.
          ...(place?.isNamed === true && { environment: place.environment }),
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

/** The tag that goes along: beside a digest the one that is named, and none where none is. */
function tagOf(at: { readonly tag?: string; readonly digest?: Digest }): string | undefined {
  return at.tag ?? (at.digest === undefined ? defaultTag : undefined)
}
