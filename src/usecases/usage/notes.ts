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
  const withoutUntagged = repositories.filter(({ bytes }) => bytes.untagged === 'unknown')
  const withoutPulls = repositories.filter(({ notPulled }) => notPulled === 'unknown')
  const unpriced = new Set(storages.flatMap(({ price, registry }) => (price === undefined ? [registry] : [])))
  const isPriced = storages.some(({ price }) => price !== undefined)
  return [
    ...(withoutUntagged.length > 0
      ? [
          `The untagged manifests of ${registriesOf(withoutUntagged)} are unknown, because the OCI API does not list them. If it is the registry of a known vendor, set registries.HOST.kind in dray.yaml.`,
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
    ...(unreachable.length > 0 && repositories.length > 0
      ? ['Content that only unreachable repositories share is not in CROSS-REPO.']
      : []),
  ]
}
