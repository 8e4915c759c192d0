import { approvalPredicateType } from '../../audit/attestation/approval-statement.ts'
import { promotionPredicateType } from '../../audit/attestation/promotion-statement.ts'
import type { GateDefinition } from '../../config/gates/gate.ts'
import type { Digest } from '../../oci/digest.ts'
import { signaturePredicate } from '../../oci/evidence-kind.ts'
import { isSbomPredicate } from '../../reports/parse-sbom.ts'
import { isScanPredicate } from '../../reports/parse-scan-report.ts'
import { isVexPredicate } from '../../reports/parse-vex.ts'
import type { JudgedSubject } from '../evidence.ts'
import type { GateTrust } from '../gate-trust.ts'
import type { TrustedSigner } from '../../signing/trust/signer.ts'
import { groupsOf, signersOf } from '../trust-names.ts'
import { isUnspecificType } from '../unspecific-types.ts'
import { type AttachedLayer, isPlainStatement } from './attached-layers.ts'

/** The evidence that one gate needs. */
interface GateNeed {
  readonly subjects: ReadonlySet<Digest>
  readonly signatures: boolean
  /** whether it needs a statement with this predicate type */
  readonly isPredicate: (type: string) => boolean
  /** whether it needs a plain document of this type */
  readonly isDocument: (type: string) => boolean
  /** whether a plain document of an unknown type may be what it needs */
  readonly readsUnknown: boolean
}

/** The image as far as it decides which evidence gates need. */
export interface NeedingImage {
  readonly root: JudgedSubject
  readonly platforms: readonly JudgedSubject[]
}

/**
 * Returns the layers that one of the gates needs. A layer is omitted only if its type is certain
 * not to matter: the annotations of cosign, buildkit and dray name the predicate type.
 */
export function neededLayers(
  layers: readonly AttachedLayer[],
  gates: readonly GateDefinition[],
  image: NeedingImage,
): readonly AttachedLayer[] {
  const needs = gates.map((gate) => needOf(gate, image))
  const needed = layers.filter((layer) => needs.some((need) => isNeeded(layer, need)))
  // The signers of the index are the signers of the statements that buildx put into it.
  if (!needed.some(({ layout }) => layout === 'buildx')) return needed
  const ofIndex: GateNeed = { ...noNeed, subjects: new Set([image.root.digest]), signatures: true }
  const known = new Set(needed)
  return layers.filter((layer) => known.has(layer) || isNeeded(layer, ofIndex))
}

function isNeeded(layer: AttachedLayer, need: GateNeed): boolean {
  if (!need.subjects.has(layer.attachedTo)) return false
  const { layout, predicateType } = layer
  if (layout === 'simpleSigning' || layout === 'notation') return need.signatures
  if (layout === 'bundle' || layout === 'dsse' || isPlainStatement(layer)) {
    if (predicateType === undefined) return need.signatures || need.isPredicate !== noNeed.isPredicate
    return predicateType === signaturePredicate ? need.signatures : need.isPredicate(predicateType)
  }
  return isUnspecificType(layer.type) ? need.readsUnknown : need.isDocument(layer.type)
}

const noNeed: Omit<GateNeed, 'subjects'> = {
  signatures: false,
  isPredicate: () => false,
  isDocument: () => false,
  readsUnknown: false,
}

function needOf(gate: GateDefinition, image: NeedingImage): GateNeed {
  return { ...noNeed, subjects: subjectsOfNeed(gate, image), ...contentOf(gate) }
}

function contentOf(gate: GateDefinition): Partial<GateNeed> {
  switch (gate.kind) {
    case 'signature':
      return { signatures: true }
    case 'attestation':
      return { isPredicate: (type) => type === gate.type }
    case 'scan': {
      const isReport = (type: string): boolean =>
        isScanPredicate(type) || (gate.vexSignedBy !== undefined && isVexPredicate(type))
      return { isPredicate: isReport, isDocument: isReport }
    }
    case 'sbom': {
      const isSbom = (type: string): boolean => isSbomPredicate(type, gate.formats)
      return { isPredicate: isSbom, isDocument: isSbom, readsUnknown: gate.signedBy === undefined }
    }
    case 'soak':
    case 'completeness':
      return { isPredicate: (type) => type === promotionPredicateType }
    case 'approvals':
      return { isPredicate: (type) => type === approvalPredicateType }
    case 'cel':
      return {}
  }
}

/** VEX documents and reports about an index can be attached to it: a scan gate reads those too. */
function subjectsOfNeed({ appliesTo, kind }: GateDefinition, { root, platforms }: NeedingImage): Set<Digest> {
  const ofRoot = appliesTo !== 'platforms' || kind === 'scan' || kind === 'sbom' ? [root] : []
  const ofPlatforms = appliesTo === 'image' ? [] : platforms
  return new Set([...ofRoot, ...ofPlatforms].map(({ digest }) => digest))
}

/** The signers whose signatures the gates need. */
export function neededSigners(gates: readonly GateDefinition[], trust: GateTrust): readonly TrustedSigner[] {
  const names = new Set(gates.flatMap(signersOf))
  const groups = new Set(gates.flatMap(groupsOf))
  return [
    ...[...names].flatMap((name) => trust.signers.get(name) ?? []),
    ...[...groups].flatMap((group) => (trust.approvers.get(group) ?? []).map(({ signer }) => signer)),
  ]
}
