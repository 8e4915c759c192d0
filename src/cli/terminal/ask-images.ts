import { startsWithRegistry } from '../../config/addresses.ts'
import type { Config } from '../../config/config.ts'
import { environmentNamed, repositoriesOf } from '../../config/environments.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { checkPath, type RepositoryName } from '../../oci/reference.ts'
import { inSemverOrder } from '../../semver/order.ts'
import { plainReading } from '../../semver/version.ts'
import { addressNamed } from '../arguments/address-word.ts'
import type { Questions } from './ask.ts'
import { environmentWord } from '../arguments/environment-word.ts'

/** Who is asked, and what answers are made of. */
export interface AskPorts {
  readonly config: Config
  readonly questions: Questions
  /** all tags of a repository; none where it is not there */
  readonly tagsOf: (repository: RepositoryName) => Promise<readonly string[]>
}

/** A name that says nothing of where it is. */
export function isBare(word: string): boolean {
  return !word.startsWith('@') && !word.startsWith('oci:') && !startsWithRegistry(word)
}

/** Alone it would be an official image of Docker Hub, which nobody else tags. */
export function isBareName(word: string): boolean {
  return isBare(word) && !word.includes('/')
}

export async function askEnvironment(
  question: string,
  names: readonly string[],
  { questions }: Pick<AskPorts, 'questions'>,
): Promise<string> {
  return await questions.pick(
    question,
    names.map((value) => ({ value })),
  )
}

/** Those of dray.yaml; any name where it lists none. */
export async function askImages({
  config,
  questions,
}: Pick<AskPorts, 'config' | 'questions'>): Promise<readonly string[]> {
  if (config.images !== undefined && config.images.size > 0)
    return await questions.pickSome(
      'Which images?',
      [...config.images.keys()].map((value) => ({ value })),
    )
  return [await askImage({ config, questions })]
}

/** One of those of dray.yaml; any name where it lists none. */
export async function askImage({
  config,
  questions,
}: Pick<AskPorts, 'config' | 'questions'>): Promise<string> {
  if (config.images === undefined || config.images.size === 0)
    return await questions.enter('Which image?', complaintOfName)
  return await questions.pick(
    'Which image?',
    [...config.images.keys()].map((value) => ({ value })),
  )
}

function complaintOfName(text: string): string | undefined {
  try {
    checkPath(text.split(/[:@]/)[0] ?? '')
    return undefined
  } catch (error) {
    if (isDrayError(error)) return error.message
    throw error
  }
}

/**
 * The word with one of the tags that the image has; as it is where it names a tag or digest already, or is in no environment.
 * @throws `not-found` for an image without tags.
 */
export async function withTag(
  word: string,
  from: string | undefined,
  { config, questions, tagsOf }: AskPorts,
): Promise<string> {
  const environment = from === undefined ? undefined : environmentWord(from)
  if (environment !== undefined) environmentNamed(config, environment)
  const address = addressNamed(word, config, environment)
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
  const tag = await questions.pick(
    `Which version of ${address.image}?`,
    names.map((value) => ({ value })),
  )
  return `${word}:${tag}`
}
