import { describe } from '../../../src/audit/artifact.ts'
import type { ManifestContent } from '../../../src/images/ports.ts'
import { bareDescriptor, type Descriptor } from '../../../src/oci/descriptor.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { imageHome, imageUser } from './base-layer.ts'
import { entrypoint } from './dray-layer.ts'
import type { Layer } from './layer.ts'

/** Bytes that belong to a manifest. */
export interface Blob {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

interface PlatformImage {
  readonly architecture: string
  readonly manifest: ManifestContent
  readonly blobs: readonly Blob[]
}

export interface ComposedImage {
  readonly index: ManifestContent
  readonly images: readonly PlatformImage[]
}

/** A layer and the text for `docker history`. */
interface HistoryLayer extends Layer {
  readonly createdBy: string
}

/** An image for one architecture before it has a config and a manifest. */
export interface PlatformParts {
  readonly architecture: string
  readonly layers: readonly HistoryLayer[]
}

const path = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':')

/**
 * Builds the configs, the manifests and the index: the same bytes for the same values. The labels
 * of the config are also the annotations of each manifest (image-spec, annotations.md).
 * @param created RFC 3339
 */
export function composeImage(
  parts: readonly PlatformParts[],
  labels: Readonly<Record<string, string>>,
  created: string,
): ComposedImage {
  const images = parts.map((one) => composePlatform(one, labels, created))
  const index = manifestOf(mediaTypes.index, {
    manifests: images.map(({ architecture, manifest }) => ({
      ...bareDescriptor(manifest.descriptor),
      platform: { os: 'linux', architecture },
    })),
    annotations: labels,
  })
  return { index, images }
}

function composePlatform(
  { architecture, layers }: PlatformParts,
  labels: Readonly<Record<string, string>>,
  created: string,
): PlatformImage {
  const config = jsonBlob(mediaTypes.config, {
    created,
    os: 'linux',
    architecture,
    config: {
      User: `${imageUser}:${imageUser}`,
      Env: [`PATH=${path}`, `HOME=${imageHome}`],
      Entrypoint: [entrypoint],
      WorkingDir: imageHome,
      Labels: labels,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ createdBy }) => ({ created, created_by: createdBy })),
  })
  const manifest = manifestOf(mediaTypes.manifest, {
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    annotations: labels,
  })
  return { architecture, manifest, blobs: [config, ...layers] }
}

function manifestOf(mediaType: string, fields: object): ManifestContent {
  return jsonBlob(mediaType, { schemaVersion: 2, mediaType, ...fields })
}

function jsonBlob(mediaType: string, value: object): Blob {
  const bytes = new TextEncoder().encode(JSON.stringify(value))
  return { descriptor: describe(bytes, mediaType), bytes }
}
