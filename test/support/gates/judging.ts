import { gatherImage, type VerifiedImage } from '../../../src/gates/gather.ts'
import type { ApplicableGate, GatePorts, GateRequest } from '../../../src/gates/gate-request.ts'
import { RunReads } from '../../../src/gates/gathering/run-reads.ts'
import { judge } from '../../../src/gates/judge.ts'
import type { GateDefinition } from '../../../src/config/gates/gate.ts'
import type { Repositories } from '../../../src/images/ports.ts'
import { LayoutRepositories } from '../../../src/layout/layout-repositories.ts'
import type { Call } from '../../../src/lib/call.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { parseDescriptor } from '../../../src/oci/descriptor.ts'
import type { RepositoryName } from '../../../src/oci/reference.ts'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'
import { embedded, newCall, openStores } from '../../registry/client/world.ts'
import type { Content } from '../images.ts'
import { writeLayout } from '../layouts.ts'
import { tempFolder } from '../temp.ts'
import type { RegistryKind } from '../world.ts'
import { gateTrust } from './trust.ts'

/** An image in a source repository, and what a run judges it with. */
export interface Judging {
  readonly request: GateRequest
  readonly ports: GatePorts
  readonly call: Call
  readonly gather: () => Promise<VerifiedImage>
  readonly judge: () => Promise<readonly GateResult[]>
  /** `GET blob 200` of each request since the last call */
  readonly requests: () => readonly string[]
}

export interface JudgingOptions extends Partial<GatePorts> {
  readonly gates: readonly GateDefinition[]
  readonly operation?: GateRequest['operation']
  /** the registry, or a folder with an image layout; `oci-1.1` by default */
  readonly at?: RegistryKind | 'layout'
  /** changes the stores, for example so that reads fail */
  readonly wrap?: (stores: Repositories) => Repositories
}

/** Pushes an image with its attached artifacts as `staging/api:1.4.2`, to be judged for prod. */
export async function judging(content: Content, options: JudgingOptions): Promise<Judging> {
  const { gates, operation = 'promote', at = 'oci-1.1', wrap = (same) => same, ...ports } = options
  const { stores, source, requests } =
    at === 'layout' ? await inLayout(content) : await inRegistry(content, at)
  return judgingAt(wrap(stores), source, content, { gates, operation, ports, requests })
}

interface JudgingParts {
  readonly gates: readonly GateDefinition[]
  readonly operation: GateRequest['operation']
  readonly ports: Partial<GatePorts>
  readonly requests: () => readonly string[]
}

/** The same with any stores. */
function judgingAt(
  stores: Repositories,
  source: RepositoryName,
  { root }: Content,
  { gates, operation, ports: given, requests }: JudgingParts,
): Judging {
  const ports: GatePorts = {
    stores,
    trust: gateTrust({}),
    clock: systemClock,
    reads: new RunReads(),
    actors: [],
    overrides: new Map(),
    reportFiles: [],
    environmentsOf: () => [],
    currentTagOf: () => [],
    ...given,
  }
  const request: GateRequest = {
    root: parseDescriptor(root, 'the image'),
    from: { environment: 'staging', repository: source, tag: '1.4.2' },
    to: { environment: 'prod', repository: { registry: 'registry.test', path: 'prod/api' } },
    operation,
    gates: gates.map((gate): ApplicableGate => ({ gate, image: 'api' })),
  }
  const call = newCall()
  return {
    request,
    ports,
    call,
    gather: () => gatherImage(request, 'api', ports, call),
    judge: () => judge(request, ports, call),
    requests,
  }
}

interface Source {
  readonly stores: Repositories
  readonly source: RepositoryName
  readonly requests: () => readonly string[]
}

async function inRegistry(content: Content, kind: RegistryKind): Promise<Source> {
  const options = typeof kind === 'string' ? { profile: kind } : kind
  const { registry, log, push } = await embedded(options)
  await push(content, 'staging/api', '1.4.2')
  return {
    stores: openStores({ clock: systemClock }),
    source: { registry, path: 'staging/api' },
    requests: () => log.splice(0).map(({ method, kind: what, status }) => `${method} ${what} ${status}`),
  }
}

async function inLayout(content: Content): Promise<Source> {
  const folder = await tempFolder()
  writeLayout(folder, content, '1.4.2')
  return {
    stores: new LayoutRepositories('/', systemClock),
    source: { registry: 'oci:', path: folder },
    requests: () => [],
  }
}
