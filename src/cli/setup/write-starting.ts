import { resolve } from 'node:path'
import {
  startingConfig,
  type StartingConfig,
  type StartingEnvironment,
} from '../../config/starting/starting-config.ts'
import type { Call } from '../../lib/call.ts'
import { type DrayError, formatCause, toErrorInfo } from '../../lib/errors.ts'
import type { InitRegistries } from './init-registries.ts'
import { listNextSteps } from './next-steps.ts'
import { findImages, findPromotable, type PromotableImage } from './starting-images.ts'
import { findReadings } from './starting-readings.ts'
import { findSchema, parseStarting, writeConfig } from './write-config.ts'

export interface InitOutput {
  readonly out: string
  readonly force: boolean
  /** dray finds the file without `--config` */
  readonly isDefault: boolean
}

interface WriteStartingPorts {
  /** the working directory, absolute */
  readonly cwd: string
  readonly registries: Pick<InitRegistries, 'stores'>
  readonly call: Call
  readonly isInteractive: boolean
  readonly warn: (text: string) => void
}

type FindImages = (environments: readonly StartingEnvironment[]) => Promise<readonly string[]>

/** The result of `dray config init`, for a program. */
export interface InitResult {
  /** absolute */
  readonly file: string
  readonly environments: readonly string[]
  readonly images: readonly string[]
  /** the name of the policy */
  readonly retention: string | null
  /** the kinds of the gates of the last environment */
  readonly gates: readonly string[]
  /** the commands to run next */
  readonly next: readonly string[]
}

/**
 * Completes the choices, writes the file and finds the commands to run next. A registry that cannot
 * be read is a warning. @throws `usage`, `refused`, `not-found`, `io`, `interrupted`.
 */
export async function writeStarting(
  { out, force, isDefault }: InitOutput,
  complete: (findImages: FindImages) => Promise<StartingConfig>,
  { cwd, registries, call, isInteractive, warn }: WriteStartingPorts,
): Promise<{ config: StartingConfig; result: InitResult }> {
  const unread = new UnreadRegistries(warn)
  let outside: readonly string[] = []
  const chosen = await complete(async (environments) => {
    const { config: known } = await parseStarting(startingConfig({ environments, images: [] }), out, cwd)
    const { images, others, failures } = await findImages(known, await registries.stores(), call)
    for (const { registry, error } of failures) {
      // A person is asked for the names, and many registries have no catalog.
      if (isInteractive && error.code === 'unsupported') continue
      unread.add(registry, error)
    }
    outside = others
    if (isInteractive && images.length === 0 && others.length > 0) warn(`${formatOutside(others)}.`)
    return images
  })
  const file = resolve(cwd, out)
  const { config: written } = await parseStarting(startingConfig(chosen), out, cwd)
  const { readings, failures } = await findReadings(
    written,
    chosen.images,
    await registries.stores(),
    (registry) => unread.isUnreachable(registry),
    call,
  )
  for (const [registry, error] of failures) unread.add(registry, error)
  const config: StartingConfig = { ...chosen, readings }
  const text = startingConfig(config, await findSchema(file))
  const { config: known } = await writeConfig(text, out, { cwd, force })
  let promotable: PromotableImage | undefined
  const { environments } = config
  for (const { name, registry } of environments.slice(0, Math.max(1, environments.length - 1))) {
    if (promotable !== undefined || unread.isUnreachable(registry)) continue
    const found = await findPromotable(known, name, config.images, await registries.stores(), call)
    promotable = found.promotable
    if (found.error !== undefined) unread.add(registry, found.error)
  }
  if (config.images.length === 0) warn(warnAboutImages(out, outside, unread.logins))
  const next = listNextSteps(config, {
    file: isDefault ? undefined : out,
    logins: unread.logins,
    promotable,
  })
  const { images, retention, gates = [] } = config
  const names = environments.map(({ name }) => name)
  return {
    config,
    result: {
      file,
      environments: names,
      images,
      retention: retention?.policy.name ?? null,
      gates: gates.map(({ kind }) => kind),
      next,
    },
  }
}

function warnAboutImages(out: string, outside: readonly string[], logins: readonly string[]): string {
  const found = outside.length === 0 ? '' : ` ${formatOutside(outside)}.`
  const again = logins.length === 0 ? '' : ', or run this command again after the login, with --force'
  return `No images are known.${found} List them in ${out}${again === '' ? ' or' : ','} pass --image NAME${again}.`
}

function formatOutside(repositories: readonly string[]): string {
  return `These repositories match no path: ${repositories.join(', ')}`
}

/** The list of repositories is often forbidden without credentials, with the status of a login. */
function needsLogin({ code, status }: DrayError): boolean {
  return code === 'unauthorized' || status === 401
}

/** Registries that could not be read, each with its first error, which is a warning. */
class UnreadRegistries {
  readonly #errors = new Map<string, DrayError>()
  readonly #warn: (text: string) => void

  constructor(warn: (text: string) => void) {
    this.#warn = warn
  }

  add(registry: string, error: DrayError): void {
    if (this.#errors.has(registry)) return
    this.#errors.set(registry, error)
    const info = toErrorInfo(error)
    const { hint } = info
    const text = formatCause(info)
    // The next commands include the login, and the images are a warning of their own.
    const isOwn = needsLogin(error) || error.code === 'unsupported' || error.code === 'forbidden'
    this.#warn(hint === undefined || isOwn ? text : `${text}. ${hint}`)
  }

  isUnreachable(registry: string): boolean {
    const code = this.#errors.get(registry)?.code
    return code !== undefined && code !== 'unsupported' && code !== 'forbidden'
  }

  /** Registries that refused to answer without credentials. */
  get logins(): readonly string[] {
    return [...this.#errors].flatMap(([registry, error]) => (needsLogin(error) ? [registry] : []))
  }
}
