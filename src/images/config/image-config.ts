import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { isRecord, optionalString, parseJson, stringMap } from '../../oci/json.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { formatPlatform, type Platform, parsePlatform } from '../../oci/platform.ts'
import { type ImageSettings, parseImageSettings } from './image-settings.ts'
import type { BlobReader } from '../ports.ts'

/** The largest config that is read to be looked at, in bytes. */
const maxConfigSize = 4 * 1024 * 1024

/** What a person wants to know of an image's config (image-spec, config.md). */
export interface ImageConfigView {
  /** `linux/arm64/v8`; undefined where it does not name both, as what cosign signs with */
  readonly platform?: string
  /** ISO 8601, as it stands there */
  readonly created?: string
  readonly author?: string
  readonly labels: Readonly<Record<string, string>>
  /** how it is run */
  readonly settings: ImageSettings
  /** steps that it was built in, those too that made no layer */
  readonly history: number
}

export function isImageConfig({ mediaType }: Descriptor): boolean {
  return mediaType === mediaTypes.config || mediaType === mediaTypes.dockerConfig
}

/** The bytes of a config. @throws `malformed` for one that is too large to be read, and what the store throws. */
export async function readConfigBytes(
  store: BlobReader,
  descriptor: Descriptor,
  call: Call,
): Promise<Uint8Array> {
  if (descriptor.size > maxConfigSize)
    throw new DrayError('malformed', `config ${descriptor.digest} is larger than ${maxConfigSize} bytes`)
  const chunks: Uint8Array[] = []
  for await (const chunk of await store.blob(descriptor, 0, call)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** `created` of a config, as it stands there. @throws `malformed`, naming `where`. */
export function createdInConfig(bytes: Uint8Array, where: string): string | undefined {
  return optionalString(bodyOf(bytes, where)['created'], `${where}.created`)
}

function bodyOf(bytes: Uint8Array, where: string): Readonly<Record<string, unknown>> {
  const body = parseJson(bytes, where)
  if (!isRecord(body)) throw new DrayError('malformed', `${where} is not an object`)
  return body
}

/** Reads an image's config to look at. @throws `malformed`, and what the store throws. */
export async function readImageConfig(
  store: BlobReader,
  descriptor: Descriptor,
  call: Call,
): Promise<ImageConfigView> {
  const where = `config ${descriptor.digest}`
  const body = bodyOf(await readConfigBytes(store, descriptor, call), where)
  const created = optionalString(body['created'], `${where}.created`)
  const author = optionalString(body['author'], `${where}.author`)
  const inner = isRecord(body['config']) ? body['config'] : {}
  const platform = parsePlatform(body, where)
  return {
    ...(isNamed(platform) && { platform: formatPlatform(platform) }),
    ...(created !== undefined && { created }),
    ...(author !== undefined && author !== '' && { author }),
    labels: stringMap(inner['Labels'], `${where}.config.Labels`) ?? {},
    settings: parseImageSettings(inner, `${where}.config`),
    history: Array.isArray(body['history']) ? body['history'].length : 0,
  }
}

function isNamed({ os, architecture }: Platform): boolean {
  return os !== '' && architecture !== ''
}
