import { dirname, relative } from 'node:path'
import type { GateDefinition } from '../../config/gates/gate.ts'
import { gateWarnings } from '../../config/gates/gate-warnings.ts'
import type { LoadedConfig } from '../../config/parse.ts'
import type { Issue } from '../../config/shape.ts'
import { endOfTrustedRoot, updateCommand } from '../../signing/keyless/trusted-root.ts'
import type { TrustedSigner } from '../../signing/trust/signer.ts'
import type { DiagnosisCheck } from '../../usecases/views/doctor.ts'
import {
  diagnoseGates,
  type ExaminedSigner,
  type GateDiagnosis,
} from '../../usecases/views/gate-diagnosis.ts'
import { readAndCheck } from './load-gates.ts'
import { allRead, trustNamesOf } from './trust/read-trust.ts'

/**
 * Examines the keys, roots and expressions of the gates of environments. It sends no request.
 * @param environments those without gates are omitted
 * @param now milliseconds since 1970
 */
export async function examineGates(
  loaded: LoadedConfig,
  environments: readonly string[],
  now: number,
): Promise<readonly GateDiagnosis[]> {
  const warnings = gateWarnings(loaded.config, now)
  const found: GateDiagnosis[] = []
  for (const environment of environments) {
    const gates = loaded.config.environments.get(environment)?.gates ?? []
    if (gates.length > 0) found.push(await examine(loaded, environment, gates, warnings, now))
  }
  return found
}

async function examine(
  loaded: LoadedConfig,
  environment: string,
  gates: readonly GateDefinition[],
  warnings: readonly Issue[],
  now: number,
): Promise<GateDiagnosis> {
  const { read, issues } = await readAndCheck(loaded, gates, trustNamesOf(gates))
  const folder = dirname(loaded.file ?? '')
  const own = new Set(gates.map(({ path }) => JSON.stringify(path)))
  const ofGates = warnings.filter(({ path }) => own.has(JSON.stringify(path.slice(0, 4))))
  const wrong = issues.filter(({ path }) => path.at(-1) === 'expression').length
  return diagnoseGates(
    {
      environment,
      gates: gates.map(({ name }) => name),
      signers: allRead(read).map(({ signer }) => examined(signer, folder)),
      expressions: gates.filter(hasExpression).length - wrong,
      mistakes: issues.map((issue) => ({ check: checkOf(issue), ...describe(issue, loaded) })),
      warnings: ofGates.map((issue) => describe(issue, loaded)),
    },
    now,
  )
}

function hasExpression(gate: GateDefinition): boolean {
  return (gate.kind === 'cel' || gate.kind === 'attestation') && gate.expression !== undefined
}

function examined({ name, keys, keyless }: TrustedSigner, folder: string): ExaminedSigner {
  return {
    name,
    keys: keys.map(({ file, expiresAt }) => ({
      file: relative(folder, file),
      ...(expiresAt !== undefined && { expiresAt }),
    })),
    ...(keyless !== undefined && {
      root: {
        file: relative(folder, keyless.file),
        endsAt: Math.max(...keyless.roots.map(endOfTrustedRoot)),
        update: updateCommand(keyless.file),
      },
    }),
  }
}

function checkOf({ path }: Issue): DiagnosisCheck {
  if (path.includes('keys')) return 'key'
  if (path.includes('keyless')) return 'trustedRoot'
  return path.at(-1) === 'expression' ? 'expression' : 'gates'
}

/** Adds the position in the file to a mistake. */
function describe(issue: Issue, loaded: LoadedConfig): { readonly saw: string; readonly hint?: string } {
  const { message, hint } = issue
  const [located] = loaded.locate([issue])
  const at = located === undefined ? '' : `${loaded.name ?? ''}:${located.line}:${located.column}: `
  return {
    saw: `${at}${message}`,
    ...(hint !== undefined && { hint: asSentence(hint) }),
  }
}

function asSentence(clause: string): string {
  const end = /[.?]$/.test(clause) ? '' : '.'
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}${end}`
}
