import { DrayError } from '../../lib/errors.ts'
import { isRecord, optionalString } from '../../oci/json.ts'

/** How an image is run (image-spec, config.md, the field `config`), without empty fields. */
export interface ImageSettings {
  readonly entrypoint?: readonly string[]
  readonly cmd?: readonly string[]
  /** a name or number, with an optional group after a colon */
  readonly user?: string
  readonly workingDir?: string
  /** such as `8080/tcp` */
  readonly exposedPorts?: readonly string[]
  /** `NAME=value`, as it is written */
  readonly env?: readonly string[]
  readonly volumes?: readonly string[]
  readonly stopSignal?: string
}

/** @throws `malformed`, naming `where`. */
export function parseImageSettings(config: Record<string, unknown>, where: string): ImageSettings {
  const at = (field: string): string => `${where}.${field}`
  const text = (field: string): string | undefined => optionalString(config[field], at(field)) || undefined
  const all = {
    entrypoint: stringList(config['Entrypoint'], at('Entrypoint')),
    cmd: stringList(config['Cmd'], at('Cmd')),
    user: text('User'),
    workingDir: text('WorkingDir'),
    exposedPorts: keySet(config['ExposedPorts'], at('ExposedPorts')),
    env: stringList(config['Env'], at('Env')),
    volumes: keySet(config['Volumes'], at('Volumes')),
    stopSignal: text('StopSignal'),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** Parses a list of strings. Docker also accepts a single string (moby, api/types/strslice). */
function stringList(value: unknown, where: string): readonly string[] | undefined {
  if (value == null) return undefined
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value) || !value.every((item) => item === null || typeof item === 'string')) {
    throw new DrayError('malformed', `${where} is not a list of strings`)
  }
  const texts = value.map((item: string | null) => item ?? '')
  return texts.length === 0 ? undefined : texts
}

/** Parses a set, which is written as an object of empty objects. */
function keySet(value: unknown, where: string): readonly string[] | undefined {
  if (value == null) return undefined
  if (!isRecord(value)) throw new DrayError('malformed', `${where} is not an object`)
  const keys = Object.keys(value)
  return keys.length === 0 ? undefined : keys
}
