import { checkHost } from '../../config/check/check-registries.ts'
import { findProblem } from '../../config/check/find-problem.ts'
import type { Config } from '../../config/config.ts'
import { environmentNamed } from '../../config/environments.ts'
import type { StartingConfig, StartingEnvironment } from '../../config/starting/starting-config.ts'
import { startingPolicies, type StartingPolicy } from '../../config/starting/starting-policies.ts'
import { DrayError } from '../../lib/errors.ts'
import { didYouMean } from '../../lib/nearest.ts'
import { checkPath } from '../../oci/reference.ts'
import type { Questions } from '../terminal/ask.ts'
import { chooseGates } from './choose-gates.ts'
import type { InitFlags } from './init-flags.ts'
import {
  askEnvironments,
  checkName,
  completeEnvironments,
  formatEnvironmentFlags,
  parseEnvironmentFlag,
  refuse,
  splitList,
} from './starting-environments.ts'

export interface InitPorts {
  /** undefined: the run is non-interactive */
  readonly questions: Questions | undefined
  /** the answer to the first question if the person only presses Enter */
  readonly usualRegistry: () => Promise<string>
  readonly usualImage: string
  /** the images that the registries of the environments have */
  readonly findImages: (environments: readonly StartingEnvironment[]) => Promise<readonly string[]>
}

const noPolicy = 'none'
const fullCommand =
  'dray config init --registry registry.example.com --env dev --env staging --env prod --image api'

/**
 * The choices for a new dray.yaml: from flags, and missing ones from questions and the registries.
 * @throws `usage` for invalid or missing flags; `interrupted`.
 */
export async function completeInit(flags: InitFlags, ports: InitPorts): Promise<StartingConfig> {
  const { questions } = ports
  const given = flags.env.map(parseEnvironmentFlag)
  refuse('--registry', flags.registry, checkHost)
  for (const image of flags.image) refuse('--image', image, checkImageName)
  const needsRegistry = flags.registry === undefined && given[0]?.registry === undefined
  if (questions === undefined && (needsRegistry || given.length === 0))
    throw missingFlags([...(needsRegistry ? ['--registry'] : []), ...(given.length === 0 ? ['--env'] : [])])
  const registry =
    needsRegistry && questions !== undefined
      ? await questions.enter('Registry:', checkHost, await ports.usualRegistry())
      : flags.registry
  const environments =
    given.length === 0 && questions !== undefined && registry !== undefined
      ? await askEnvironments(questions, registry)
      : completeEnvironments(given, registry)
  const names = environments.map(({ name }) => name)
  refuseUnknownClean(flags.clean, names)
  const images = flags.image.length > 0 ? [...new Set(flags.image)] : await selectImages(environments, ports)
  const [first = ''] = names
  const environment = flags.clean ?? first
  const policy = await policyOf(flags, `Retention policy for ${environment}:`, questions)
  const gates = await chooseGates(flags.gates, names, questions)
  return {
    environments,
    images,
    ...(policy !== undefined && { retention: { policy, environment } }),
    ...(gates.length > 0 && { gates }),
  }
}

/** Chooses a policy for an existing configuration. @throws `usage`; `interrupted`. */
export async function completeRetention(
  flags: InitFlags,
  config: Config,
  questions: Questions | undefined,
): Promise<NonNullable<StartingConfig['retention']>> {
  const given = flags.env.map((text) => text.split('=')[0] ?? '')
  for (const name of given) refuse('--env', name, checkName)
  const names = config.environments.size > 0 ? [...config.environments.keys()] : given
  if (flags.clean !== undefined && config.environments.size > 0) environmentNamed(config, flags.clean)
  const policy = await policyOf(flags, 'Retention policy:', questions)
  if (policy === undefined) {
    throw new DrayError('usage', 'no retention policy is named', {
      hint: `Pass --retention with one of ${policyNames().join(', ')}.`,
    })
  }
  return { policy, environment: await cleanedOf(flags.clean, names, questions) }
}

/** The flags for the same result without questions. */
export function formatInitFlags({
  environments,
  images,
  retention,
  gates,
}: StartingConfig): readonly string[] {
  return [
    ...formatEnvironmentFlags(environments),
    ...images.flatMap((image) => ['--image', image]),
    '--retention',
    ...(retention === undefined ? [noPolicy] : [retention.policy.name]),
    ...(retention === undefined || retention.environment === environments[0]?.name
      ? []
      : ['--clean', retention.environment]),
    ...(gates === undefined ? [] : ['--gates', gates.map(({ kind }) => kind).join(',')]),
  ]
}

/** Selects among the images of the registries, or asks for names if they show none. */
async function selectImages(
  environments: readonly StartingEnvironment[],
  { questions, findImages, usualImage }: InitPorts,
): Promise<readonly string[]> {
  const found = await findImages(environments)
  if (questions === undefined || found.length === 1) return found
  if (found.length > 0) {
    const choices = found.map((value) => ({ value, isSelected: true }))
    return await questions.pickSome('Images:', choices)
  }
  const text = await questions.enter('Images, separated by commas:', checkImageNames, usualImage)
  return splitList(text)
}

function checkImageNames(text: string): string | undefined {
  const names = splitList(text)
  if (names.length === 0) return 'Enter at least one name.'
  return names.map(checkImageName).find((problem) => problem !== undefined)
}

/** Returns the problem of the name of an image, or undefined. */
export function checkImageName(name: string): string | undefined {
  return findProblem(() => checkPath(name))
}

function policyNames(): readonly string[] {
  return startingPolicies.map(({ name }) => name)
}

async function policyOf(
  { retention }: InitFlags,
  question: string,
  questions: Questions | undefined,
): Promise<StartingPolicy | undefined> {
  const [usual] = startingPolicies
  if (retention === undefined && questions === undefined) return usual
  const name =
    retention ??
    (await questions?.pick(question, [
      ...startingPolicies.map((one) => ({ value: one.name, label: one.summary })),
      { value: noPolicy, label: 'No retention policy' },
    ]))
  const found = startingPolicies.find((one) => one.name === name)
  if (found !== undefined || name === noPolicy) return found
  const near = didYouMean(name ?? '', [...policyNames(), noPolicy])
  throw new DrayError('usage', `there is no starting policy ${JSON.stringify(name)}`, {
    hint: [near, `The policies are ${policyNames().join(', ')}, or ${noPolicy}.`].filter(Boolean).join(' '),
  })
}

async function cleanedOf(
  clean: string | undefined,
  names: readonly string[],
  questions: Questions | undefined,
): Promise<string> {
  const [first, second] = names
  if (first === undefined) {
    if (clean !== undefined) return clean
    throw new DrayError('usage', 'the environment of the policy is missing', { hint: 'Pass --clean NAME.' })
  }
  refuseUnknownClean(clean, names)
  if (clean !== undefined) return clean
  if (second === undefined || questions === undefined) return first
  return await questions.pick(
    'Environment of the policy:',
    names.map((value) => ({ value })),
  )
}

function refuseUnknownClean(clean: string | undefined, names: readonly string[]): void {
  if (clean === undefined || names.includes(clean)) return
  throw new DrayError('usage', `--clean ${JSON.stringify(clean)} is not one of the environments`, {
    hint: [didYouMean(clean, names), `The environments are ${names.join(', ')}.`].filter(Boolean).join(' '),
  })
}

function missingFlags(names: readonly string[]): DrayError {
  const isOne = names.length === 1
  return new DrayError('usage', `${names.join(' and ')} ${isOne ? 'is' : 'are'} missing`, {
    why: 'the run is non-interactive',
    hint: `Pass the flags: ${fullCommand}`,
  })
}
