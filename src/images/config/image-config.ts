import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { isRecord, optionalString, parseJson, stringMap } from '../../oci/json.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { formatPlatform, type Platform, parsePlatform } from '../../oci/platform.ts'
import { type ImageSettings, parseImageSettings } from './image-settings.ts'
import type { BlobReader } from '../ports.ts'

/** The size in bytes up to which dray reads a config. */
const maxConfigSize = 4 * 1024 * 1024

/** The parts of an image's config that dray shows (image-spec, config.md). */
export interface ImageConfigView {
  /** `linux/arm64/v8`; undefined without `os` and `architecture`, as in the configs of cosign */
  readonly platform?: string
  /** ISO 8601, as it is written */
  readonly created?: string
  readonly author?: string
  readonly labels: Readonly<Record<string, string>>
  /** how the image is run */
  readonly settings: ImageSettings
  /** number of build steps, also of those without a layer */
  readonly history: number
}

export function isImageConfig({ mediaType }: Descriptor): boolean {
  return mediaType === mediaTypes.config || mediaType === mediaTypes.dockerConfig
}

/** Reads the bytes of a config. @throws `malformed` if it is too large; what the port throws. */
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

/** Returns `created` of a config as it is written. @throws `malformed`, naming `where`. */
export function createdInConfig(bytes: Uint8Array, where: string): string | undefined {
  return optionalString(bodyOf(bytes, where)['created'], `${where}.created`)
}

function bodyOf(bytes: Uint8Array, where: string): Readonly<Record<string, unknown>> {
  const body = parseJson(bytes, where)
  if (!isRecord(body)) throw new DrayError('malformed', `${where} is not an object`)
  return body
}

/** @throws `malformed`; what the port throws. */
export async function readImageConfig(
  store: BlobReader,
  descriptor: Descriptor,
  call: Call,
): Promise<ImageConfigView> {
  const where = `config ${descriptor.digest}`
  const body = bodyOf(await readConfigBytes(store, descriptor, call), where)
  const created = optionalString(body['created'], `${where}.created`)
  const author = optionalString(body['author'], `${where}.author`)
  const config = isRecord(body['config']) ? body['config'] : {}
  const platform = parsePlatform(body, where)
  return {
    ...(isComplete(platform) && { platform: formatPlatform(platform) }),
    ...(created !== undefined && { created }),
    ...(author !== undefined && author !== '' && { author }),
    labels: stringMap(config['Labels'], `${where}.config.Labels`) ?? {},
    settings: parseImageSettings(config, `${where}.config`),
    history: Array.isArray(body['history']) ? body['history'].length : 0,
  }
}

function isComplete({ os, architecture }: Platform): boolean {
  return os !== '' && architecture !== ''
}
