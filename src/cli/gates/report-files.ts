import { resolve } from 'node:path'
import type { GateDefinition } from '../../config/gates/gate.ts'
import type { ReportFile } from '../../gates/gate-request.ts'
import { asUsage } from '../../lib/as-usage.ts'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { digestOf, parseDigest } from '../../oci/digest.ts'
import { maxEvidenceSize } from '../../signing/statement.ts'

/**
 * Reads the files of `--scan-report [DIGEST=]FILE`.
 * @throws `usage` for a value that is neither; `not-found`, `malformed` if it is too large, `io`.
 */
export async function readReportFiles(
  values: readonly string[],
  cwd: string,
): Promise<readonly ReportFile[]> {
  return await Promise.all(values.map((value) => readReportFile(value, cwd)))
}

/** Returns a warning if there are files and no gate accepts them. */
export function warnAboutReportFiles(
  files: readonly ReportFile[],
  gates: readonly GateDefinition[],
): readonly string[] {
  const isUsed = gates.some((gate) => gate.kind === 'scan' && gate.allowReportFile)
  if (files.length === 0 || isUsed) return []
  return [
    '--scan-report has no effect, because no scan gate of the destination has allowReportFile: true in dray.yaml.',
  ]
}

async function readReportFile(value: string, cwd: string): Promise<ReportFile> {
  // A path that begins like a digest can be written as ./sha256:…
  const [, digest, name = value] = /^(sha(?:256|512):[^=]*)=(.*)$/s.exec(value) ?? []
  if (name === '') {
    throw new DrayError('usage', `--scan-report ${value} names no file`, {
      hint: 'Write --scan-report FILE or --scan-report DIGEST=FILE.',
    })
  }
  const asserted = digest === undefined ? undefined : asUsage(() => parseDigest(digest))
  const path = resolve(cwd, name)
  const bytes = await readBounded(path)
  if (bytes === undefined) {
    throw new DrayError('not-found', `cannot read the scan report ${name}`, {
      why: 'the file does not exist',
      hint: 'Pass the path of a report to --scan-report.',
    })
  }
  return { name, bytes, sha256: digestOf(bytes), ...(asserted !== undefined && { asserted }) }
}

async function readBounded(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFileBounded(path, maxEvidenceSize)
  } catch (error) {
    const hint = `Pass the file of one report, of at most ${maxEvidenceSize / 2 ** 20} MiB.`
    throw toDrayError(error).with({ hint })
  }
}
