import { DrayError } from '../errors.ts'
import { isRecord, optionalString } from './json.ts'

/** The platform of a child of an index (image-spec, image-index.md). */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly osVersion?: string
}

/** @throws `malformed`, naming `where`. */
export function parsePlatform(value: unknown, where: string): Platform {
  if (!isRecord(value)) throw new DrayError('malformed', `${where}.platform is not an object`)
  const os = optionalString(value['os'], `${where}.platform.os`) ?? ''
  const architecture = optionalString(value['architecture'], `${where}.platform.architecture`) ?? ''
  const variant = optionalString(value['variant'], `${where}.platform.variant`)
  const osVersion = optionalString(value['os.version'], `${where}.platform["os.version"]`)
  return {
    os,
    architecture,
    ...(variant !== undefined && variant !== '' && { variant }),
    ...(osVersion !== undefined && osVersion !== '' && { osVersion }),
  }
}

/** `os/architecture[/variant][:os.version]`, as the field writes it: `linux/arm64/v8`. */
export function formatPlatform(p: Platform): string {
  const name = [p.os, p.architecture, ...(p.variant === undefined ? [] : [p.variant])].join('/')
  return p.osVersion === undefined ? name : `${name}:${p.osVersion}`
}
