import { configText } from './prune-client.ts'
import { ManifestHistory } from './manifest-history.ts'
import { buildRepository } from './repository-builder.ts'
import { factsOf } from './scenario-facts.ts'
import type { Scenario } from './scenarios.ts'
import { now } from './recipes.ts'
import { SimulatedRegistry } from './simulated-registry.ts'
import type { ManifestSummary } from './snapshot.ts'

const day = 86_400_000

/** A scenario as people read it: the configuration, the tags, the manifests, and what happens. */
export async function describeScenario(scenario: Scenario): Promise<string> {
  const registry = new SimulatedRegistry(scenario.abilities)
  await registry.load(buildRepository(scenario.recipe, registry.abilities.referrers))
  const snapshot = await new ManifestHistory(registry).now()
  const facts = factsOf(scenario, snapshot)
  const { changes, isTwice, isSaved, kill, abilities, recipe } = scenario
  const daysAgo = (time: number | undefined): string =>
    time === undefined ? '' : `${(now - time) / day}d ago`
  return [
    configText(scenario),
    ...[...snapshot.tags].map(([tag, digest]) => `${shorten(tag)} -> ${short(digest)}`),
    ...recipe.dangling.map((tag) => `${tag} -> nothing`),
    ...[...snapshot.manifests.values()].map(
      (one) => `${describeManifest(one)}; seen ${daysAgo(facts.firstSeen.get(one.digest))}`,
    ),
    ...facts.moves.map(
      ({ tag, before, after, at, repository }) =>
        `moved ${daysAgo(at)} in ${repository}: ${tag} from ${short(before ?? 'nothing')} to ${short(after)}`,
    ),
    ...(facts.unreadable === undefined ? [] : [`unreadable at first: ${short(facts.unreadable)}`]),
    ...facts.inUse.map((digest) => `in use: ${short(digest)}`),
    ...[...facts.locks].map(([locked, { status }]) => `locked: ${short(locked)} (${status})`),
    JSON.stringify({ abilities, isTwice, isSaved, kill }),
    ...changes.map((one) => JSON.stringify(one)),
  ].join('\n')
}

function describeManifest({
  digest,
  isIndex,
  children,
  subject,
  annotated,
  configured,
}: ManifestSummary): string {
  const parts = children.map(
    (child) => `${short(child.digest)}${child.isAttestation ? ' (attestation)' : ''}`,
  )
  return [
    `${short(digest)}: ${isIndex ? `index of [${parts.join(', ')}]` : 'manifest'}`,
    ...(subject === undefined ? [] : [`subject ${short(subject)}`]),
    ...(annotated === undefined ? [] : [`annotated ${annotated}`]),
    ...(configured === undefined ? [] : [`config ${configured}`]),
  ].join('; ')
}

function short(digest: string): string {
  return digest.startsWith('sha256:') ? digest.slice(7, 15) : digest
}

/** Evidence tags with the beginning of the digest. */
function shorten(tag: string): string {
  return tag.replace(/(sha256-[0-9a-f]{8})[0-9a-f]{56}/, '$1')
}
