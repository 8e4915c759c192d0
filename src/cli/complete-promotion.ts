import { parseAddress, startsWithRegistry } from '../config/addresses.ts'
import type { Config } from '../config/config.ts'
import { environmentNamed, repositoriesOf } from '../config/environments.ts'
import { DrayError } from '../errors.ts'
import { isEvidenceTag } from '../oci/evidence-tags.ts'
import { checkPath, type RepositoryName } from '../oci/reference.ts'
import { inSemverOrder } from '../semver/order.ts'
import { plainReading } from '../semver/version.ts'
import type { Questions } from './ask.ts'
import { listTags } from '../store/tags.ts'
import { asUsage } from './usage-error.ts'
import type { Way } from './way.ts'
import type { Call } from '../call.ts'
import type { Context } from './context.ts'

export interface CompletePorts {
  readonly config: Config
  readonly questions: Questions
  /** all tags of a repository; none where it is not there */
  readonly tagsOf: (repository: RepositoryName) => Promise<readonly string[]>
}

/** … with the registries of this run. */
export async function askForPromotion(
  way: Way,
  questions: Questions,
  context: Context,
  call: Call,
): Promise<Way> {
  const { config } = await context.config()
  const tagsOf = async (repository: RepositoryName): Promise<readonly string[]> =>
    await listTags((await context.stores()).source(repository), call)
  return await completePromotion(way, { config, questions, tagsOf })
}

/** Asks for what was left out: the environment that images come from, the images, their versions, where they go. What was said is not asked for. */
export async function completePromotion(way: Way, ports: CompletePorts): Promise<Way> {
  const { config } = ports
  if (config.environments.size === 0 || isComplete(way)) return way
  const from = needsFrom(way) ? await askFrom(ports) : way.from
  const images = way.words.length > 0 ? way.words : await askImages(ports)
  const words: string[] = []
  for (const word of images) words.push(await withVersion(word, from, ports))
  const to = way.to ?? (await askTo(sourceOf(words, from), ports))
  return { words, from, to }
}

/** Two addresses are a source and a destination; else there are images, and two environments. */
function isComplete({ words, from, to }: Way): boolean {
  if (to === undefined && from === undefined && words.length > 1) return true
  return words.length > 0 && to !== undefined && !needsFrom({ words, from })
}

function needsFrom({ words, from }: Pick<Way, 'words' | 'from'>): boolean {
  return from === undefined && (words.length === 0 || words.some(isBare))
}

/** A name that says nothing of where it is. */
function isBare(word: string): boolean {
  return !word.startsWith('@') && !word.startsWith('oci:') && !startsWithRegistry(word)
}

async function askFrom({ config, questions }: CompletePorts): Promise<string> {
  const names = [...config.environments.keys()]
  const sources = names.filter((name) => nextOf(name, config).length > 0)
  return await questions.pick(
    'From which environment?',
    (sources.length > 0 ? sources : names).map((value) => ({ value })),
  )
}

async function askImages({ config, questions }: CompletePorts): Promise<readonly string[]> {
  if (config.images !== undefined && config.images.size > 0)
    return await questions.pickSome(
      'Which images?',
      [...config.images.keys()].map((value) => ({ value })),
    )
  const image = await questions.enter('Which image?', (text) => {
    try {
      checkPath(text.split(/[:@]/)[0] ?? '')
      return undefined
    } catch (error) {
      return error instanceof DrayError ? error.message : String(error)
    }
  })
  return [image]
}

async function askTo(from: string | undefined, { config, questions }: CompletePorts): Promise<string> {
  const next = from === undefined ? [] : nextOf(from, config)
  const others = [...config.environments.keys()].filter((name) => name !== from)
  const names = next.length > 0 ? next : others
  if (names.length === 0)
    throw new DrayError('usage', 'a destination is missing', {
      hint: 'dray.yaml has no other environment to promote to: name an address.',
    })
  return await questions.pick(
    'To which environment?',
    names.map((value) => ({ value })),
  )
}

/** The environments that take images from this one. */
function nextOf(from: string, config: Config): readonly string[] {
  return [...config.environments].flatMap(([name, { promoteFrom }]) =>
    promoteFrom?.includes(from) === true ? [name] : [],
  )
}

function sourceOf(words: readonly string[], from: string | undefined): string | undefined {
  if (from !== undefined) return from.replace(/^@/, '')
  return /^@([^/]*)/.exec(words[0] ?? '')?.[1]
}

/** The word with one of the tags that the image has; as it is where it names a tag or digest already, or is in no environment. */
async function withVersion(word: string, from: string | undefined, ports: CompletePorts): Promise<string> {
  const { config, questions, tagsOf } = ports
  const environment = from?.replace(/^@/, '')
  if (environment !== undefined) environmentNamed(config, environment)
  const address = asUsage(() => parseAddress(word, environment))
  if (address.kind !== 'image' || address.tag !== undefined || address.digest !== undefined) return word
  const [repository] = repositoriesOf(config, address.environment, address.image)
  const tags = repository === undefined ? [] : await tagsOf(repository)
  const names = inSemverOrder(
    tags.filter((tag) => !isEvidenceTag(tag)),
    plainReading,
  )
  if (names.length === 0) {
    throw new DrayError('not-found', `${address.image} has no tags in ${address.environment}`, {
      hint: 'Check the name of the image; "dray status" shows what is where.',
    })
  }
  return `${word}:${await questions.pick(
    `Which version of ${address.image}?`,
    names.map((value) => ({ value })),
  )}`
}
