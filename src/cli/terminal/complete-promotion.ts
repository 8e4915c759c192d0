import type { Config } from '../../config/config.ts'
import { DrayError } from '../../lib/errors.ts'
import { askEnvironment, askImages, type AskPorts, isBare, withTag } from './ask-images.ts'
import { environmentWord } from '../arguments/environment-word.ts'

/** What `dray promote` was told of the way that images take. */
export interface Way {
  /** images, or a source and a destination */
  readonly words: readonly string[]
  readonly from: string | undefined
  readonly to: string | undefined
}

/** Asks for what was left out: the environment that images come from, the images, their versions, where they go. What was said is not asked for. */
export async function completePromotion(way: Way, ports: AskPorts): Promise<Way> {
  const { config } = ports
  if (config.environments.size === 0 || isComplete(way)) return way
  const from = needsFrom(way)
    ? await askEnvironment('From which environment?', sourcesIn(config), ports)
    : way.from
  const images = way.words.length > 0 ? way.words : await askImages(ports)
  const words: string[] = []
  for (const word of images) words.push(await withTag(word, from, ports))
  const to = way.to ?? (await askTo(sourceOf(words, from), ports))
  return { words, from, to }
}

/** Two addresses are a source and a destination; else there are images, and two environments. */
function isComplete(way: Way): boolean {
  const { words, from, to } = way
  if (to === undefined && from === undefined && words.length > 1) return true
  return words.length > 0 && to !== undefined && !needsFrom(way)
}

function needsFrom({ words, from }: Way): boolean {
  return from === undefined && (words.length === 0 || words.some(isBare))
}

/** The environments that another one takes images from; all where nothing says so. */
function sourcesIn(config: Config): readonly string[] {
  const names = [...config.environments.keys()]
  const sources = names.filter((name) => nextOf(name, config).length > 0)
  return sources.length > 0 ? sources : names
}

async function askTo(from: string | undefined, ports: AskPorts): Promise<string> {
  const { config } = ports
  const next = from === undefined ? [] : nextOf(from, config)
  const others = [...config.environments.keys()].filter((name) => name !== from)
  const names = next.length > 0 ? next : others
  if (names.length > 0) return await askEnvironment('To which environment?', names, ports)
  throw new DrayError('usage', 'a destination is missing', {
    hint: 'dray.yaml has no other environment to promote to: name an address.',
  })
}

/** The environments that take images from this one. */
function nextOf(from: string, config: Config): readonly string[] {
  return [...config.environments].flatMap(([name, { promoteFrom }]) =>
    promoteFrom?.includes(from) === true ? [name] : [],
  )
}

function sourceOf(words: readonly string[], from: string | undefined): string | undefined {
  if (from !== undefined) return environmentWord(from)
  return /^@([^/]*)/.exec(words[0] ?? '')?.[1]
}
