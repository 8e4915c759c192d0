import { DrayError } from '../lib/errors.ts'
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

/** Returns `os/architecture[/variant][:os.version]`: `linux/arm64/v8`. */
export function formatPlatform(p: Platform): string {
  const name = [p.os, p.architecture, ...(p.variant === undefined ? [] : [p.variant])].join('/')
  return p.osVersion === undefined ? name : `${name}:${p.osVersion}`
}

/**
 * Parses what `formatPlatform` returns: `linux/arm64`, `linux/arm/v7`,
 * `windows/amd64:10.0.17763.1`. @throws `malformed`.
 */
export function parsePlatformName(text: string): Platform {
  const platform = platformNamed(text)
  if (platform !== undefined) return platform
  throw new DrayError('malformed', `${JSON.stringify(text.slice(0, 100))} is not a platform`, {
    hint: 'Write a platform as linux/amd64 or linux/arm/v7.',
  })
}

/** Parses the same; undefined for other text. */
export function platformNamed(text: string): Platform | undefined {
  const [, os, architecture, variant, osVersion] =
    /^([^/:\s]+)\/([^/:\s]+)(?:\/([^/:\s]+))?(?::([^/:\s]+))?$/.exec(text) ?? []
  if (os === undefined || architecture === undefined) return undefined
  return {
    os,
    architecture,
    ...(variant !== undefined && { variant }),
    ...(osVersion !== undefined && { osVersion }),
  }
}

/**
 * Whether an image is for the requested platform. Parts that were not requested may be anything.
 */
export function fitsPlatform(asked: Platform, has: Platform): boolean {
  return (
    asked.os === has.os &&
    asked.architecture === has.architecture &&
    (asked.variant === undefined || variantOf(asked) === variantOf(has)) &&
    (asked.osVersion === undefined || asked.osVersion === has.osVersion)
  )
}

/** No variant means the usual one (containerd, platforms/database.go). */
function variantOf({ architecture, variant }: Platform): string | undefined {
  if (variant !== undefined) return variant
  if (architecture === 'arm64') return 'v8'
  return architecture === 'arm' ? 'v7' : undefined
}
