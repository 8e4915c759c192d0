import { type Digest, digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import type { RepositoryName } from '../../src/oci/reference.ts'
import type { PromoteRequest } from '../../src/usecases/promote/request.ts'
import type { PromoteSnapshot, PromoteTarget } from '../../src/usecases/promote/snapshot.ts'
import type { Evidence } from '../../src/images/evidence/evidence.ts'
import { plainReading } from '../../src/semver/version.ts'
import type { Graph } from '../../src/images/graph/graph.ts'

export const staging: RepositoryName = { registry: 'r.example', path: 'staging/api' }
export const prod: RepositoryName = { registry: 'r.example', path: 'prod/api' }
export const eu: RepositoryName = { registry: 'eu.example', path: 'prod/api' }
export const other: Digest = digestOf('other')

export function graphOf(
  name: string,
  layers: readonly { digest: Digest; annotations?: Record<string, string> }[] = [],
): Graph {
  const root = { mediaType: mediaTypes.manifest, digest: digestOf(name), size: 10 }
  const config = { mediaType: mediaTypes.config, digest: digestOf(`${name} config`), size: 5 }
  const layerDescriptors = layers.map((layer) => ({ mediaType: 'application/x', size: 1, ...layer }))
  const manifest = { kind: 'manifest', mediaType: root.mediaType, config, layers: layerDescriptors } as const
  return {
    root,
    nodes: [{ descriptor: root, manifest }],
    blobs: [config],
    size: 15,
    missing: [],
    omitted: [],
  }
}

export function referrerOf(subject: Digest, name = `signature of ${subject}`): Evidence {
  const graph = graphOf(name)
  return { subject, manifest: graph.root, via: 'subject', graph }
}

export function cosignOf(subject: Digest, signatures: readonly string[]): Evidence {
  const payload = digestOf('payload')
  const graph = graphOf(
    `cosign ${signatures.join()}`,
    signatures.map((signature) => ({ digest: payload, annotations: { signature } })),
  )
  return { subject, manifest: graph.root, via: 'tag', tag: subject.replace(':', '-').concat('.sig'), graph }
}

/** The entry of a cosign signature in a snapshot. */
export function cosignEntry(signature: string): string {
  return JSON.stringify([digestOf('payload'), [['signature', signature]]])
}

export const api = graphOf('api')

/** Fields of a snapshot. By default it has one tag and one empty target. */
export interface SnapshotOptions {
  readonly tags?: readonly string[]
  readonly request?: Partial<PromoteRequest>
  readonly evidence?: readonly Evidence[]
  readonly targets?: readonly (Partial<PromoteTarget> & { readonly repository: RepositoryName })[]
}

/** A snapshot for a promotion of `api:1.4.2` from staging to prod. */
export function snapshotOf({
  tags = ['1.4.2'],
  request = {},
  evidence = [],
  targets = [{ repository: prod }],
}: SnapshotOptions = {}): PromoteSnapshot {
  return {
    request: {
      image: 'api:1.4.2',
      from: { environment: 'staging', repository: staging, at: { tag: '1.4.2' }, reading: plainReading },
      to: {
        environment: 'prod',
        accepts: ['staging'],
        targets: targets.map((t) => t.repository),
        reading: plainReading,
      },
      tags,
      ...request,
    },
    readAt: 0,
    source: { root: api.root, graph: api, evidence },
    targets: targets.map((target) => ({
      kind: 'read',
      rootByDigest: false,
      tags: new Map(tags.map((tag) => [tag, null])),
      referrers: new Map(),
      evidenceTags: new Map(),
      damaged: new Set(),
      ...target,
    })),
  }
}
