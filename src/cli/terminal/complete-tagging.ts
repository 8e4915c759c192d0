import { parseAddress } from '../../config/addresses.ts'
import { parseVersion } from '../../semver/version.ts'
import { askEnvironment, askImage, askImages, type AskPorts, isBareName, withTag } from './ask-images.ts'
import { newFlag } from '../command/command-line.ts'
import { environmentWord } from '../arguments/environment-word.ts'
import { splitWords } from '../arguments/tag-requests.ts'
import { asUsage } from '../command/usage-error.ts'

/** What `dray tag` was told. */
export interface TagSaid {
  /** images; the last word may be a version */
  readonly words: readonly string[]
  readonly env: string | undefined
  /** a flag says which tags the images get */
  readonly isWaySaid: boolean
}

/** … and what was answered. */
export interface TagCompleted {
  readonly words: readonly string[]
  readonly env: string | undefined
  readonly next?: 'patch' | 'minor' | 'major'
  readonly fromLabel?: true
  /** the answers as flags */
  readonly flags: readonly string[]
}

const ways = [
  { value: 'patch', label: 'the next patch' },
  { value: 'minor', label: 'the next minor version' },
  { value: 'major', label: 'the next major version' },
  { value: 'label', label: 'what the image says of itself' },
  { value: 'other', label: 'another' },
] as const

/** Asks for the environment, the images and the version, where they were left out; undefined where nothing was. */
export async function completeTagging(said: TagSaid, ports: AskPorts): Promise<TagCompleted | undefined> {
  const { images: named, version } = said.isWaySaid
    ? { images: said.words, version: undefined }
    : splitWords(said.words)
  const env = needsEnvironment(named, said.env, ports) ? await askWhere(ports) : said.env
  const isSaid = said.isWaySaid || version !== undefined || isEachVersioned(named, env)
  if (env === said.env && named.length > 0 && isSaid) return undefined
  const chosen = named.length > 0 ? named : await askImages(ports)
  const images: string[] = []
  for (const image of chosen) images.push(await withTag(image, env, ports))
  const answer = isSaid || isEachVersioned(images, env) ? {} : await askVersion(ports)
  const { word, flags = [], ...rest } = answer
  const behind = version ?? word
  return {
    words: [...images, ...(behind === undefined ? [] : [behind])],
    env,
    ...rest,
    flags: [...newFlag('env', said.env, env), ...flags],
  }
}

/** What `dray rollback` was told. */
export interface RollbackSaid {
  readonly image: string | undefined
  readonly env: string | undefined
}

/** Asks for the environment and the image, where they were left out. */
export async function completeRollback(said: RollbackSaid, ports: AskPorts): Promise<RollbackSaid> {
  const named = said.image === undefined ? [] : [said.image]
  const env = needsEnvironment(named, said.env, ports) ? await askWhere(ports) : said.env
  const image = said.image ?? (env === undefined ? undefined : await askImage(ports))
  return env === said.env && image === said.image ? said : { image, env }
}

function needsEnvironment(images: readonly string[], env: string | undefined, { config }: AskPorts): boolean {
  if (env !== undefined || config.environments.size === 0) return false
  return images.length === 0 || images.some(isBareName)
}

async function askWhere(ports: AskPorts): Promise<string> {
  return await askEnvironment('In which environment?', [...ports.config.environments.keys()], ports)
}

async function askVersion({
  questions,
}: AskPorts): Promise<
  Pick<TagCompleted, 'next' | 'fromLabel'> & { readonly flags?: readonly string[]; readonly word?: string }
> {
  const way = await questions.pick('Which version?', ways)
  switch (way) {
    case 'patch':
    case 'minor':
    case 'major':
      return { next: way, flags: ['--next', way] }
    case 'label':
      return { fromLabel: true, flags: ['--from-label'] }
    default:
      return {
        word: await questions.enter('Which one?', (text) =>
          parseVersion(text) === undefined ? 'A version is MAJOR.MINOR.PATCH, such as 1.4.2.' : undefined,
        ),
      }
  }
}

/** Whether the tag of each image is its version. */
function isEachVersioned(images: readonly string[], env: string | undefined): boolean {
  return images.length > 0 && images.every((image) => parseVersion(tagOf(image, env) ?? '') !== undefined)
}

function tagOf(word: string, env: string | undefined): string | undefined {
  const environment = env === undefined ? undefined : environmentWord(env)
  const address = asUsage(() => parseAddress(word, environment))
  if (address.kind === 'environment') return undefined
  return address.kind === 'reference' ? address.reference.tag : address.tag
}
