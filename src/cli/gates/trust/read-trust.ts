import type { GateDefinition, SignerConfig, TrustConfig } from '../../../config/gates/gate.ts'
import { groupsOf, signersOf } from '../../../gates/trust-names.ts'
import { type ReadSigner, readSignerFiles } from './read-signer-files.ts'

/** Signers and people whose files were read. */
export interface ReadTrust {
  readonly signers: ReadonlyMap<string, ReadSigner>
  /** by group, then by person */
  readonly approvers: ReadonlyMap<string, ReadonlyMap<string, ReadSigner>>
}

/** The signers and groups that gates refer to. */
export interface TrustNames {
  readonly signers: ReadonlySet<string>
  readonly groups: ReadonlySet<string>
}

/**
 * Reads the files of signers and of the people of groups, one signer after the other: there are few
 * files, and they are small. @param configFile absolute
 */
export async function readTrust(
  { signers, approvers }: TrustConfig,
  names: TrustNames,
  configFile: string,
): Promise<ReadTrust> {
  const readSigners = await readEach(signers, names.signers, '', configFile)
  const readApprovers = new Map<string, ReadonlyMap<string, ReadSigner>>()
  for (const group of names.groups) {
    const people = approvers.get(group)
    if (people === undefined) continue
    readApprovers.set(group, await readEach(people, new Set(people.keys()), `${group}/`, configFile))
  }
  return { signers: readSigners, approvers: readApprovers }
}

async function readEach(
  configs: ReadonlyMap<string, SignerConfig>,
  names: ReadonlySet<string>,
  prefix: string,
  configFile: string,
): Promise<ReadonlyMap<string, ReadSigner>> {
  const read = new Map<string, ReadSigner>()
  for (const name of names) {
    const config = configs.get(name)
    if (config !== undefined) read.set(name, await readSignerFiles(`${prefix}${name}`, config, configFile))
  }
  return read
}

/** Returns the signers and groups that gates need. */
export function trustNamesOf(gates: readonly GateDefinition[]): TrustNames {
  return {
    signers: new Set(gates.flatMap(signersOf)),
    groups: new Set(gates.flatMap(groupsOf)),
  }
}

/** All signers and groups of a file. */
export function allTrustNames({ signers, approvers }: TrustConfig): TrustNames {
  return { signers: new Set(signers.keys()), groups: new Set(approvers.keys()) }
}

/** Returns every signer and person that was read. */
export function allRead({ signers, approvers }: ReadTrust): readonly ReadSigner[] {
  return [...signers.values(), ...[...approvers.values()].flatMap((people) => [...people.values()])]
}
