import { DrayError } from '../../lib/errors.ts'
import { isRecord, optionalString } from '../../oci/json.ts'

/** How an image is run (image-spec, config.md, the field `config`); what is empty there is left out. */
export interface ImageSettings {
  readonly entrypoint?: readonly string[]
  readonly cmd?: readonly string[]
  /** a name or number, with a group behind a colon */
  readonly user?: string
  readonly workingDir?: string
  /** such as `8080/tcp` */
  readonly exposedPorts?: readonly string[]
  /** `NAME=value`, as it stands there */
  readonly env?: readonly string[]
  readonly volumes?: readonly string[]
  readonly stopSignal?: string
}

/** @throws `malformed`, naming `where`. */
export function parseImageSettings(config: Record<string, unknown>, where: string): ImageSettings {
  const at = (field: string): string => `${where}.${field}`
  const text = (field: string): string | undefined => optionalString(config[field], at(field)) || undefined
  const all = {
    entrypoint: words(config['Entrypoint'], at('Entrypoint')),
    cmd: words(config['Cmd'], at('Cmd')),
    user: text('User'),
    workingDir: text('WorkingDir'),
    exposedPorts: names(config['ExposedPorts'], at('ExposedPorts')),
    env: words(config['Env'], at('Env')),
    volumes: names(config['Volumes'], at('Volumes')),
    stopSignal: text('StopSignal'),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** A list of strings; docker takes a single one for a list of it (moby, api/types/strslice). */
function words(value: unknown, where: string): readonly string[] | undefined {
  if (value == null) return undefined
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value) || !value.every((word) => typeof word === 'string')) {
    throw new DrayError('malformed', `${where} is not a list of strings`)
  }
  return value.length === 0 ? undefined : value
}

/** The keys of a set, which is written as an object of empty objects. */
function names(value: unknown, where: string): readonly string[] | undefined {
  if (value == null) return undefined
  if (!isRecord(value)) throw new DrayError('malformed', `${where} is not an object`)
  const keys = Object.keys(value)
  return keys.length === 0 ? undefined : keys
}
