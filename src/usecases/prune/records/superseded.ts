import type { SupersededDigest, RepositoryMoves } from '../../../audit/moves/tag-moves.ts'
import type { Rule } from '../../../config/retention/policy.ts'
import type { Call } from '../../../lib/call.ts'
import { imageTags } from '../../../images/graph/repository-graph.ts'
import type { RepositoryScan } from '../../../images/graph/repository-scan.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { Promotions } from './promotions.ts'

/** The moves of a tag that are followed back, one attestation after the other. */
const maxMovesBack = 1000

/** Superseded digests, and whether there are records of the repository at all. */
export interface FoundSuperseded {
  readonly superseded: readonly SupersededDigest[]
  readonly hasRecords: boolean
}

/**
 * Finds superseded digests by the audit log and by attestations, and reads those that exist.
 * Attestations lead from the digest that a tag is on to the one that it was on before; they are
 * read only for digests that the log does not know.
 * @param isSelected whether a rule selects the superseded digests of the tag
 * @throws what the store throws.
 */
export async function findSupersededDigests(
  scan: RepositoryScan,
  moves: RepositoryMoves,
  promotions: Promotions,
  isSelected: (tag: string) => boolean,
  call: Call,
): Promise<FoundSuperseded> {
  const found = new Map<string, SupersededDigest>()
  const nominate = (one: SupersededDigest): void => {
    const key = `${one.tag} ${one.digest}`
    const known = found.get(key)
    if (known === undefined || known.at < one.at) found.set(key, one)
  }
  const selected = new Set(moves.superseded.flatMap(({ tag, digest }) => (isSelected(tag) ? [digest] : [])))
  for (const one of moves.superseded) if (selected.has(one.digest)) nominate(one)
  const existing = await scan.addExisting([...selected], call)
  const current = [...imageTags(scan.graph)].flatMap(([tag, digest]) => (isSelected(tag) ? [digest] : []))
  let hasRecords = moves.puts.size > 0 || moves.superseded.length > 0
  let next: readonly Digest[] = [...current, ...existing]
  for (let back = 0; back < maxMovesBack && next.length > 0; back++) {
    const unknown = [...new Set(next)].filter(
      (digest) => !moves.puts.has(digest) && !promotions.isRead(digest),
    )
    await promotions.read(unknown, call)
    const before = new Set<Digest>()
    for (const digest of unknown) {
      for (const { tags, at, isTrusted } of promotions.of(digest)) {
        hasRecords = true
        if (!isTrusted) continue
        for (const { tag, before: superseded } of tags) {
          if (superseded === null || superseded === digest || !isSelected(tag)) continue
          nominate({ tag, digest: superseded, at })
          before.add(superseded)
        }
      }
    }
    next = await scan.addExisting([...before], call)
  }
  await addSubjects(scan, [...found.values()], call)
  return { superseded: [...found.values()], hasRecords }
}

/** A subject that exists keeps its attached artifacts, also if it has no tag. */
async function addSubjects(
  scan: RepositoryScan,
  superseded: readonly SupersededDigest[],
  call: Call,
): Promise<void> {
  let open: readonly Digest[] = superseded.map(({ digest }) => digest)
  while (open.length > 0) {
    const { nodes } = scan.graph
    const subjects = open.flatMap((digest) => nodes.get(digest)?.subject ?? [])
    open = await scan.addExisting(
      [...new Set(subjects)].filter((digest) => !nodes.has(digest)),
      call,
    )
  }
}

/** Whether one of the rules selects the superseded digests of a tag. */
export function selectsSuperseded(
  rules: readonly Rule[],
  select: (rule: Rule, tag: string) => boolean,
): (tag: string) => boolean {
  const superseded = rules.filter(({ kind }) => kind === 'superseded')
  return (tag) => superseded.some((rule) => select(rule, tag))
}
