import {
  artifact,
  type Content,
  type Descriptor,
  image,
  index,
  manifestOf,
  referrer,
  sha256,
  together,
  types,
} from '../../support/images.ts'

/**
 * The kinds of content of the conformance tests of the OCI distribution specification
 * (conformance/run.go, GenerateData). What dray refuses (a sparse index) is not among them.
 */
export const contents: Readonly<Record<string, Content>> = {
  'an image': image({ label: 'image' }),
  'an image in the format of docker': image({ label: 'docker', docker: true }),
  'an image without layers': image({ label: 'no layers', layers: 0 }),
  'an index': index(['linux/amd64', 'linux/arm64'], { label: 'index' }),
  'an index with an index in it': index([index(['linux/amd64'], { label: 'nested' }), 'linux/arm64']),
  'an artifact': artifact('helm', 'artifact'),
  'a manifest with a subject': subjectAnd(image({ label: 'subject' })),
  'an index with a subject': subjectAnd(image({ label: 'subject of an index' }), { index: true }),
  'a manifest with a missing subject': referrer(image({ label: 'missing' })),
  'an empty blob': ofLayers([blob('')]),
  'descriptors with data': ofLayers([
    blob('with data', { data: Buffer.from('with data').toString('base64') }),
  ]),
  'unknown fields': ofLayers([blob('unknown', { example: { a: 1 } })], { example: [true, null] }),
}

interface Blob {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

function blob(text: string, fields: object = {}): Blob {
  const bytes = Buffer.from(text)
  const descriptor = { mediaType: types.layer, digest: sha256(bytes), size: bytes.byteLength, ...fields }
  return { descriptor, bytes }
}

function ofLayers(layers: readonly Blob[], fields: object = {}): Content {
  const config = blob('{}', { mediaType: types.empty })
  const manifest = manifestOf(types.manifest, {
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...fields,
  })
  const blobs = new Map([config, ...layers].map(({ descriptor, bytes }) => [descriptor.digest, bytes]))
  return { root: manifest.descriptor, blobs, manifests: [manifest] }
}

/** The root is the subject, so that a repository that hides untagged manifests has it. */
function subjectAnd(subject: Content, options: Parameters<typeof referrer>[1] = {}): Content {
  return together(subject, referrer(subject, options))
}
