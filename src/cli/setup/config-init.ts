import { lstat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { checkTemplate } from '../../config/check/check.ts'
import { checkHost } from '../../config/check/check-registries.ts'
import { type Config, environmentName, imagePlaceholder } from '../../config/config.ts'
import { environmentNamed } from '../../config/environments.ts'
import { configNames } from '../../config/find.ts'
import { parseConfig } from '../../config/load.ts'
import { retentionOf } from '../../config/retention/retention.ts'
import type { StartingConfig, StartingEnvironment } from '../../config/starting/starting-config.ts'
import { startingPolicies, type StartingPolicy } from '../../config/starting/starting-policies.ts'
import { DrayError } from '../../lib/errors.ts'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { didYouMean } from '../../lib/nearest.ts'
import type { Questions } from '../terminal/ask.ts'

export interface InitFlags {
  readonly registry: string | undefined
  /** `NAME=PATH`; `NAME` for a policy alone */
  readonly env: readonly string[]
  /** the name of a starting policy */
  readonly retention: string | undefined
  /** the environment of the policy; by default the first */
  readonly clean: string | undefined
}

const noPolicy = 'none'

/**
 * The choices for a new dray.yaml: from flags, and missing ones from questions.
 * @param questions undefined: the run is non-interactive
 * @throws `usage` for invalid or missing flags; `interrupted`.
 */
export async function completeInit(
  flags: InitFlags,
  questions: Questions | undefined,
): Promise<StartingConfig> {
  const { registry, env } = flags
  const given = env.map(environmentOf)
  const twice = given.find(({ name }, i) => given.findIndex((one) => one.name === name) < i)
  if (twice !== undefined) throw new DrayError('usage', `--env ${twice.name} is given twice`)
  refuse('--registry', registry, checkHost)
  if (questions === undefined && (registry === undefined || given.length === 0)) throw nobodyToAsk()
  const host = registry ?? (await ask(questions, 'The host of your registry?', checkHost))
  const environments = given.length > 0 ? given : await askEnvironments(questions)
  const policy = await policyOf(flags, questions)
  if (policy === undefined) return { registry: host, environments }
  const names = environments.map(({ name }) => name)
  const environment = await cleanedOf(flags.clean, names, questions)
  return { registry: host, environments, retention: { policy, environment } }
}

/** Chooses a policy for an existing configuration. @throws `usage`; `interrupted`. */
export async function completeRetention(
  flags: InitFlags,
  config: Config,
  questions: Questions | undefined,
): Promise<NonNullable<StartingConfig['retention']>> {
  const given = flags.env.map((text) => text.split('=')[0] ?? '')
  for (const name of given) refuse('--env', name, nameComplaint)
  const names = config.environments.size > 0 ? [...config.environments.keys()] : given
  if (flags.clean !== undefined && config.environments.size > 0) environmentNamed(config, flags.clean)
  const policy = await policyOf(flags, questions)
  if (policy === undefined) {
    throw new DrayError('usage', 'no policy is named', {
      hint: `Name one with --retention: ${policyNames().join(', ')}.`,
    })
  }
  return { policy, environment: await cleanedOf(flags.clean, names, questions) }
}

/**
 * Checks a new configuration like `dray config validate` and writes it atomically.
 * @param out relative to `cwd`
 * @throws `usage` for an invalid name; `refused` if a configuration exists, without `force`;
 * `not-found`, `io`.
 */
export async function writeConfig(
  text: string,
  out: string,
  { cwd, force }: { readonly cwd: string; readonly force: boolean },
): Promise<void> {
  const file = resolve(cwd, out)
  if (!['.yaml', '.yml'].includes(extname(file))) {
    throw new DrayError('usage', `--out ${JSON.stringify(out)} is no name of a configuration`, {
      hint: 'Name a file that ends in .yaml or .yml.',
    })
  }
  const existing = force ? undefined : await findConfig(file)
  if (existing !== undefined) throw alreadyExists(existing)
  retentionOf(parseConfig({ file, content: text }, out))
  await writeFileAtomic(file, text)
}

/** The configuration at this path, or beside it under another name. */
export async function findConfig(file: string): Promise<string | undefined> {
  const names = configNames.includes(basename(file)) ? [basename(file), ...configNames] : [basename(file)]
  for (const name of new Set(names)) {
    const path = join(dirname(file), name)
    if ((await lstat(path).catch(() => undefined)) !== undefined) return path
  }
  return undefined
}

export function alreadyExists(file: string): DrayError {
  return new DrayError('refused', `${file} is there already`, {
    subject: file,
    hint: `Nothing was written. --print shows a retention section to paste into it, --out names another file, --force replaces it.`,
  })
}

/** The flags for the same result without questions. */
export function formatInitFlags({ registry, environments, retention }: StartingConfig): readonly string[] {
  return [
    '--registry',
    registry,
    ...environments.flatMap(({ name, path }) => ['--env', `${name}=${path}`]),
    '--retention',
    ...(retention === undefined ? [noPolicy] : [retention.policy.name, '--clean', retention.environment]),
  ]
}

function policyNames(): readonly string[] {
  return startingPolicies.map(({ name }) => name)
}

function environmentOf(text: string): StartingEnvironment {
  const at = text.indexOf('=')
  const [name, path] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
  if (at < 0) {
    throw new DrayError('usage', `--env ${JSON.stringify(text)} has no path`, {
      hint: `Write it as NAME=PATH: --env 'dev=dev/${imagePlaceholder}'.`,
    })
  }
  refuse('--env', name, nameComplaint)
  refuse('--env', path, checkTemplate)
  return { name, path }
}

async function askEnvironments(questions: Questions | undefined): Promise<readonly StartingEnvironment[]> {
  const found: StartingEnvironment[] = []
  for (;;) {
    const isFirst = found.length === 0
    const question = isFirst
      ? 'The name of the first environment, such as dev?'
      : 'The name of the next environment, or nothing to go on?'
    const name = await ask(questions, question, (text) => {
      if (text === '' && !isFirst) return undefined
      return found.some((one) => one.name === text) ? `${text} is there already` : nameComplaint(text)
    })
    if (name === '') return found
    const pathQuestion = `The path of its images, such as ${name}/${imagePlaceholder}?`
    found.push({ name, path: await ask(questions, pathQuestion, checkTemplate) })
  }
}

async function policyOf(
  { retention }: InitFlags,
  questions: Questions | undefined,
): Promise<StartingPolicy | undefined> {
  if (retention === undefined && questions === undefined) return undefined
  const name =
    retention ??
    (await questions?.pick('What may be deleted when you clear out?', [
      ...startingPolicies.map((one) => ({ value: one.name, label: one.summary })),
      { value: noPolicy, label: 'Nothing yet: no policy' },
    ]))
  const found = startingPolicies.find((one) => one.name === name)
  if (found !== undefined || name === noPolicy) return found
  const near = didYouMean(name ?? '', policyNames())
  throw new DrayError('usage', `there is no starting policy ${JSON.stringify(name)}`, {
    hint: [near, `There are ${policyNames().join(', ')}; or ${noPolicy}.`].filter(Boolean).join(' '),
  })
}

async function cleanedOf(
  clean: string | undefined,
  names: readonly string[],
  questions: Questions | undefined,
): Promise<string> {
  const [first, second] = names
  if (first === undefined) {
    throw new DrayError('usage', 'there is no environment to clear out', {
      hint: `Name one: --env 'dev=dev/${imagePlaceholder}'.`,
    })
  }
  if (clean !== undefined) {
    if (names.includes(clean)) return clean
    throw new DrayError('usage', `--clean ${JSON.stringify(clean)} is none of the environments`, {
      hint: [didYouMean(clean, names), `They are ${names.join(', ')}.`].filter(Boolean).join(' '),
    })
  }
  if (second === undefined || questions === undefined) return first
  return await questions.pick(
    'Which environment is cleared out?',
    names.map((value) => ({ value })),
  )
}

async function ask(
  questions: Questions | undefined,
  question: string,
  complaint: (text: string) => string | undefined,
): Promise<string> {
  if (questions === undefined) throw nobodyToAsk()
  return await questions.enter(question, complaint)
}

function nameComplaint(name: string): string | undefined {
  if (environmentName.test(name)) return undefined
  return `${JSON.stringify(name)} is not the name of an environment: lower-case letters, digits and "-"`
}

function refuse(
  flag: string,
  value: string | undefined,
  complaint: (text: string) => string | undefined,
): void {
  const found = value === undefined ? undefined : complaint(value)
  if (found !== undefined) throw new DrayError('usage', `${flag} ${JSON.stringify(value)}: ${found}`)
}

function nobodyToAsk(): DrayError {
  return new DrayError(
    'usage',
    'the registry and the environments are not named, and nobody can be asked here',
    {
      hint: `Name them: --registry registry.example.com --env 'dev=dev/${imagePlaceholder}' --env 'prod=prod/${imagePlaceholder}'; and a policy, if you like: --retention ${startingPolicies[0]?.name ?? ''}.`,
    },
  )
}
