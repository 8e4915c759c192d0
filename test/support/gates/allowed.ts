import type { GateDefinition } from '../../../src/config/gates/gate.ts'
import type { GatePorts, GateRequest } from '../../../src/gates/gate-request.ts'
import { RunReads } from '../../../src/gates/gathering/run-reads.ts'
import type { GateTrust } from '../../../src/gates/gate-trust.ts'
import { judge } from '../../../src/gates/judge.ts'
import type { Repositories } from '../../../src/images/ports.ts'
import { parseDescriptor } from '../../../src/oci/descriptor.ts'
import type { ErrorCode } from '../../../src/lib/errors.ts'
import { newCall } from '../../registry/client/world.ts'
import { type Content, together } from '../images.ts'
import { changedReads, type ReadChange } from './changed-reads.ts'
import { memoryStores } from './memory-stores.ts'

/** Gates of an image, and the artifacts that may be attached to it. */
export interface GatedImage {
  readonly image: Content
  /** by name */
  readonly attachable: Readonly<Record<string, Content>>
  readonly gates: readonly GateDefinition[]
  readonly trust: GateTrust
  /** milliseconds since 1970 */
  readonly now: number
}

/** Codes of each treatment: the registry answers nothing, a refusal, wrong bytes or 404. */
const codes: readonly ErrorCode[] = ['unavailable', 'forbidden', 'corrupt', 'not-found']

/** The kinds of failures that a read can have. */
export const readChanges: readonly ReadChange[] = [
  ...codes.map((code): ReadChange => ({ kind: 'fail', code })),
  { kind: 'flip' },
]

/** A repository in memory with the image and these attached artifacts. */
export function storesWith({ image, attachable }: GatedImage, names: readonly string[]): Repositories {
  return memoryStores(together(image, ...names.flatMap((name) => attachable[name] ?? [])), '1.4.2')
}

/** Whether the image may be promoted: every gate was evaluated, and none refuses. */
export async function isAllowed(
  { image, gates, trust, now }: GatedImage,
  stores: Repositories,
): Promise<boolean> {
  const request: GateRequest = {
    root: parseDescriptor(image.root, 'the image'),
    from: { repository: { registry: 'registry.test', path: 'staging/api' }, tag: '1.4.2' },
    to: { environment: 'prod', repository: { registry: 'registry.test', path: 'prod/api' } },
    operation: 'promote',
    gates: gates.map((gate) => ({ gate, image: 'api' })),
  }
  const ports: GatePorts = {
    stores,
    trust,
    clock: { now: () => now, sleep: async () => undefined },
    reads: new RunReads(),
    actors: ['github:eve'],
    overrides: new Map(),
    reportFiles: [],
    environmentsOf: () => ['staging'],
    currentTagOf: () => [],
  }
  const results = await judge(request, ports, newCall())
  return results.length === gates.length && results.every(({ effect }) => effect === 'none')
}

/** The number of reads that judging the image with these attached artifacts takes. */
export async function countReads(gated: GatedImage, names: readonly string[]): Promise<number> {
  const reads = changedReads(storesWith(gated, names), -1, { kind: 'flip' })
  await isAllowed(gated, reads.stores)
  return reads.count()
}

/** The reads that lift the refusal of an image if they are changed in one of these ways. */
export async function readsThatAllow(
  gated: GatedImage,
  names: readonly string[],
  changes: readonly ReadChange[],
): Promise<readonly string[]> {
  const allowing: string[] = []
  const count = await countReads(gated, names)
  for (let at = 0; at < count; at++) {
    for (const change of changes) {
      const { stores } = changedReads(storesWith(gated, names), at, change)
      if (await isAllowed(gated, stores)) allowing.push(`read ${at}: ${JSON.stringify(change)}`)
    }
  }
  return allowing
}
