import { joinFirst } from '../../lib/join-first.ts'
import type { UsageFacts } from './facts.ts'
import type { UsageRequest } from './request.ts'
import type { RepositoryUsage } from './usage-report.ts'

/** Explains the unknown values of a report, one sentence for each cause and registry. Pure. */
export function explainUnknowns(
  repositories: readonly RepositoryUsage[],
  { storages, unreachable, vendors = new Set() }: Pick<UsageFacts, 'storages' | 'unreachable' | 'vendors'>,
  { notPulledFor }: Pick<UsageRequest, 'notPulledFor'>,
): readonly string[] {
  const withoutPulls = repositories.filter(({ notPulled }) => notPulled === 'unknown')
  const unpriced = new Set(storages.flatMap(({ price, registry }) => (price === undefined ? [registry] : [])))
  const isPriced = storages.some(({ price }) => price !== undefined)
  const read = new Set(repositories.map(({ repository }) => repository.registry))
  const partly = new Set(
    unreachable.flatMap(({ repository: { registry } }) => (read.has(registry) ? [registry] : [])),
  )
  const empty = repositories.filter(({ manifests }) => manifests === 0)
  return [
    ...(empty.length > 0 ? [`No images in ${joinFirst(empty.map(({ image }) => image))}.`] : []),
    ...explainUntagged(repositories, storages, vendors),
    ...(notPulledFor !== undefined && withoutPulls.length > 0
      ? [`No pull times of ${registriesOf(withoutPulls)}.`]
      : []),
    ...(isPriced && unpriced.size > 0
      ? [
          `The cost does not include ${joinFirst([...unpriced])}. Set registries.HOST.pricePerGiBMonth in dray.yaml.`,
        ]
      : []),
    ...(partly.size > 0
      ? [`CROSS-REPO does not count content of the unreachable repositories of ${joinFirst([...partly])}.`]
      : []),
  ]
}

/** Names the vendors that do not list untagged manifests, and the registries without a vendor. */
function explainUntagged(
  repositories: readonly RepositoryUsage[],
  storages: UsageFacts['storages'],
  vendors: ReadonlySet<string>,
): readonly string[] {
  const unknown = repositories.filter(({ bytes }) => bytes.untagged === 'unknown')
  const plain = unknown.filter(({ inventory }) => inventory === undefined)
  const withoutVendor = plain.filter(({ repository }) => !vendors.has(repository.registry))
  const names = storages
    .flatMap((storage) => storage.repositories.map(({ inventory }) => inventory))
    .flatMap((inventory) => (inventory?.untagged === false ? [inventory.name] : []))
  const fix = 'For the registry of a vendor, set registries.HOST.kind in dray.yaml.'
  return [
    ...[...new Set(names)].map((name) => `${name} does not list untagged manifests.`),
    ...(plain.length > 0
      ? [
          `The OCI API does not list the untagged manifests of ${registriesOf(plain)}.${withoutVendor.length > 0 ? ` ${fix}` : ''}`,
        ]
      : []),
  ]
}

function registriesOf(rows: readonly RepositoryUsage[]): string {
  return joinFirst([...new Set(rows.map(({ repository }) => repository.registry))])
}
