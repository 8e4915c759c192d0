import { auditCases } from './audit-log.ts'
import type { ProfileName } from '../../src/embedded/profiles.ts'
import { image, manifestOf, referrer, together, types } from '../../test/support/images.ts'
import type { GrowthRegistry } from './growth-registry.ts'

/** A command whose cost is measured at several sizes of its input. */
export interface GrowthCase {
  readonly name: string
  /** what the size counts */
  readonly unit: string
  readonly sizes: readonly number[]
  /** `oci-1.1` by default */
  readonly profile?: ProfileName
  /** of `dray.yaml`, beside the environments dev and prod */
  readonly configuration?: (size: number) => object
  /** Puts content into the registry. Returns the arguments of the command. */
  prepare(input: GrowthInput): Promise<readonly string[]>
}

interface GrowthInput {
  readonly registry: GrowthRegistry
  readonly size: number
  readonly auditLog: string
}

const keptTags = 20
const hour = 3_600_000
const now = Date.now()

const retention = () => ({
  images: { api: {} },
  retention: {
    limits: { maxDeletes: 1_000_000, maxPercent: 100 },
    rules: [{ name: 'previews', repositories: ['@dev/*'], tags: { glob: ['pr-*'] }, keepNewest: keptTags }],
  },
})

export const growthCases: readonly GrowthCase[] = [
  {
    name: 'prune',
    unit: 'deletes in the plan',
    sizes: [500, 2000, 8000],
    configuration: retention,
    prepare: async (input) => {
      await addPreviews(input)
      return ['prune']
    },
  },
  {
    name: 'prune --apply',
    unit: 'deletes',
    sizes: [250, 1000, 4000],
    configuration: retention,
    prepare: async (input) => {
      await addPreviews(input)
      return ['prune', '--apply', '--yes']
    },
  },
  {
    name: 'promote',
    unit: 'images',
    sizes: [25, 100, 400],
    prepare: async (input) => {
      await addImages(input, ['dev'])
      return [
        'promote',
        ...imageNames(input.size).map((name) => `${name}:1.0.0`),
        '--from',
        'dev',
        '--to',
        'prod',
        '--yes',
      ]
    },
  },
  ...(['oci-1.1', 'docker-registry-2.8'] as const).map((profile): GrowthCase => ({
    name: profile === 'oci-1.1' ? 'promote' : 'promote without the referrers API',
    unit: 'referrers',
    sizes: [50, 200, 800],
    profile,
    prepare: async (input) => {
      await addReferrers(input, profile)
      return ['promote', 'api:1.0.0', '--from', 'dev', '--to', 'prod', '--yes']
    },
  })),
  {
    name: 'status',
    unit: 'images',
    sizes: [50, 200, 800],
    configuration: (size) => ({ images: Object.fromEntries(imageNames(size).map((name) => [name, {}])) }),
    prepare: async (input) => {
      await addImages(input, ['dev', 'prod'])
      return ['status']
    },
  },
  ...auditCases,
]

async function addPreviews({ registry, size }: GrowthInput): Promise<void> {
  for (let number = 0; number < size + keptTags; number++) {
    const created = new Date(now - number * hour).toISOString()
    await registry.add('dev/api', image({ label: `pr ${number}`, layers: 1, created }), [`pr-${number}`])
  }
}

function imageNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, number) => `image${number}`)
}

async function addImages({ registry, size }: GrowthInput, environments: readonly string[]): Promise<void> {
  for (const name of imageNames(size)) {
    const content = image({ label: name, layers: 3 })
    for (const environment of environments) await registry.add(`${environment}/${name}`, content, ['1.0.0'])
  }
}

async function addReferrers({ registry, size }: GrowthInput, profile: ProfileName): Promise<void> {
  const subject = image({ label: 'api', layers: 3 })
  const referrers = Array.from({ length: size }, (_, number) =>
    referrer(subject, { payload: `referrer ${number}` }),
  )
  await registry.add('dev/api', together(subject, ...referrers), ['1.0.0'])
  if (profile === 'oci-1.1') return
  const list = manifestOf(types.index, {
    manifests: referrers.map(({ root }) => ({ ...root, artifactType: 'application/spdx+json' })),
  })
  const content = { root: list.descriptor, blobs: new Map(), manifests: [list] }
  await registry.add('dev/api', content, [subject.root.digest.replace(':', '-')])
}
