import type { Call } from '../call.ts'
import { DrayError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { isRecord, optionalString, parseJson, stringMap } from '../oci/json.ts'
import { mediaTypes } from '../oci/media-types.ts'
import { formatPlatform, type Platform, parsePlatform } from '../oci/platform.ts'
import { type ImageSettings, parseImageSettings } from './image-settings.ts'
import type { SourceStore } from './store.ts'

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

/** Reads an image's config to look at. @throws `malformed`, and what the store throws. */
export async function readImageConfig(
  store: SourceStore,
  descriptor: Descriptor,
  call: Call,
): Promise<ImageConfigView> {
  const where = `config ${descriptor.digest}`
  if (descriptor.size > maxConfigSize)
    throw new DrayError('malformed', `${where} is larger than ${maxConfigSize} bytes`)
  const chunks: Uint8Array[] = []
  for await (const chunk of await store.blob(descriptor, 0, call)) chunks.push(chunk)
  const body = parseJson(Buffer.concat(chunks), where)
  if (!isRecord(body)) throw new DrayError('malformed', `${where} is not an object`)
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
