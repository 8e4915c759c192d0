import type { Path } from '../key-path.ts'
import type { WrittenGate } from '../schema/schema-gates.ts'
import type { GateBase, GateDefinition, GateOperation } from './gate.ts'
import type { GateContext } from './gate-context.ts'
import { checkSelection } from './image-globs.ts'
import { readKind } from './read-kinds.ts'

const kinds = [
  'signature',
  'attestation',
  'scan',
  'sbom',
  'soak',
  'approvals',
  'completeness',
  'cel',
] as const satisfies readonly GateDefinition['kind'][]

const usualOperations: readonly GateOperation[] = ['promote', 'copy', 'tag', 'sync']

/** Kinds whose evidence is about the platform images, by default. */
const perPlatform: ReadonlySet<GateDefinition['kind']> = new Set(['scan', 'sbom'])
/** Reads a gate with its defaults; undefined if it does not have exactly one kind. */
export function readGate(
  written: WrittenGate,
  environment: string,
  path: Path,
  context: GateContext,
): GateDefinition | undefined {
  checkSelection(written, path, context)
  const operations = written.operations ?? usualOperations
  const twice = operations.findIndex((one, i) => operations.indexOf(one) < i)
  if (twice >= 0) context.report([...path, 'operations', twice], `${operations[twice]} is listed twice`)
  const kind = onlyKindOf(written, path, context)
  if (kind === undefined) return undefined
  const { appliesTo = perPlatform.has(kind) ? 'platforms' : 'image' } = written
  const base: GateBase = {
    name: written.name,
    environment,
    path,
    appliesTo,
    images: written.images ?? ['*'],
    excludeImages: written.excludeImages ?? [],
    operations,
    mode: written.mode ?? 'enforce',
    override: written.override ?? 'allowed',
  }
  return readKind(written, base, context)
}

function onlyKindOf(
  written: WrittenGate,
  path: Path,
  { report }: GateContext,
): GateDefinition['kind'] | undefined {
  const given = kinds.filter((kind) => written[kind] !== undefined)
  const [first, second] = given
  if (first === undefined) {
    report(path, `a gate needs one of ${kinds.join(', ')}`, 'value', true)
    return undefined
  }
  if (second === undefined) return first
  report([...path, second], `a gate has exactly one kind, but this one has ${given.join(' and ')}`, 'key')
  return undefined
}
