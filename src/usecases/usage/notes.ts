import { joinFirst } from '../../lib/join-first.ts'
import type { UsageFacts } from './facts.ts'
import type { UsageRequest } from './request.ts'
import type { RepositoryUsage } from './usage-report.ts'

/** Explains the unknown values of a report, one sentence for each cause and registry. Pure. */
export function explainUnknowns(
  repositories: readonly RepositoryUsage[],
  { storages, unreachable }: Pick<UsageFacts, 'storages' | 'unreachable'>,
  { notPulledFor }: Pick<UsageRequest, 'notPulledFor'>,
): readonly string[] {
  const registriesOf = (rows: readonly RepositoryUsage[]): string =>
    joinFirst([...new Set(rows.map(({ repository }) => repository.registry))])
  const read = new Set(repositories.map(({ repository }) => repository.registry))
  const unread = new Set(unreachable.map(({ repository }) => repository.registry))
  const partly = [...unread].filter((registry) => read.has(registry))
  const empty = repositories.filter(({ manifests }) => manifests === 0)
  const withoutUntagged = repositories.filter(({ bytes }) => bytes.untagged === 'unknown')
  const withoutPulls = repositories.filter(({ notPulled }) => notPulled === 'unknown')
  const unpriced = new Set(storages.flatMap(({ price, registry }) => (price === undefined ? [registry] : [])))
  const isPriced = storages.some(({ price }) => price !== undefined)
  return [
    ...(empty.length > 0 ? [`No images in ${joinFirst(empty.map(({ image }) => image))}.`] : []),
    ...(withoutUntagged.length > 0
      ? [
          `The OCI API does not list the untagged manifests of ${registriesOf(withoutUntagged)}. For the registry of a vendor, set registries.HOST.kind in dray.yaml.`,
        ]
      : []),
    ...(notPulledFor !== undefined && withoutPulls.length > 0
      ? [`${registriesOf(withoutPulls)} has no pull times.`]
      : []),
    ...(isPriced && unpriced.size > 0
      ? [
          `The cost does not include ${joinFirst([...unpriced])}. Set registries.HOST.pricePerGiBMonth in dray.yaml.`,
        ]
      : []),
    ...(partly.length > 0
      ? [`CROSS-REPO does not count content of the unreachable repositories of ${joinFirst(partly)}.`]
      : []),
  ]
}
