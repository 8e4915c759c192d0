import type { WrittenConfig } from '../schema/schema.ts'
import type { GateDefinition, TrustConfig } from './gate.ts'
import type { GateContext } from './gate-context.ts'
import { checkPeople } from './check-people.ts'
import { readGate } from './read-gate.ts'
import { readApprover, readSigner } from './read-signers.ts'
import type { ReadSections } from '../sections/sections.ts'

/**
 * Reads `signers`, `approvers` and the gates of all environments, with their defaults. Reports each
 * mistake; the result of a file with mistakes must not be used. It reads no file. Import this file
 * lazily: few files have gates.
 */
export function readGates(written: WrittenConfig, context: GateContext): ReadSections {
  const gates = new Map<string, readonly GateDefinition[]>()
  for (const [environment, { gates: listed }] of Object.entries(written.environments ?? {})) {
    if (listed === undefined) continue
    const names = new Set<string>()
    const path = ['environments', environment, 'gates']
    const found = listed.flatMap((gate, i) => {
      if (names.has(gate.name))
        context.report([...path, i, 'name'], `${JSON.stringify(gate.name)} is given twice`)
      names.add(gate.name)
      return readGate(gate, environment, [...path, i], context) ?? []
    })
    gates.set(environment, found)
  }
  const trust = readTrust(written, context)
  if (trust !== undefined) checkPeople(trust, [...gates.values()].flat(), context)
  return { gates, ...(trust !== undefined && { trust }) }
}

function readTrust({ signers, approvers }: WrittenConfig, context: GateContext): TrustConfig | undefined {
  if (signers === undefined && approvers === undefined) return undefined
  return {
    signers: new Map(
      Object.entries(signers ?? {}).map(([name, signer]) => [
        name,
        readSigner(signer, ['signers', name], context),
      ]),
    ),
    approvers: new Map(
      Object.entries(approvers ?? {}).map(([group, people]) => [
        group,
        new Map(
          Object.entries(people).map(([person, approver]) => [
            person,
            readApprover(approver, ['approvers', group, person], context),
          ]),
        ),
      ]),
    ),
  }
}
