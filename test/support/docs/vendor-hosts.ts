import type { ProfileName } from '../../../src/embedded/profiles.ts'
import type { RegistryStorage } from '../../../src/embedded/storage/storage.ts'
import { vendorImitations } from '../../../src/embedded/vendors/load-vendor.ts'
import type { VendorRecords } from '../../../src/embedded/vendors/vendor-records.ts'
import type { VendorImitation, VendorName } from '../../../src/embedded/vendors/vendor.ts'
import { ageInDays, type SeededRepository } from './content.ts'

/** The vendor of a host in the pages. */
const vendors: readonly (readonly [RegExp, VendorName])[] = [
  [/^ghcr\.io$/, 'ghcr'],
  [/docker\.io$/, 'dockerhub'],
  [/\.amazonaws\.com$/, 'ecr'],
  [/\.pkg\.dev$/, 'gar'],
  [/\.azurecr\.io$/, 'acr'],
  [/^harbor\./, 'harbor'],
  [/gitlab/, 'gitlab'],
  [/^quay\.io$/, 'quay'],
  [/^(?:gitea|forgejo|git)\.|codeberg/, 'gitea'],
]

/** The hosts of APIs that are not hosts of references, and the hosts of their registries. */
const apis: readonly (readonly [host: string, registry: RegExp])[] = [
  ['api.github.com', /^ghcr\.io$/],
  ['hub.docker.com', /docker\.io$/],
  ['artifactregistry.googleapis.com', /\.pkg\.dev$/],
  ['api.ecr.eu-central-1.amazonaws.com', /\.dkr\.ecr\.eu-central-1\.amazonaws\.com$/],
]

export const apiHosts: readonly string[] = apis.map(([host]) => host)

/** A reader who has logged in to AWS. The clients must not search for a machine role. */
export const awsEnv: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  AWS_EC2_METADATA_DISABLED: 'true',
}

/** Returns the registry that answers for the host of an API, or the host itself. */
export function registryOfApi(host: string, content: readonly SeededRepository[]): string {
  const registry = apis.find(([api]) => api === host)?.[1]
  if (registry === undefined) return host
  const named = content.find((one) => registry.test(one.host))?.host
  return named === undefined || named === 'docker.io' ? 'registry-1.docker.io' : named
}

interface ImitatedHost {
  readonly vendor?: VendorImitation
  readonly profile?: ProfileName
}

/** The vendor whose registry and API a host has. */
export async function vendorOf(host: string): Promise<ImitatedHost> {
  if (host.startsWith('zot.')) return { profile: 'zot-2.1' }
  const name = vendors.find(([pattern]) => pattern.test(host))?.[1]
  const vendor = name === undefined ? undefined : await vendorImitations[name]()
  return vendor === undefined ? {} : { vendor }
}

/** Sets the push time of each seeded manifest and tag to the age of its image. */
export async function datePushes(
  records: VendorRecords,
  storage: RegistryStorage,
  content: readonly SeededRepository[],
): Promise<void> {
  for (const { path, tags } of content) {
    const ages = new Map<string, number>()
    for (const [version, names] of Object.entries(tags)) {
      for (const tag of names) {
        const pushedAt = Date.now() - ageInDays(version) * 86_400_000
        const digest = await storage.tag(path, tag)
        if (digest === undefined) continue
        ages.set(digest, pushedAt)
        records.set(path, { tag }, { pushedAt })
      }
    }
    // Children and attached artifacts are as old as the newest image.
    const newest = Math.max(0, ...ages.values())
    for await (const { digest } of storage.manifests(path))
      records.set(path, { digest }, { pushedAt: ages.get(digest) ?? newest })
  }
}
