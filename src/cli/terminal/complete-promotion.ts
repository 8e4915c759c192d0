import type { Config } from '../../config/config.ts'
import { isBareName, parseEnvironmentOption } from '../../config/resolver/argument-grammar.ts'
import { withinOption } from '../../config/resolver/resolve.ts'
import { DrayError } from '../../lib/errors.ts'
import { onlySourceOf } from '../arguments/promote-requests.ts'
import { askEnvironment, askImages, type AskPorts, withTag } from './ask-images.ts'

/** The arguments and options of `promote` that questions can complete. */
export interface PromotionArguments {
  /** images, or a source and a destination */
  readonly references: readonly string[]
  readonly from: string | undefined
  readonly to: string | undefined
}

/** Asks for missing arguments: the source environment, images, their versions, the destination. */
export async function completePromotion(
  given: PromotionArguments,
  ports: AskPorts,
): Promise<PromotionArguments> {
  const { config } = ports
  if (config.environments.size === 0 || isComplete(given, config)) return given
  const needsSource = given.references.length === 0 || given.references.some(isBareName)
  const from = given.from ?? (needsSource ? await findSource(given, ports) : undefined)
  const images = given.references.length > 0 ? given.references : await askImages(ports)
  const references: string[] = []
  for (const image of images) references.push(await withTag(image, withinOption('--from', from), ports))
  const to = given.to ?? (await askTo(sourceOf(references, from), ports))
  return { references, from, to }
}

/** Whether the arguments are two references, or images and two environments. */
function isComplete(given: PromotionArguments, config: Config): boolean {
  const { references, from, to } = given
  if (to === undefined) return from === undefined && references.length > 1
  const source = from ?? impliedSource(given, config)
  return references.length > 0 && (source !== undefined || !references.some(isBareName))
}

async function findSource(given: PromotionArguments, ports: AskPorts): Promise<string> {
  const { config } = ports
  const implied = impliedSource(given, config)
  return implied ?? (await askEnvironment('Source environment:', sourcesIn(config), ports))
}

function impliedSource({ to }: PromotionArguments, config: Config): string | undefined {
  return to === undefined ? undefined : onlySourceOf(parseEnvironmentOption(to), config)
}

/** The environments that another one takes images from; all if no environment has `promoteFrom`. */
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
  if (names.length > 0) return await askEnvironment('Target environment:', names, ports)
  throw new DrayError('usage', 'the target is missing', {
    why: 'dray.yaml has no other environment',
    hint: 'Pass a reference as the second argument: registry.example.com/prod/api.',
  })
}

/** The environments that take images from this one. */
function nextOf(from: string, config: Config): readonly string[] {
  return [...config.environments].flatMap(([name, { promoteFrom }]) =>
    promoteFrom?.includes(from) === true ? [name] : [],
  )
}

function sourceOf(references: readonly string[], from: string | undefined): string | undefined {
  if (from !== undefined) return parseEnvironmentOption(from)
  return /^@([^/]*)/.exec(references[0] ?? '')?.[1]
}
